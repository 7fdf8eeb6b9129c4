#include "exchange/market.h"

#include "common/digest.h"

namespace quorumbook::exchange {
namespace {

bool ValidQuantity(Quantity quantity) { return quantity > 0 && quantity <= kMaxQuantity; }
bool ValidPrice(Price price) { return price > 0 && price <= kMaxPrice; }

}  // namespace

void Market::AddToHash(std::string_view events) {
  counters_.event_hash = Checksum64(events, counters_.event_hash);
}

Event& Market::Emit(const CommandContext& context, EventType type, CommandKind kind) {
  Event& event = context.events->emplace_back();
  event.sequence = ++counters_.last_sequence;
  event.type = type;
  event.command = kind;
  event.side = Side{};
  event.account = context.account;
  return event;
}

Event& Market::EmitOrder(const CommandContext& context, EventType type, CommandKind kind,
                         const Order& order, Quantity quantity) {
  Event& event = Emit(context, type, kind);
  event.side = order.side;
  event.symbol = order.symbol;
  event.order_id = order.id;
  event.client_order_id = order.client_order_id;
  event.price = order.price;
  event.quantity = quantity;
  event.leaves = order.leaves();
  event.executed = order.executed;
  return event;
}

void Market::Reject(const CommandContext& context, CommandKind kind, Reason reason, SymbolId symbol,
                    ClientOrderId id) {
  Event& event = Emit(context, EventType::kCommandRejected, kind);
  event.reason = reason;
  event.symbol = symbol;
  event.client_order_id = id;
}

Market::Target Market::FindTarget(const OrderName& name) const {
  if (symbols_.Find(name.symbol) == nullptr) return {.reason = Reason::kUnknownSymbol};
  const OrderHandle handle = memory_.orders.Find(name);
  if (handle == kNullHandle) return {.reason = Reason::kUnknownOrder};
  if (!memory_.orders[handle].open()) return {.reason = Reason::kOrderFinished};
  return {.handle = handle};
}

void Market::Execute(const CommandContext& context, const AddSymbol& command) {
  Reason reason = CheckSymbol(command);
  const Symbol* symbol = symbols_.Find(command.name);
  if (reason == Reason::kNone && symbol != nullptr) {
    const bool same = SameValue(symbol->info.tick_size, command.tick_size) &&
                      SameValue(symbol->info.lot_size, command.lot_size);
    if (!same) reason = Reason::kSymbolExists;
  } else if (reason == Reason::kNone && symbols_.size() >= kMaxSymbols) {
    reason = Reason::kTooManySymbols;
  }
  if (reason != Reason::kNone) {
    return Reject(context, CommandKind::kAddSymbol, reason, SymbolId(), ClientOrderId());
  }
  if (symbol == nullptr) symbol = &symbols_.Add(command, &memory_);
  Emit(context, EventType::kSymbolAdded, CommandKind::kAddSymbol).symbol = symbol->info.id;
}

Reason Market::Check(const NewOrder& command, const Symbol* symbol) const {
  const bool market = command.type == OrderType::kMarket;
  if (command.client_order_id == ClientOrderId()) return Reason::kInvalidClientOrderId;
  if (symbol == nullptr) return Reason::kUnknownSymbol;
  if (command.type > OrderType::kMarket || command.post_only ||
      command.time_in_force > TimeInForce::kFillOrKill ||
      command.self_trade != SelfTrade::kAllow) {
    return Reason::kInvalidOrder;
  }
  if (market && command.time_in_force == TimeInForce::kGoodTillCancel) {
    return Reason::kInvalidOrder;
  }
  if (market && command.price != 0) return Reason::kInvalidOrder;
  if (!ValidQuantity(command.quantity)) return Reason::kInvalidQuantity;
  if (!market && !ValidPrice(command.price)) return Reason::kInvalidPrice;
  if (command.time_in_force == TimeInForce::kGoodTillCancel &&
      memory_.orders.open_orders() >= max_open_orders_) {
    return Reason::kTooManyOrders;
  }
  return Reason::kNone;
}

void Market::Execute(const CommandContext& context, const NewOrder& command) {
  Symbol* symbol = symbols_.Find(command.symbol);
  Reason reason = Check(command, symbol);
  OrderHandle handle = kNullHandle;
  if (reason == Reason::kNone) {
    handle = memory_.orders.Open({context.account, command.symbol, command.client_order_id});
    if (handle == kNullHandle) reason = Reason::kDuplicateClientOrderId;
  }
  if (reason != Reason::kNone) {
    Event& event = Emit(context, EventType::kCommandRejected, CommandKind::kNewOrder);
    event.reason = reason;
    event.side = command.side;
    event.symbol = command.symbol;
    event.client_order_id = command.client_order_id;
    event.price = command.price;
    event.quantity = command.quantity;
    return;
  }
  Order& order = memory_.orders[handle];
  order.id = OrderId(++counters_.last_order_id);
  order.side = command.side;
  order.type = command.type;
  order.time_in_force = command.time_in_force;
  order.price = command.price;
  order.quantity = command.quantity;
  order.entered = order.changed = context.time;
  EmitOrder(context, EventType::kOrderAccepted, CommandKind::kNewOrder, order, order.quantity);
  MatchAndSettle(context, CommandKind::kNewOrder, *symbol, handle);
}

void Market::Execute(const CommandContext& context, const CancelOrder& command) {
  const ClientOrderId id = command.client_order_id;
  if (id == ClientOrderId()) {
    return Reject(context, CommandKind::kCancelOrder, Reason::kInvalidClientOrderId, command.symbol,
                  id);
  }
  const Target target = FindTarget({context.account, command.symbol, id});
  if (target.reason != Reason::kNone) {
    return Reject(context, CommandKind::kCancelOrder, target.reason, command.symbol, id);
  }
  CancelResting(context, CommandKind::kCancelOrder, target.handle, Reason::kRequested);
}

void Market::Execute(const CommandContext& context, const ReduceOrder& command) {
  const ClientOrderId id = command.client_order_id;
  Reason reason = Reason::kNone;
  if (id == ClientOrderId()) {
    reason = Reason::kInvalidClientOrderId;
  } else if (!ValidQuantity(command.quantity)) {
    reason = Reason::kInvalidQuantity;
  }
  Target target{.reason = reason};
  if (reason == Reason::kNone) target = FindTarget({context.account, command.symbol, id});
  if (target.reason != Reason::kNone) {
    Event& event = Emit(context, EventType::kCommandRejected, CommandKind::kReduceOrder);
    event.reason = target.reason;
    event.symbol = command.symbol;
    event.client_order_id = id;
    event.quantity = command.quantity;
    return;
  }
  Order& order = memory_.orders[target.handle];
  if (command.quantity >= order.leaves()) {
    return CancelResting(context, CommandKind::kReduceOrder, target.handle, Reason::kRequested);
  }
  order.quantity -= command.quantity;
  order.changed = context.time;
  symbols_.Find(order.symbol)->side(order.side).Shrink(order, command.quantity);
  EmitOrder(context, EventType::kOrderReduced, CommandKind::kReduceOrder, order, command.quantity);
}

Reason Market::Check(const ReplaceOrder& command) {
  if (command.client_order_id == ClientOrderId()) return Reason::kInvalidClientOrderId;
  if (!ValidQuantity(command.quantity)) return Reason::kInvalidQuantity;
  if (!ValidPrice(command.price)) return Reason::kInvalidPrice;
  return Reason::kNone;
}

void Market::Execute(const CommandContext& context, const ReplaceOrder& command) {
  Target target{.reason = Check(command)};
  if (target.reason == Reason::kNone) {
    target = FindTarget({context.account, command.symbol, command.client_order_id});
  }
  if (target.reason != Reason::kNone) {
    Event& event = Emit(context, EventType::kCommandRejected, CommandKind::kReplaceOrder);
    event.reason = target.reason;
    event.symbol = command.symbol;
    event.client_order_id = command.client_order_id;
    event.price = command.price;
    event.quantity = command.quantity;
    return;
  }
  Order& order = memory_.orders[target.handle];
  if (command.quantity <= order.executed) {
    return CancelResting(context, CommandKind::kReplaceOrder, target.handle,
                         Reason::kReplacedBelowExecuted);
  }
  Symbol& symbol = *symbols_.Find(order.symbol);
  BookSide& side = symbol.side(order.side);
  const bool keeps_priority = command.price == order.price && command.quantity <= order.quantity;
  if (keeps_priority) {
    side.Shrink(order, order.quantity - command.quantity);
  } else {
    side.Remove(target.handle);
  }
  order.price = command.price;
  order.quantity = command.quantity;
  order.changed = context.time;
  EmitOrder(context, EventType::kOrderReplaced, CommandKind::kReplaceOrder, order, order.quantity);
  if (!keeps_priority) {
    MatchAndSettle(context, CommandKind::kReplaceOrder, symbol, target.handle);
  }
}

}  // namespace quorumbook::exchange
