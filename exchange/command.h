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

// Adds a symbol, or does nothing when it exists with the same sizes.
struct AddSymbol {
  std::string name;  // 1 to kMaxSymbolName printable ASCII characters without spaces
  Decimal tick_size;
  Decimal lot_size;

  bool operator==(const AddSymbol&) const = default;
};

struct NewOrder {
  SymbolId symbol;
  ClientOrderId client_order_id;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kGoodTillCancel;
  Price price = 0;  // 0 for a market order, which is IOC or FOK
  Quantity quantity = 0;

  bool operator==(const NewOrder&) const = default;
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

// Changes price and total quantity: `quantity - executed` is left afterwards, so that fills in
// flight are not added to (FIX 4.4 vol. 4, cancel/replace); nothing left cancels the order. The
// same price and no larger quantity keeps priority; otherwise the order is last at its new price,
// after trading with what it crosses.
struct ReplaceOrder {
  SymbolId symbol;
  ClientOrderId client_order_id;
  Price price = 0;
  Quantity quantity = 0;
  bool operator==(const ReplaceOrder&) const = default;
};

using Command = std::variant<AddSymbol, NewOrder, CancelOrder, ReduceOrder, ReplaceOrder>;

// Opens a session for an account. Not idempotent: a repeat opens another, which stays unused.
struct OpenSession {
  AccountId account;
  bool operator==(const OpenSession&) const = default;
};
struct CloseSession {
  SessionId session;
  bool operator==(const CloseSession&) const = default;
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
using Group = std::variant<OpenSession, CloseSession, SessionCommands>;

// One log entry: what was waiting when the leader packed it, and its time.
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
