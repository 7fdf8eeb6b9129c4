// Changes of an open order.
#include "exchange/market.h"
#include "exchange/order_checks.h"

namespace quorumbook::exchange {

Reason Market::CheckReplace(const ReplaceOrder& command, OrderHandle handle) const {
  const Order& order = memory_.orders[handle];
  const Symbol& symbol = *symbols_.Find(order.symbol);
  const bool stop_only = IsStop(order.type) && IsMarketLike(order.type);
  if (stop_only ? command.price != 0 : !IsValidPrice(command.price)) return Reason::kInvalidPrice;
  // A market order that waits for an auction has no price to change.
  if (order.type == OrderType::kMarket) return Reason::kInvalidOrder;
  if (symbol.info.busy) return Reason::kSymbolBusy;
  if (symbol.info.phase == Phase::kHalt || symbol.info.phase == Phase::kClosed) {
    return Reason::kWrongPhase;
  }
  if (accounts_.blocked() != 0) {
    const Account* const account = accounts_.Find(order.account);
    if (account != nullptr && account->blocked) return Reason::kAccountBlocked;
  }
  const Reason reason = CheckQuantityRules(symbol, command.quantity);
  if (reason != Reason::kNone) return reason;
  if ((order.flags & kTermsFlag) != 0 &&
      TooManyDisplays(command.quantity, terms_[handle].terms.display)) {
    return Reason::kTooManyDisplays;
  }
  const bool same_price = stop_only || command.price == order.price;
  // Bands and limits have nothing against wanting less than before.
  if (same_price && command.quantity <= order.quantity) return Reason::kNone;
  if (!stop_only) {
    const bool waits = IsStop(order.type) && (order.flags & kParkedFlag) != 0;
    const Price from = waits ? terms_[handle].terms.stop_price : symbol.stats.last;
    if (!BandOf(symbol.info, from).Has(command.price)) return Reason::kPriceOutsideBand;
  }
  if ((order.flags & kPostOnlyFlag) != 0) {
    // What only collects orders can not tell whether it would trade.
    if (symbol.info.phase != Phase::kContinuous) return Reason::kWrongPhase;
    if (WouldTrade(symbol, order.side, command.price)) return Reason::kWouldTrade;
  }
  if ((order.flags & kFundedFlag) == 0) return Reason::kNone;
  const NewOrder changed{.symbol = order.symbol,
                         .client_order_id = order.client_order_id,
                         .side = order.side,
                         .price = stop_only ? order.price : command.price,
                         .quantity = command.quantity};
  return CheckFunds(symbol, *accounts_.Find(order.account), changed, &order);
}

void Market::Execute(const CommandContext& context, const ReplaceOrder& command) {
  Begin(context, CommandKind::kReplaceOrder);
  const ClientOrderId id = command.client_order_id;
  Target target;
  if (id == ClientOrderId()) {
    target.reason = Reason::kInvalidClientOrderId;
  } else if (!IsValidQuantity(command.quantity)) {
    target.reason = Reason::kInvalidQuantity;
  } else if (command.price < 0 || command.price > kMaxPrice) {
    target.reason = Reason::kInvalidPrice;
  } else {
    target = FindTarget({context.account, command.symbol, id}, context.named);
  }
  const bool below =
      target.reason == Reason::kNone && command.quantity <= memory_.orders[target.handle].executed;
  if (target.reason == Reason::kNone && !below) {
    target.reason = CheckReplace(command, target.handle);
  }
  if (target.reason != Reason::kNone) {
    return Reject(target.reason, command.symbol, id, command.price, command.quantity);
  }
  if (below) return CancelOpen(target.handle, Reason::kReplacedBelowExecuted);
  Symbol& symbol = *symbols_.Find(command.symbol);
  Order& order = memory_.orders[target.handle];
  order.changed = context.time;
  if ((order.flags & kParkedFlag) != 0) return ReplaceParked(symbol, target.handle, command);
  if (command.price == order.price && command.quantity <= order.quantity) {
    if (command.quantity < order.quantity) Shrink(target.handle, order.quantity - command.quantity);
    EmitOrder(EventType::kOrderReplaced, order, order.quantity);
    return;
  }
  Leave(symbol, target.handle);
  Restate(symbol, target.handle, command.price, command.quantity);
  EmitOrder(EventType::kOrderReplaced, order, order.quantity);
  if (symbol.info.phase == Phase::kContinuous) {
    MatchAndSettle(symbol, target.handle);
  } else {
    Rest(symbol, target.handle);
  }
}

void Market::Restate(const Symbol& symbol, OrderHandle handle, Price price, Quantity quantity) {
  Order& order = memory_.orders[handle];
  const bool funded = (order.flags & kFundedFlag) != 0;
  if (funded) Release(symbol, handle, order.leaves());
  order.price = price;
  order.quantity = quantity;
  if (funded) Hold(symbol, handle, order.leaves());
}

void Market::ReplaceParked(Symbol& symbol, OrderHandle handle, const ReplaceOrder& command) {
  Order& order = memory_.orders[handle];
  const SpecialTerms& special = terms_[handle];
  const Price price = IsMarketLike(order.type) ? order.price : command.price;
  if (special.triggered != 0) {
    Restate(symbol, handle, price, command.quantity);  // its place does not hang on its price
  } else {
    symbol.parked.Remove(order, special);
    Restate(symbol, handle, price, command.quantity);
    symbol.parked.Add(handle, order, special);
  }
  EmitOrder(EventType::kOrderReplaced, order, order.quantity);
  Wake(&symbol);
}

}  // namespace quorumbook::exchange
