// Who is subscribed to a shard's market data, and what is sent to them as entries are applied.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/ids.h"
#include "exchange/event.h"
#include "exchange/exchange.h"
#include "quorumbook/v1/market_data.pb.h"
#include "server/market_data_queue.h"
#include "server/market_data_topic.h"
#include "server/replica/refusal.h"

namespace quorumbook::server {

// Subscriptions of one replica; more are refused (kTooManySubscriptions).
inline constexpr size_t kMaxSubscriptions = 1'024;

// One stream of updates. Called by the feed; must neither block nor call it.
class MarketDataSubscriber {
 public:
  virtual ~MarketDataSubscriber() = default;
  // Returns how many updates, this one or others before it, are not sent to the client because it
  // is slow: a snapshot takes their place, or it is cut.
  virtual size_t OnUpdate(const SharedUpdate& update, bool snapshot) = 0;
  // Updates it was told of and that are not on their way to the client.
  virtual size_t Behind() const = 0;
  // It is refused when there are so many subscriptions.
  virtual size_t MostBeside() const { return kMaxSubscriptions; }
  // The last call: the feed knows the subscriber no more.
  virtual void OnEnd(const Refusal& refusal) = 0;
};

// Not thread-safe: lives on its replica's strand. Costs one comparison an applied entry while
// nobody is subscribed; else subscribers of one channel and symbol (or account) share one message.
class MarketDataFeed {
 public:
  explicit MarketDataFeed(ShardId shard) : shard_(shard) {}

  // Whether updates of a channel may be dropped when a snapshot follows.
  static bool MayConflate(v1::SubscribeRequest::Channel channel);

  // Sends a snapshot and, from here on, what changes; or ends the subscriber with the reason why
  // not. What is out of bounds in `request` is brought to the bound.
  void Add(const exchange::Exchange& exchange, v1::SubscribeRequest request,
           std::shared_ptr<MarketDataSubscriber> subscriber);
  // Does nothing when it is not there (any more).
  void Remove(const MarketDataSubscriber* subscriber);
  // Does nothing when it is not there. Else sends it a snapshot.
  void Refresh(const exchange::Exchange& exchange, const MarketDataSubscriber* subscriber);

  // `result` was applied to `exchange`. Events of repeated commands in it are passed over.
  void Applied(const exchange::Exchange& exchange, const exchange::ApplyResult& result) {
    if (!members_.empty()) Publish(exchange, result);
  }
  // `exchange` is another state than before: everybody gets a snapshot.
  void Restored(const exchange::Exchange& exchange);
  // Ends everybody.
  void End(const Refusal& refusal);

  size_t subscribers() const { return members_.size(); }
  // What is looked at as entries are applied: at most one a channel and symbol, of CANDLES one an
  // interval, and of EXECUTIONS one an account besides.
  size_t topics() const;
  // Updates that the slowest subscriber is behind.
  size_t MostBehind() const;
  // Handed to subscribers so far, each counted.
  uint64_t updates() const { return updates_; }
  uint64_t update_bytes() const { return update_bytes_; }
  // Of them, those that were not sent to slow subscribers.
  uint64_t dropped() const { return dropped_; }

 private:
  using Subscribers = std::vector<const MarketDataSubscriber*>;
  struct TopicKey {
    exchange::SymbolId symbol;    // SymbolId(): all
    exchange::AccountId account;  // of EXECUTIONS
    int channel = 0;
    int interval = 0;  // of CANDLES
    bool operator==(const TopicKey&) const = default;
  };
  struct Topic {
    TopicKey key;
    std::unique_ptr<MarketDataTopic> topic;
    // By depth, the greatest first; 0 of other channels than L2.
    std::map<uint32_t, Subscribers, std::greater<>> subscribers;

    uint32_t deepest() const { return subscribers.begin()->first; }
  };
  struct Member {
    std::shared_ptr<MarketDataSubscriber> subscriber;
    Topic* topic = nullptr;
    uint32_t depth = 0;  // of L2
    uint32_t limit = 0;  // of others
  };
  // The topics of a symbol or an account, and its events in the batch at hand.
  struct Subject {
    std::vector<std::unique_ptr<Topic>> topics;
    std::vector<const exchange::Event*> events;
  };

  // Made when there is none: then nobody subscribed to it yet.
  Topic& TopicOf(const v1::SubscribeRequest& request, exchange::SymbolId symbol);
  // What the topics of a key are about.
  Subject& SubjectOf(const TopicKey& key);
  void Forget(const TopicKey& key);  // its subject has no topics any more
  void Collect(const exchange::Event& event);
  void Collect(const exchange::Event& event, Subject* subject);
  void Publish(const exchange::Exchange& exchange, const exchange::ApplyResult& result);
  void Publish(const exchange::Exchange& exchange, exchange::Time time, const Subject& subject);
  void Publish(const exchange::Exchange& exchange, exchange::Time time, const Subject& subject,
               const Topic& topic);
  void Tell(MarketDataSubscriber* subscriber, const SharedUpdate& update, bool snapshot);
  void TellAll(const Subscribers& subscribers, const SharedUpdate& update);
  static SharedUpdate Seal(const exchange::Exchange& exchange, v1::MarketDataUpdate* update);

  const ShardId shard_;
  uint64_t last_event_ = 0;  // published; only of use while there are members
  uint64_t updates_ = 0;
  uint64_t update_bytes_ = 0;
  uint64_t dropped_ = 0;
  absl::flat_hash_map<const MarketDataSubscriber*, Member> members_;
  absl::flat_hash_map<exchange::SymbolId, Subject> symbols_;
  absl::flat_hash_map<exchange::AccountId, Subject> accounts_;
  std::vector<Subject*> touched_;  // of the batch at hand
};

}  // namespace quorumbook::server
