// The replicated state machine of one shard: symbols, books, orders, sessions.
//
// Deterministic: the same batches in the same order give the same state, events and snapshot
// bytes on every machine. No clock, no threads, no I/O, no floating point. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

struct SymbolInfo {
  SymbolId id;
  std::string name;
  Decimal tick_size;
  Decimal lot_size;
};

struct LevelInfo {
  Price price = 0;
  Quantity quantity = 0;
  uint32_t orders = 0;
};

struct OrderInfo {
  OrderId id;
  ClientOrderId client_order_id;
  AccountId account;
  SymbolId symbol;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kGoodTillCancel;
  OrderStatus status = OrderStatus::kNew;
  Reason reason = Reason::kNone;  // why it was cancelled
  Price price = 0;
  Quantity quantity = 0;  // total
  Quantity leaves = 0;    // open
  Quantity executed = 0;
  Time entered = 0;  // cluster time
  Time changed = 0;
};

struct Depth {  // best first
  std::vector<LevelInfo> bids;
  std::vector<LevelInfo> asks;
};

struct TradeInfo {
  uint64_t id = 0;
  uint64_t sequence = 0;  // of its event
  Time time = 0;
  Side taker_side = Side::kBuy;
  Price price = 0;
  Quantity quantity = 0;
};

// Since the symbol was added. Prices are 0 while there is no trade, or no order on that side.
struct MarketSummary {
  Price last = 0, open = 0, high = 0, low = 0;
  uint64_t trades = 0;
  Uint128 volume = 0;    // lots
  Uint128 notional = 0;  // sum of price * quantity, ticks times lots; VWAP = notional / volume
  Price best_bid = 0, best_ask = 0;
  Quantity best_bid_quantity = 0, best_ask_quantity = 0;
};

class Exchange {
 public:
  Exchange();
  ~Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;

  // Executes a batch (a whole log entry's payload). `result` is cleared first. Errors:
  // kInvalidArgument for bytes that DecodeBatch refuses; then nothing changed, on any replica.
  absl::Status Apply(std::string_view batch, ApplyResult* result);
  void Apply(const Batch& batch, ApplyResult* result);

  Time time() const;               // of the last batch
  uint64_t last_sequence() const;  // of the last event
  uint64_t open_orders() const;
  uint64_t sessions() const;

  // Views. Invalidated by Apply.
  std::vector<SymbolInfo> Symbols() const;  // by id
  const SymbolInfo* FindSymbol(std::string_view name) const;
  const SymbolInfo* FindSymbol(SymbolId id) const;
  // At most `levels` a side. Empty for an unknown symbol.
  Depth GetDepth(SymbolId symbol, size_t levels) const;
  // Open orders of one side in priority order, at most `limit`.
  std::vector<OrderInfo> GetOrders(SymbolId symbol, Side side, size_t limit) const;
  // The most recent trades, oldest first, at most min(limit, kMaxRecentTrades).
  std::vector<TradeInfo> RecentTrades(SymbolId symbol, size_t limit) const;
  std::optional<MarketSummary> Summary(SymbolId symbol) const;
  // Open, or finished and still remembered.
  std::optional<OrderInfo> FindOrder(const OrderName& name) const;

  // The whole state in canonical bytes: equal states give equal bytes. docs/formats/snapshot.md.
  std::string Snapshot() const;
  // Errors: kDataLoss when the bytes are damaged or of an unknown version.
  static absl::StatusOr<Exchange> Restore(std::string_view snapshot);

  // Digest128 of Snapshot(): equal on all replicas at the same log index. Time proportional to the
  // state.
  Digest StateDigest() const;
  // Digest of what the market is and how it came about: symbols, open orders in priority order,
  // summaries, and a running hash of every event. Leaves out cluster times and sessions, so that
  // two runs of the same commands agree however they were batched, timed or retried.
  Digest MarketDigest() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace quorumbook::exchange
