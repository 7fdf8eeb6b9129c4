// The replicated state machine of one shard: symbols, books, orders, accounts, sessions.
//
// Deterministic: the same batches in the same order give the same state, events and snapshot
// bytes on every machine. No clock, no threads, no I/O, no floating point. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <array>
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
  AssetId base = {};  // 0 when the symbol does not touch balances
  AssetId quote = {};
  SymbolRules rules = {};
  Phase phase = Phase::kContinuous;
  bool delisted = false;
  bool busy = false;          // work of an uncrossing or expiry goes on in later batches
  Price reference_price = 0;  // 0: none yet
};

struct LevelInfo {
  Price price = 0;
  Quantity quantity = 0;  // what icebergs hide is left out
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
  SelfTrade self_trade = SelfTrade::kAllow;
  bool post_only = false;
  bool parked = false;     // open, but not in the book: waits for its stop price or for quantity
  Quantity displayed = 0;  // of `leaves`, what the book shows
  OrderTerms terms = {};   // those of an open order; the stop price where it stands now
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

enum class CandleInterval : uint8_t { kMinute = 0, k5Minutes = 1, kHour = 2, kDay = 3 };
inline constexpr size_t kCandleIntervals = 4;
inline constexpr std::array<Time, kCandleIntervals> kCandleLength = {
    60'000'000'000, 300'000'000'000, 3'600'000'000'000, 86'400'000'000'000};
// How many are kept a symbol, the one that is still open included.
inline constexpr std::array<uint32_t, kCandleIntervals> kMaxCandles = {240, 288, 168, 366};

// Trades of [start, start + length). An interval without trades has no candle.
struct Candle {
  Time start = 0;  // a multiple of the length
  Price open = 0, high = 0, low = 0, close = 0;
  uint64_t trades = 0;
  Uint128 volume = 0;    // lots
  Uint128 notional = 0;  // sum of price * quantity
};

// What an auction would do if it ended now.
struct AuctionInfo {
  Price price = 0;  // 0: nothing would trade
  Quantity volume = 0;
  Quantity surplus = 0;  // left at that price, bought less sold: negative when more is sold
};

struct AssetInfo {
  AssetId id;
  std::string name;
  int8_t exponent = 0;
  Amount deposited = 0;  // deposits less withdrawals: all that accounts and fees have
  Amount fees = 0;       // collected and not withdrawn
};

struct BalanceInfo {
  AssetId asset;
  Amount free = 0;
  Amount held = 0;  // for open orders
  Amount position_limit = 0;
};

struct AccountInfo {
  AccountId id;
  AccountLimits limits;
  bool blocked = false;
  uint64_t open_orders = 0;           // in symbols with assets
  std::vector<BalanceInfo> balances;  // by asset; those that ever were
};

class Exchange {
 public:
  Exchange();
  ~Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;

  // Executes a batch (a whole log entry's payload). `result` is cleared first. Errors:
  // kInvalidArgument for bytes that DecodeBatch refuses; then nothing changed, on any replica. Once
  // warm, plain orders take nothing from the heap; what results of a session took beyond 64 KiB is
  // given back when they are acknowledged.
  absl::Status Apply(std::string_view batch, ApplyResult* result);
  void Apply(const Batch& batch, ApplyResult* result);

  Time time() const;               // of the last batch
  uint64_t last_sequence() const;  // of the last event
  uint64_t open_orders() const;
  uint64_t sessions() const;
  // When a batch should be applied even if nobody sends anything: an order expires, or work goes on
  // that was too much for one batch. nullopt: never. A host proposes an empty batch then.
  std::optional<Time> NextDeadline() const;

  // Views. Invalidated by Apply.
  std::vector<SymbolInfo> Symbols() const;  // by id
  const SymbolInfo* FindSymbol(std::string_view name) const;
  const SymbolInfo* FindSymbol(SymbolId id) const;
  // At most `levels` a side. Empty for an unknown symbol.
  Depth GetDepth(SymbolId symbol, size_t levels) const;
  // Orders in one side of the book in priority order, at most `limit`.
  std::vector<OrderInfo> GetOrders(SymbolId symbol, Side side, size_t limit) const;
  // The most recent trades, oldest first, at most min(limit, kMaxRecentTrades).
  std::vector<TradeInfo> RecentTrades(SymbolId symbol, size_t limit) const;
  std::optional<MarketSummary> Summary(SymbolId symbol) const;
  // The most recent, oldest first, the open one last.
  std::vector<Candle> Candles(SymbolId symbol, CandleInterval interval, size_t limit) const;
  // nullopt when the symbol is not in a phase that collects orders, and while the orders of more
  // than kMaxCrossingPrices prices of a side would reach the other one. Time proportional to those.
  std::optional<AuctionInfo> Indicative(SymbolId symbol) const;
  static constexpr uint32_t kMaxCrossingPrices = 16'384;
  std::vector<AssetInfo> Assets() const;  // by id
  const AssetInfo* FindAsset(std::string_view name) const;
  const AssetInfo* FindAsset(AssetId id) const;
  // nullopt when the account never had a deposit or limits.
  std::optional<AccountInfo> FindAccount(AccountId account) const;
  // Open orders of an account with an id above `after`, parked ones too, by order id, at most
  // `limit`. Time proportional to the open orders of the account.
  std::vector<OrderInfo> OpenOrders(AccountId account, size_t limit,
                                    OrderId after = OrderId()) const;
  // Those in one symbol. Time proportional to them.
  std::vector<OrderInfo> OpenOrdersIn(AccountId account, SymbolId symbol, size_t limit,
                                      OrderId after = OrderId()) const;
  // Open, or finished and still remembered.
  std::optional<OrderInfo> FindOrder(const OrderName& name) const;

  // Sessions opened with cancel_on_disconnect whose loss would be acted upon, by id: they have
  // entered orders since they were opened or last lost.
  std::vector<SessionId> CancelOnDisconnectSessions() const;

  // The whole state in canonical bytes: equal states give equal bytes. docs/formats/snapshot.md.
  std::string Snapshot() const;
  // Errors: kDataLoss when the bytes are damaged, kFailedPrecondition when they are whole and this
  // version of the program can not use them, which is no fault of the disk that they come from.
  static absl::StatusOr<Exchange> Restore(std::string_view snapshot);
  // As Restore, for one that somebody else made, who may lie: what it counts is also far enough
  // from the bounds that the snapshots to come can be restored.
  static absl::StatusOr<Exchange> RestoreReceived(std::string_view snapshot);

  // Whether for each asset sum(free + held) + fees = deposits - withdrawals, every balance is not
  // negative, and what is held is what the open orders need. For tests: time proportional to the
  // state. Errors: kInternal, which says what does not add up.
  absl::Status CheckConservation() const;

  // Digest of all that happened so far: events, their times, and what became of groups. Equal on
  // all replicas at the same log index. Costs nothing.
  Digest RunningDigest() const;
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
