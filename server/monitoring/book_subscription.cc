#include "server/monitoring/book_subscription.h"

#include <utility>

namespace quorumbook::server {

BookSubscription::BookSubscription(BookTopic topic, v1::SubscribeRequest request,
                                   std::function<void()> wake)
    : topic_(std::move(topic)),
      request_(std::move(request)),
      wake_(std::move(wake)),
      queue_(MarketDataFeed::MayConflate(request_.channel())) {}

void BookSubscription::Start(const ShardSet& shards) {
  Refusal refusal;
  replica_ = shards.Find(request_.shard(), &refusal);
  if (replica_ == nullptr) return OnEnd(refusal);
  replica_->Subscribe(request_, shared_from_this());
}

void BookSubscription::Stop() {
  if (replica_ != nullptr) replica_->Unsubscribe(shared_from_this());
}

size_t BookSubscription::OnUpdate(const SharedUpdate& update, bool snapshot) {
  size_t dropped = 0;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return 0;
    if (!queue_.Push(update, snapshot)) {
      replica_->SubscriberCut();
      queue_.Clear();
      ended_ = {RefusalCode::kSlowConsumer, "too much waited to be sent", NodeId()};
    }
    dropped = queue_.TakeDropped();
    // Until the snapshot comes there is nothing to take.
    if (queue_.refreshing()) return dropped;
    if (std::exchange(woken_, true)) return dropped;
  }
  wake_();
  return dropped;
}

size_t BookSubscription::Behind() const {
  const std::lock_guard lock(mutex_);
  return queue_.behind();
}

void BookSubscription::OnEnd(const Refusal& refusal) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_ = refusal;
    if (std::exchange(woken_, true)) return;
  }
  wake_();
}

std::optional<Refusal> BookSubscription::Take(std::vector<std::string>* messages) {
  std::vector<SharedUpdate> updates;
  bool refresh = false;
  std::optional<Refusal> ended;
  {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    while (!queue_.empty()) updates.push_back(queue_.Pop());
    refresh = !ended_ && queue_.BeginRefresh();
    ended = ended_;
  }
  for (const SharedUpdate& update : updates) messages->push_back(Render(*update));
  if (refresh) {
    conflated_ = true;
    replica_->Refresh(shared_from_this());
  }
  return ended;
}

std::string BookSubscription::Render(const std::string& bytes) {
  v1::MarketDataUpdate update;
  update.ParseFromString(bytes);
  if (update.snapshot()) symbol_ = update.symbol();
  Json out = {{"type", "update"},
              {"channel", topic_.channel},
              {"symbol", topic_.symbol},
              {"sequence", ++sequence_},
              {"snapshot", update.snapshot()}};
  out["conflated"] = update.snapshot() && std::exchange(conflated_, false);
  AddUpdate(update, symbol_, request_.channel(), &out);
  if (request_.channel() == v1::SubscribeRequest::CANDLES) {
    out["interval"] = IntervalName(request_.interval());
  }
  return ToText(out);
}

}  // namespace quorumbook::server
