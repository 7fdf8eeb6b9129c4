#include "exchange/market.h"

#include <algorithm>

#include "common/digest.h"
#include "exchange/event_codec.h"

namespace quorumbook::exchange {

void Market::Begin(const CommandContext& context, CommandKind kind) {
  task_.account = context.account;
  task_.time = context.time;
  task_.events = context.events;
  task_.kind = kind;
}

void Market::AddToHash(std::span<const Event> events) {
  counters_.event_hash = HashEvents(events, counters_.event_hash);
}

void Market::Reject(Reason reason, SymbolId symbol, ClientOrderId id, Price price,
                    Quantity quantity, Side side) {
  Event& event = Emit(EventType::kCommandRejected);
  event.reason = reason;
  event.side = side;
  event.symbol = symbol;
  event.client_order_id = id;
  event.price = price;
  event.quantity = quantity;
}

Market::Target Market::FindTarget(const OrderName& name, OrderHandle guess) const {
  if (symbols_.Find(name.symbol) == nullptr) return {.reason = Reason::kUnknownSymbol};
  const OrderHandle handle = memory_.orders.Find(name, guess);
  if (handle == kNullHandle) return {.reason = Reason::kUnknownOrder};
  if (!memory_.orders[handle].open()) return {.reason = Reason::kOrderFinished};
  return {.handle = handle};
}

void Market::Execute(const CommandContext& context, const CancelOrder& command) {
  Begin(context, CommandKind::kCancelOrder);
  const ClientOrderId id = command.client_order_id;
  Target target{.reason = Reason::kInvalidClientOrderId};
  if (id != ClientOrderId())
    target = FindTarget({context.account, command.symbol, id}, context.named);
  if (target.reason != Reason::kNone) return Reject(target.reason, command.symbol, id);
  CancelOpen(target.handle, Reason::kRequested);
}

void Market::Execute(const CommandContext& context, const ReduceOrder& command) {
  Begin(context, CommandKind::kReduceOrder);
  const ClientOrderId id = command.client_order_id;
  Target target;
  if (id == ClientOrderId()) {
    target.reason = Reason::kInvalidClientOrderId;
  } else if (command.quantity <= 0 || command.quantity > kMaxQuantity) {
    target.reason = Reason::kInvalidQuantity;
  } else {
    target = FindTarget({context.account, command.symbol, id}, context.named);
  }
  if (target.reason != Reason::kNone) {
    return Reject(target.reason, command.symbol, id, 0, command.quantity);
  }
  Order& order = memory_.orders[target.handle];
  if (command.quantity >= order.leaves()) return CancelOpen(target.handle, Reason::kRequested);
  Shrink(target.handle, command.quantity);
  order.changed = context.time;
  EmitOrder(EventType::kOrderReduced, order, command.quantity);
}

void Market::Shrink(OrderHandle handle, Quantity quantity) {
  Order& order = memory_.orders[handle];
  Symbol& symbol = *symbols_.Find(order.symbol);
  if ((order.flags & kFundedFlag) != 0) Release(symbol, handle, quantity);
  if ((order.flags & kParkedFlag) != 0) {
    Wake(&symbol);  // an all-or-none order may fit now
  } else {
    symbol.side(order.side).Shrink(order, quantity);
    if (IsIceberg(order, handle)) {
      // What is hidden goes first.
      UncountHidden(symbol, handle);
      order.quantity -= quantity;
      SpecialTerms& special = terms_[handle];
      special.displayed = std::min(special.displayed, order.leaves());
      CountHidden(symbol, handle);
      // It trades in fewer parts: there may be few enough in front of an all-or-none order.
      if ((symbol.attention & kHasParked) != 0) WakeAllOrNone(&symbol, order);
      return;
    }
  }
  order.quantity -= quantity;
}

void Market::Leave(Symbol& symbol, OrderHandle handle) {
  Order& order = memory_.orders[handle];
  if ((order.flags & kParkedFlag) != 0) {
    symbol.parked.Remove(order, terms_[handle]);
    order.flags &= static_cast<uint8_t>(~kParkedFlag);
    symbol.Refresh();
    return;
  }
  if (IsIceberg(order, handle)) UncountHidden(symbol, handle);
  symbol.side(order.side).Remove(handle);
  // It may have been in the way of an all-or-none order: of its account, or of too many fills.
  if ((symbol.attention & kHasParked) != 0) WakeAllOrNone(&symbol, order);
}

void Market::Finish(OrderHandle handle) {
  const uint8_t flags = memory_.orders[handle].flags;
  if ((flags & (kTermsFlag | kFundedFlag | kEndsFlag)) != 0) [[unlikely]] {
    ForgetSpecial(handle);
  }
  if ((flags & kListedFlag) != 0) account_orders_.Remove(handle);
  memory_.orders.Finish(handle);
}

[[gnu::noinline]] void Market::ForgetSpecial(OrderHandle handle) {
  Order& order = memory_.orders[handle];
  if ((order.flags & kEndsFlag) != 0) {
    Symbol& symbol = *symbols_.Find(order.symbol);
    if (order.time_in_force == TimeInForce::kGoodTillTime) {
      by_expiry_.erase({terms_[handle].terms.expires, order.id});
    } else {
      const bool day = order.time_in_force == TimeInForce::kDay;
      (day ? symbol.day_orders : symbol.auction_orders).erase(order.id);
    }
  }
  const bool counted = (order.flags & kFundedFlag) != 0 && (order.flags & kListedFlag) != 0;
  if (counted) --accounts_.OwnerOf(handle).open_orders;
  if ((order.flags & kTermsFlag) != 0) terms_.Erase(handle);
  order.flags &= kPostOnlyFlag | kListedFlag;
}

void Market::FinishCanceled(OrderHandle handle, Reason reason) {
  Order& order = memory_.orders[handle];
  const Quantity canceled = order.leaves();
  if ((order.flags & kFundedFlag) != 0) {
    Release(*symbols_.Find(order.symbol), handle, canceled);
  }
  order.status = OrderStatus::kCanceled;
  order.reason = reason;
  order.changed = task_.time;
  EmitOrder(EventType::kOrderCanceled, order, canceled).reason = reason;
  Finish(handle);
}

[[gnu::flatten]] void Market::CancelOpen(OrderHandle handle, Reason reason) {
  Leave(*symbols_.Find(memory_.orders[handle].symbol), handle);
  FinishCanceled(handle, reason);
}

OrderInfo Market::Describe(OrderHandle handle) const {
  const Order& order = memory_.orders[handle];
  OrderInfo info = exchange::Describe(order);
  info.post_only = (order.flags & kPostOnlyFlag) != 0;
  info.parked = (order.flags & kParkedFlag) != 0;
  info.displayed = info.parked ? 0 : ShownOf(order, handle);
  if ((order.flags & kTermsFlag) != 0) info.terms = terms_[handle].terms;
  return info;
}

}  // namespace quorumbook::exchange
