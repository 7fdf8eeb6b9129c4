// New orders: from the command to the book.
#include "exchange/market.h"
#include "exchange/order_checks.h"

namespace quorumbook::exchange {

void Market::Execute(const CommandContext& context, const SpecialOrder& command) {
  Begin(context, CommandKind::kNewOrder);
  Enter({.order = command.order, .terms = command.terms}, symbols_.Find(command.order.symbol));
}

[[gnu::noinline]] void Market::RejectEntry(const NewOrder& order, Reason reason) {
  Reject(reason, order.symbol, order.client_order_id, order.price, order.quantity, order.side);
}

// The path of most orders: nothing of the order, its symbol or any account asks for more than
// matching. The checks are those of Check() that are left then.
inline void Market::EnterPlain(Symbol& symbol, const NewOrder& command) {
  const bool market = command.type == OrderType::kMarket;
  const bool rests = command.time_in_force == TimeInForce::kGoodTillCancel;
  Reason reason = Reason::kNone;
  if (command.client_order_id == ClientOrderId()) {
    reason = Reason::kInvalidClientOrderId;
  } else if (market && (rests || command.price != 0)) {
    reason = Reason::kInvalidOrder;
  } else if (!IsValidQuantity(command.quantity)) {
    reason = Reason::kInvalidQuantity;
  } else if (!market && !IsValidPrice(command.price)) {
    reason = Reason::kInvalidPrice;
  } else if (rests && memory_.orders.open_orders() >= max_open_orders_) {
    reason = Reason::kTooManyOrders;
  }
  const OrderHandle handle = reason == Reason::kNone ? Open(command) : kNullHandle;
  if (handle == kNullHandle) {
    return RejectEntry(command, reason == Reason::kNone ? Reason::kDuplicateClientOrderId : reason);
  }
  const Order& order = memory_.orders[handle];
  EmitOrder(EventType::kOrderAccepted, order, order.quantity);
  MatchAndSettle(symbol, handle);
}

[[gnu::flatten]] void Market::Execute(const CommandContext& context, const NewOrder& command) {
  Begin(context, CommandKind::kNewOrder);
  Symbol* const symbol = symbols_.Find(command.symbol);
  const bool plain =
      symbol != nullptr && symbol->attention == 0 && IsPlain(command) && accounts_.blocked() == 0;
  if (plain) [[likely]] {
    EnterPlain(*symbol, command);
  } else {
    Enter({.order = command, .terms = {}}, symbol);
  }
}

[[gnu::noinline]] void Market::Enter(Entry entry, Symbol* symbol) {
  const NewOrder command = entry.order;
  const bool owned = symbol != nullptr && (symbol->funded() || accounts_.blocked() != 0);
  const Account* const account = owned ? accounts_.Find(task_.account) : nullptr;
  const Reason reason = Check(symbol, account, &entry);
  if (reason != Reason::kNone) return RejectEntry(command, reason);
  const OrderHandle handle = Open(entry.order);
  if (handle == kNullHandle) return RejectEntry(command, Reason::kDuplicateClientOrderId);
  Order& order = memory_.orders[handle];
  if (command.post_only) order.flags |= kPostOnlyFlag;
  if (entry.terms != OrderTerms()) {
    order.flags |= kTermsFlag;
    terms_.Add(handle, entry.terms);
  }
  if (symbol->funded()) {
    order.flags |= kFundedFlag;
    accounts_.Own(handle, task_.account);
    Hold(*symbol, handle, order.quantity);
  }
  if (IsStop(order.type)) return Park(*symbol, handle);
  const BookSide& makers = symbol->opposite(order.side);
  if (entry.terms.all_or_none &&
      Executable(*symbol, order, makers.KeyOf(order.price), &counted_) < order.quantity) {
    return Park(*symbol, handle);
  }
  EmitOrder(EventType::kOrderAccepted, order, order.quantity);
  if (symbol->info.phase == Phase::kContinuous) {
    MatchAndSettle(*symbol, handle);
  } else {
    Rest(*symbol, handle);
  }
}

void Market::Rest(Symbol& symbol, OrderHandle handle) {
  const Order& order = memory_.orders[handle];
  symbol.side(order.side).Append(handle);
  Register(symbol, handle);
  if (IsIceberg(order, handle)) ShowSlice(symbol, handle);
  if ((symbol.attention & kHasParked) != 0) WakeAllOrNone(&symbol, order);
}

void Market::Register(Symbol& symbol, OrderHandle handle) {
  Order& order = memory_.orders[handle];
  if ((order.flags & kListedFlag) != 0) return;
  account_orders_.Add(handle);
  if ((order.flags & kFundedFlag) != 0) ++accounts_.OwnerOf(handle).open_orders;
  switch (order.time_in_force) {
    case TimeInForce::kGoodTillCancel:
      return;
    case TimeInForce::kDay:
      symbol.day_orders.emplace(order.id, handle);
      break;
    case TimeInForce::kGoodTillTime:
      by_expiry_.emplace(std::pair(terms_[handle].terms.expires, order.id), handle);
      break;
    case TimeInForce::kImmediateOrCancel:
    case TimeInForce::kFillOrKill:
      symbol.auction_orders.emplace(order.id, handle);
      break;
  }
  order.flags |= kEndsFlag;
}

}  // namespace quorumbook::exchange
