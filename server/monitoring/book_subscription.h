// What one WebSocket client subscribed to: gathers updates on the shard's strand, and gives them
// out as JSON on the thread of the HTTP server.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/market_data_feed.h"
#include "server/market_data_queue.h"
#include "server/monitoring/market_json.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// What the client calls it.
struct BookTopic {
  std::string channel;  // book, trades or candles
  std::string symbol;

  auto operator<=>(const BookTopic&) const = default;
};

class BookSubscription final : public MarketDataSubscriber,
                               public std::enable_shared_from_this<BookSubscription> {
 public:
  // `wake` is called from any thread when there is something to take; not again before Take.
  BookSubscription(BookTopic topic, v1::SubscribeRequest request, std::function<void()> wake);

  // Begins; what goes wrong ends it. `shards` outlives this.
  void Start(const ShardSet& shards);
  void Stop();

  // Appends what is to be said, in order. Ended: nothing follows, and why.
  std::optional<Refusal> Take(std::vector<std::string>* messages);

  size_t OnUpdate(const SharedUpdate& update, bool snapshot) override;
  size_t Behind() const override;
  // A share is kept for those that speak gRPC.
  size_t MostBeside() const override { return kMaxSubscriptions / 4 * 3; }
  void OnEnd(const Refusal& refusal) override;

 private:
  std::string Render(const std::string& bytes);

  const BookTopic topic_;
  const v1::SubscribeRequest request_;
  const std::function<void()> wake_;
  ShardReplica* replica_ = nullptr;
  // On the thread of the HTTP server.
  uint64_t sequence_ = 0;
  bool conflated_ = false;  // the next snapshot is in place of updates
  v1::Symbol symbol_;

  mutable std::mutex mutex_;  // guards all below
  MarketDataQueue queue_;
  bool woken_ = false;
  std::optional<Refusal> ended_;
};

}  // namespace quorumbook::server
