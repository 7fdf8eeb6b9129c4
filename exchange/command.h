// Commands: what the log replicates. Their binary form: docs/formats/commands.md.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exchange/types.h"

namespace quorumbook::exchange {

// What an operator may change of a symbol. 0 stands for "none" everywhere.
struct SymbolRules {
  Quantity min_quantity = 0;  // of an order
  Quantity max_quantity = 0;
  // How far, in basis points (1/10,000), the price of an order may be from the reference price and
  // from the last trade, rounded down to ticks. docs/market-model.md, Price bands.
  uint32_t static_band_bp = 0;
  uint32_t dynamic_band_bp = 0;
  // Market orders trade at most this many ticks beyond the best price, stop orders beyond their
  // stop price.
  Price protection = 0;
  // Fees, of what an account receives in a trade, rounded up to a unit of the asset.
  uint32_t maker_fee_bp = 0;
  uint32_t taker_fee_bp = 0;

  bool operator==(const SymbolRules&) const = default;
};

// Adds a symbol, or does nothing when it exists with the same sizes and assets.
struct AddSymbol {
  std::string name;  // 1 to kMaxSymbolName printable ASCII characters without spaces
  Decimal tick_size;
  Decimal lot_size;
  // What is traded and what it is paid with; or neither, and then the symbol does not touch
  // balances, limits and fees. A lot, and a lot times a tick, must be whole units of them.
  AssetId base = {};
  AssetId quote = {};
  SymbolRules rules = {};
  Phase phase = Phase::kContinuous;

  bool operator==(const AddSymbol&) const = default;
};

// An order. What it may say besides: OrderTerms.
struct NewOrder {
  SymbolId symbol;
  ClientOrderId client_order_id;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kGoodTillCancel;
  Price price = 0;  // 0 but for a limit and stop-limit order
  Quantity quantity = 0;
  SelfTrade self_trade = SelfTrade::kAllow;
  bool post_only = false;  // refused when it would trade at once

  bool operator==(const NewOrder&) const = default;
};

// Terms that few orders have; 0 where they do not apply.
struct OrderTerms {
  Price stop_price = 0;  // of kStop and kStopLimit
  Price trail = 0;       // of kTrailingStop: ticks between the best trade price and the stop price
  Quantity display = 0;  // iceberg: what others see of it at a time
  Quantity minimum = 0;  // must trade at once, or the order is cancelled
  Price protection = 0;  // of a market order or stop: in place of the symbol's
  Time expires = 0;      // of kGoodTillTime
  bool all_or_none = false;

  bool operator==(const OrderTerms&) const = default;
};

// A new order with terms.
struct SpecialOrder {
  NewOrder order;
  OrderTerms terms;

  bool operator==(const SpecialOrder&) const = default;
};

// The account is that of the session; an order of it is named by symbol and client order id
// (docs/decisions/0004-order-id-scope.md).
struct CancelOrder {
  SymbolId symbol;
  ClientOrderId client_order_id;
  bool operator==(const CancelOrder&) const = default;
};

// Takes `quantity` off what is left of an order, which keeps its priority; takes all when it is
// no more than that, and the order is cancelled.
struct ReduceOrder {
  SymbolId symbol;
  ClientOrderId client_order_id;
  Quantity quantity = 0;
  bool operator==(const ReduceOrder&) const = default;
};

// Changes price and total quantity (of a stop or trailing stop the price is 0; the stop price
// stays): `quantity - executed` is left afterwards, so that fills in flight are not added to
// (FIX 4.4 vol. 4, cancel/replace); nothing left cancels the order. The same price and no larger
// quantity keeps priority; otherwise the order is last at its new price, after trading with what it
// crosses.
struct ReplaceOrder {
  SymbolId symbol;
  ClientOrderId client_order_id;
  Price price = 0;
  Quantity quantity = 0;
  bool operator==(const ReplaceOrder&) const = default;
};

// Cancels the open orders that are of the account and, unless 0, of the symbol and side.
struct MassCancel {
  AccountId account;  // 0: that of the session. Whoever may send commands may name another.
  SymbolId symbol;
  Side side{};
  bool operator==(const MassCancel&) const = default;
};

// Commands of operators. Who may send which is not decided here, nor by the gRPC edge.
struct SetSymbolRules {
  SymbolId symbol;
  SymbolRules rules = {};
  bool operator==(const SetSymbolRules&) const = default;
};
// Brings a symbol into a phase. A halt and a resumption are changes to kHalt and kContinuous.
struct SetPhase {
  SymbolId symbol;
  Phase phase = Phase::kContinuous;
  Price reference_price = 0;  // 0: as it was
  bool operator==(const SetPhase&) const = default;
};
// Cancels all orders of a symbol; it takes none any more, and its name is not used again.
struct DelistSymbol {
  SymbolId symbol;
  bool operator==(const DelistSymbol&) const = default;
};
// Adds an asset counted in units of 10^exponent, or does nothing when it exists with that unit.
struct AddAsset {
  std::string name;     // 1 to kMaxAssetName printable ASCII characters without spaces
  int8_t exponent = 0;  // -18 to 0
  bool operator==(const AddAsset&) const = default;
};
struct Deposit {
  AccountId account;
  AssetId asset;
  Amount amount = 0;
  bool operator==(const Deposit&) const = default;
};
struct Withdraw {
  AccountId account;  // 0: the fees collected
  AssetId asset;
  Amount amount = 0;
  bool operator==(const Withdraw&) const = default;
};
// Limits hold in symbols with assets, for orders that come after them. 0: none.
struct AccountLimits {
  Quantity max_order_quantity = 0;
  Amount max_notional = 0;  // of an order, in units of the quote asset
  uint64_t max_open_orders = 0;
  bool operator==(const AccountLimits&) const = default;
};
struct SetAccountLimits {
  AccountId account;
  AccountLimits limits;
  bool operator==(const SetAccountLimits&) const = default;
};
// What an account may have of an asset, open buy orders counted as filled. 0: no limit.
struct SetPositionLimit {
  AccountId account;
  AssetId asset;
  Amount limit = 0;
  bool operator==(const SetPositionLimit&) const = default;
};
// While engaged, new orders and replaces of the account are refused; engaging cancels its orders.
struct SetKillSwitch {
  AccountId account;
  bool engaged = false;
  bool operator==(const SetKillSwitch&) const = default;
};

// In the order of CommandKind.
using Command =
    std::variant<AddSymbol, NewOrder, CancelOrder, ReduceOrder, ReplaceOrder, SpecialOrder,
                 MassCancel, SetSymbolRules, SetPhase, DelistSymbol, AddAsset, Deposit, Withdraw,
                 SetAccountLimits, SetPositionLimit, SetKillSwitch>;

// Opens a session for an account. Not idempotent: a repeat opens another, which stays unused.
struct OpenSession {
  AccountId account;
  // The account's open orders are cancelled when the session is closed or its client is lost.
  bool cancel_on_disconnect = false;
  bool operator==(const OpenSession&) const = default;
};
struct CloseSession {
  SessionId session;
  bool operator==(const CloseSession&) const = default;
};
// A host says that the client of a session is gone. Cancels on disconnect if the session says so;
// the session stays, so that the client can come back for its results.
struct SessionLost {
  SessionId session;
  bool operator==(const SessionLost&) const = default;
};
// Commands numbered first_sequence, first_sequence + 1, ... (the first of a session is 1).
struct SessionCommands {
  SessionId session;
  uint64_t first_sequence = 0;
  // The client has the results of all up to here: they are forgotten.
  uint64_t acknowledged = 0;
  std::vector<Command> commands;
  bool operator==(const SessionCommands&) const = default;
};

// One client's message: the unit that is answered.
using Group = std::variant<OpenSession, CloseSession, SessionCommands, SessionLost>;

// One log entry: what was waiting when the leader packed it, and its time. A batch without groups
// lets time pass (Exchange::NextDeadline).
struct Batch {
  Time time = 0;
  std::vector<Group> groups;
  bool operator==(const Batch&) const = default;
};

// A group is encoded once, when it arrives; a batch is the concatenation of encoded groups.
std::string EncodeGroup(const Group& group);
// `groups` are results of EncodeGroup. REQUIRES: at most 2^32 - 1 of them.
std::string EncodeBatch(Time time, const std::vector<std::string_view>& groups);
std::string EncodeBatch(const Batch& batch);
// Errors: kInvalidArgument for anything EncodeBatch can not have made, wrong checksum included.
absl::StatusOr<Batch> DecodeBatch(std::string_view bytes);

}  // namespace quorumbook::exchange
