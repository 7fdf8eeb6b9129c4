#include "proto/grpc_threads.h"

#include <grpc/support/cpu.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace quorumbook::server {
namespace {

const uint32_t kGrpcThreads = std::clamp(gpr_cpu_num_cores() / 2, 2U, 16U);

// Makes calls that fail at once, and tells which threads their callbacks came on.
class Calls {
 public:
  // The next callbacks wait until so many of them are there: each has a thread of its own then.
  void Gather(uint32_t threads) {
    std::lock_guard lock(mutex_);
    gathering_ = threads;
  }
  void Make(int count) {
    for (int i = 0; i < count; ++i) {
      struct Unary {
        grpc::ClientContext context;
        grpc::ByteBuffer request, response;
      };
      auto unary = std::make_shared<Unary>();
      const grpc::Slice nothing;
      unary->request = grpc::ByteBuffer(&nothing, 1);
      grpc::GenericStub(channel_).UnaryCall(&unary->context, "/none", grpc::StubOptions(),
                                            &unary->request, &unary->response,
                                            [this, unary](const grpc::Status&) mutable {
                                              // Whoever lets go of a channel last must be none of
                                              // gRPC's threads.
                                              unary.reset();
                                              Called();
                                            });
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return called_ == count; });
    called_ = 0;
  }
  const std::set<std::thread::id>& threads() const { return threads_; }

 private:
  void Called() {
    std::unique_lock lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    changed_.notify_all();
    changed_.wait(lock, [this] { return threads_.size() >= gathering_; });
    ++called_;
    changed_.notify_all();
  }

  const std::shared_ptr<grpc::Channel> channel_ = grpc::CreateChannel("", nullptr);
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::thread::id> threads_;
  uint32_t gathering_ = 0;
  int called_ = 0;
};

TEST(GrpcThreadsTest, OneThreadRunsAllCallbacks) {
  const GrpcThreads threads(1);
  EXPECT_EQ(threads.kept(), kGrpcThreads - 1);
  Calls calls;
  calls.Make(2'000);
  EXPECT_EQ(calls.threads().size(), 1u);
}

// A lone thread to which nothing happens sleeps, and the next message waits for it to wake up.
TEST(GrpcThreadsTest, TheOneThreadIsGivenSomethingToDoAgainAndAgain) {
  const GrpcThreads threads(1);
  for (int attempt = 0; threads.ticks() < 2; ++attempt) {
    ASSERT_LT(attempt, 6'000) << "nothing happens to it";
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST(GrpcThreadsTest, GivesTheThreadsBack) {
  std::make_unique<GrpcThreads>(1).reset();
  Calls calls;
  calls.Gather(kGrpcThreads);
  calls.Make(100);
  EXPECT_EQ(calls.threads().size(), kGrpcThreads);
}

TEST(GrpcThreadsTest, KeepsNoneWhereGrpcHasNoMore) {
  const GrpcThreads threads(1'000);
  EXPECT_EQ(threads.kept(), 0u);
}

}  // namespace
}  // namespace quorumbook::server
