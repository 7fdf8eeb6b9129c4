// Market data of a node: the daemon's own feed, and faults on the way.
#include <chrono>
#include <utility>

#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

class Subscriber final : public server::MarketDataSubscriber {
 public:
  size_t OnUpdate(const server::SharedUpdate& update, bool) override {
    std::lock_guard lock(mutex_);
    updates_.push_back(update);
    changed_.notify_all();
    return 0;
  }
  size_t Behind() const override { return 0; }
  void OnEnd(const server::Refusal& refusal) override {
    std::lock_guard lock(mutex_);
    ended_ = refusal.code;
    changed_.notify_all();
  }

  // Null when none came for a moment.
  server::SharedUpdate Take() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(10), [this] { return !updates_.empty(); });
    if (updates_.empty()) return nullptr;
    server::SharedUpdate update = std::move(updates_.front());
    updates_.pop_front();
    return update;
  }
  server::RefusalCode ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<server::SharedUpdate> updates_;
  server::RefusalCode ended_ = server::RefusalCode::kNone;
};

grpc::Status End(grpc::ServerContext* context, v1::ErrorDetail::Code code) {
  v1::ErrorDetail detail;
  detail.set_code(code);
  context->AddTrailingMetadata("quorumbook-error-bin", detail.SerializeAsString());
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, v1::ErrorDetail::Code_Name(code)};
}

}  // namespace

void FakeNode::PlanUpdate(StreamFault fault, int nth) {
  std::lock_guard lock(mutex_);
  stream_fault_ = fault;
  stream_fault_in_ = nth;
}

StreamFault FakeNode::NextStreamFault() {
  std::lock_guard lock(mutex_);
  if (stream_fault_in_ == 0 || --stream_fault_in_ > 0) return StreamFault::kNone;
  return stream_fault_;
}

grpc::Status FakeNode::Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                                 grpc::ServerWriter<v1::MarketDataUpdate>* writer) {
  {
    std::lock_guard lock(mutex_);
    ++streams_opened_;
  }
  if (forgets_symbols_) return {grpc::StatusCode::NOT_FOUND, "no such symbol"};
  const auto subscriber = std::make_shared<Subscriber>();
  cluster_->Subscribe(*request, subscriber);
  grpc::Status status;
  uint64_t sequence = 0;
  while (status.ok() && !context->IsCancelled()) {
    if (subscriber->ended() == server::RefusalCode::kNotFound) {
      status = {grpc::StatusCode::NOT_FOUND, "no such symbol"};
      break;
    }
    const server::SharedUpdate bytes = subscriber->Take();
    if (bytes == nullptr) continue;
    v1::MarketDataUpdate update;
    update.ParseFromString(*bytes);
    update.set_sequence(++sequence);
    switch (NextStreamFault()) {
      case StreamFault::kDrop:
        status = {grpc::StatusCode::UNAVAILABLE, "dropped"};
        continue;
      case StreamFault::kSkip:
        continue;
      case StreamFault::kCut:
        status = End(context, v1::ErrorDetail::SLOW_CONSUMER);
        continue;
      case StreamFault::kFull:
        status = End(context, v1::ErrorDetail::TOO_MANY_SUBSCRIPTIONS);
        continue;
      case StreamFault::kBehind:
        update.set_event_sequence(0);
        break;
      case StreamFault::kNone:
        break;
    }
    if (!writer->Write(update)) break;
  }
  cluster_->Unsubscribe(subscriber.get());
  return status;
}

}  // namespace quorumbook::client
