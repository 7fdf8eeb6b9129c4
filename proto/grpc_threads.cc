#include "proto/grpc_threads.h"

#include <grpc/support/cpu.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "common/check.h"

namespace quorumbook {

constexpr std::chrono::seconds kPatience{5};
// A thread to which nothing happens for a second sleeps for a tenth of one (same function): others
// would go on meanwhile.
constexpr std::chrono::milliseconds kTick{500};

// What kept threads wait at.
class GrpcThreads::Gate {
 public:
  void Arrive() {
    std::lock_guard lock(mutex_);
    ++arrived_;
    changed_.notify_all();
  }
  // False: not yet, but `tick` is over.
  bool WaitUntilOpen(std::chrono::milliseconds tick) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, tick, [this] { return open_; });
  }
  void Pass() {
    std::lock_guard lock(mutex_);
    ++passed_;
    changed_.notify_all();
  }
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Tick() {
    std::lock_guard lock(mutex_);
    ++ticks_;
  }
  uint64_t ticks() {
    std::lock_guard lock(mutex_);
    return ticks_;
  }
  void Enter() {
    std::lock_guard lock(mutex_);
    ++calls_;
  }
  void Leave() {
    std::lock_guard lock(mutex_);
    --calls_;
    changed_.notify_all();
  }
  void WaitUntilAllLeft() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calls_ == 0; });
  }
  // False: not within kPatience.
  bool WaitUntilArrived(uint32_t threads) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return arrived_ == threads; });
  }
  bool WaitUntilPassed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return passed_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t arrived_ = 0;
  uint32_t passed_ = 0;
  uint32_t calls_ = 0;
  uint64_t ticks_ = 0;
  bool open_ = false;
};

// Of gRPC.
static uint32_t CallbackThreads() { return std::clamp(gpr_cpu_num_cores() / 2, 2U, 16U); }

uint32_t GrpcThreads::Default() { return std::max(1U, std::thread::hardware_concurrency() / 2); }

// A channel without credentials is one whose calls fail at once.
GrpcThreads::GrpcThreads(uint32_t wanted)
    : channel_(grpc::CreateChannel("", nullptr)), gate_(std::make_shared<Gate>()) {
  QB_CHECK(wanted > 0);
  const uint32_t threads = CallbackThreads();
  if (wanted >= threads) return;
  if (Keep(threads - wanted)) {
    kept_ = threads - wanted;
    return;
  }
  gate_->Open();
  as_wanted_ = false;
}

GrpcThreads::~GrpcThreads() {
  gate_->Open();
  // The last one to let go of a channel may have to join gRPC's threads, so it must be none of
  // them.
  gate_->WaitUntilAllLeft();
}

uint64_t GrpcThreads::ticks() const { return gate_->ticks(); }

bool GrpcThreads::Keep(uint32_t threads) {
  for (uint32_t i = 0; i < threads; ++i) {
    Call([this] {
      gate_->Arrive();
      while (!gate_->WaitUntilOpen(kTick)) Call([gate = gate_] { gate->Tick(); });
    });
  }
  if (!gate_->WaitUntilArrived(threads)) return false;
  Call([gate = gate_] { gate->Pass(); });
  return gate_->WaitUntilPassed();
}

void GrpcThreads::Call(std::function<void()> then) {
  struct Unary {
    grpc::ClientContext context;
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
  };
  auto unary = std::make_shared<Unary>();
  const grpc::Slice nothing;
  unary->request = grpc::ByteBuffer(&nothing, 1);
  gate_->Enter();
  grpc::GenericStub(channel_).UnaryCall(
      &unary->context, "/none", grpc::StubOptions(), &unary->request, &unary->response,
      [unary, gate = gate_, then = std::move(then)](const grpc::Status&) mutable {
        then();
        unary.reset();
        gate->Leave();
      });
}

}  // namespace quorumbook
