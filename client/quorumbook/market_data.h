// Market data as it happens: a stream of updates, and the book that they make; and what happens to
// an account's orders (channel EXECUTIONS).
//
//   auto stream = client->Subscribe({.symbol = "AMZN", .channel = v1::SubscribeRequest::L2});
//   quorumbook::MarketBook book;
//   while (auto update = (*stream)->Next(); update.ok() && book.Apply(*update).ok()) { ... }
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "quorumbook/v1/market_data.pb.h"

namespace quorumbook {

struct SubscribeOptions {
  std::string symbol = {};  // to be set, but for EXECUTIONS of all symbols of a shard
  v1::SubscribeRequest::Channel channel = v1::SubscribeRequest::L2;
  uint32_t depth = 10;                           // of L2, a side; at most 1,000
  v1::CandleInterval interval = v1::ONE_MINUTE;  // of CANDLES
  uint32_t limit = 50;                           // trades, candles or open orders in a snapshot
  uint64_t account = 0;                          // of EXECUTIONS
  uint32_t shard = 0;                            // of EXECUTIONS without a symbol
  uint32_t node = 0;                             // whom to ask first; 0: any
};

struct SubscriptionStats {
  uint64_t updates = 0;
  uint64_t snapshots = 0;     // among them
  uint64_t resubscribed = 0;  // streams opened after the first
  uint64_t gaps = 0;          // resubscribed because an update was missing
  uint64_t cut = 0;           // resubscribed because this consumer was too slow
};

// One subscription over one stream after another. When a stream ends, the node fails or an update
// is missing, it subscribes again, at another node if need be: the next update is then a snapshot,
// never of an earlier state than what was seen.
class MarketDataStream {
 public:
  virtual ~MarketDataStream() = default;

  // Waits for the next update; the first is a snapshot. REQUIRES: one caller at a time. Errors:
  // kNotFound for a symbol that no node knows, kFailedPrecondition for a book too large for channel
  // L3, kUnavailable when no node serves it for ClientOptions.timeout (what each said is named),
  // kCancelled after Cancel.
  virtual absl::StatusOr<v1::MarketDataUpdate> Next() = 0;
  // Makes a Next that waits return, and every later one. Thread-safe.
  virtual void Cancel() = 0;
  virtual SubscriptionStats stats() const = 0;
};

// The book that updates of channel L2 or L3 make. Not thread-safe.
class MarketBook {
 public:
  // Best first.
  using Bids = std::map<int64_t, v1::Level, std::greater<>>;
  using Asks = std::map<int64_t, v1::Level, std::less<>>;
  struct Order {
    uint64_t id = 0;
    int64_t quantity = 0;
  };

  // Errors, after which only a snapshot is taken: kDataLoss when an update is missing before this
  // one, or it speaks of what is not there; kFailedPrecondition before the first snapshot.
  absl::Status Apply(const v1::MarketDataUpdate& update);

  const Bids& bids() const { return bids_; }
  const Asks& asks() const { return asks_; }
  // The last event of the shard that the book contains.
  uint64_t event_sequence() const { return event_sequence_; }
  // Orders at a price in priority order; empty unless the updates are of channel L3.
  std::vector<Order> OrdersAt(v1::Side side, int64_t price) const;

 private:
  struct Resting {
    v1::Side side{};
    int64_t price = 0;
    int64_t quantity = 0;
    std::list<uint64_t>::iterator place;
  };
  using Queues = std::map<int64_t, std::list<uint64_t>>;

  void Clear();
  absl::Status Apply(const v1::OrderChange& change);
  void Remove(std::unordered_map<uint64_t, Resting>::iterator order);
  void AddToLevel(v1::Side side, int64_t price, int64_t quantity, int orders);
  Queues& queues(v1::Side side) { return side == v1::BUY ? bid_queues_ : ask_queues_; }

  bool valid_ = false;
  uint64_t sequence_ = 0;
  uint64_t event_sequence_ = 0;
  Bids bids_;
  Asks asks_;
  // Of channel L3.
  std::unordered_map<uint64_t, Resting> orders_;
  Queues bid_queues_;
  Queues ask_queues_;
};

}  // namespace quorumbook
