// What one channel of one symbol (of EXECUTIONS: of one account) says: a snapshot of it, and what
// an applied batch changed.
//
// Changes come from comparing the market after a batch with what was said before, not from playing
// the rules of matching again: what is said is what the market is, whatever an order's terms are.
#pragma once

#include <memory>
#include <vector>

#include "common/ids.h"
#include "exchange/event.h"
#include "exchange/exchange.h"
#include "quorumbook/v1/market_data.pb.h"

namespace quorumbook::server {

inline constexpr uint32_t kDefaultDepth = 10;
inline constexpr uint32_t kMaxDepth = 1'000;
// Orders a side that a snapshot of channel L3 may have: more would hold up the shard.
inline constexpr size_t kMaxBookOrders = 20'000;

// Whether `symbol` of the event is a symbol.
inline bool IsOfSymbol(const exchange::Event& event) {
  return event.type != exchange::EventType::kAssetAdded &&
         event.type != exchange::EventType::kBalanceChanged;
}

// Not thread-safe: lives where its shard's exchange does.
class MarketDataTopic {
 public:
  // `request`: what was asked for, its channel and bounds checked. `symbol` is that of its name;
  // SymbolId() when it has none.
  static std::unique_ptr<MarketDataTopic> Make(const v1::SubscribeRequest& request,
                                               exchange::SymbolId symbol);
  virtual ~MarketDataTopic() = default;

  // Fills the channel's part of a snapshot, with at most `limit` trades or candles (0: all there
  // are; of L2: levels a side). False when the market is too large for that (kMaxBookOrders).
  virtual bool Snapshot(const exchange::Exchange& exchange, uint32_t limit,
                        v1::MarketDataUpdate* out) const = 0;

  // From here on changes are told against the market as it is now; of L2, the best `depth` levels.
  virtual void Reset(const exchange::Exchange& exchange, uint32_t depth) = 0;

  // Before what changed is told, once: of L2, which looks at the market then, so deep, for all of
  // the depths that Update is called with. None is greater.
  virtual void Advance(const exchange::Exchange& /*exchange*/, uint32_t /*depth*/) {}

  // Fills the channel's part with what changed since the last call, of L2 between the last two
  // Advance within the best `depth` levels; false: nothing. `events`: those of the symbol or
  // account among what was applied at `time` since then, in their order.
  virtual bool Update(const exchange::Exchange& exchange, exchange::Time time,
                      const std::vector<const exchange::Event*>& events, uint32_t depth,
                      v1::MarketDataUpdate* out) = 0;
};

}  // namespace quorumbook::server
