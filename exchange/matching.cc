// How an incoming order trades: best price first, at one price first come first served.
#include <algorithm>

#include "common/check.h"
#include "exchange/market.h"

namespace quorumbook::exchange {

void Market::MatchAndSettle(const CommandContext& context, CommandKind kind, Symbol& symbol,
                            OrderHandle handle) {
  Order& taker = memory_.orders[handle];
  const BookSide& makers = symbol.opposite(taker.side);
  // A market order takes every price there is; no level has kNoPriceKey itself.
  const PriceKey worst =
      taker.type == OrderType::kMarket ? kNoPriceKey - 1 : makers.KeyOf(taker.price);
  if (taker.time_in_force == TimeInForce::kFillOrKill && !Fillable(makers, worst, taker.quantity)) {
    return FinishCanceled(context, kind, handle, Reason::kNotFillable);
  }
  const bool stopped = Match(context, kind, symbol, taker, worst);
  if (taker.executed == taker.quantity) {
    taker.status = OrderStatus::kFilled;
    memory_.orders.Finish(handle);
  } else if (stopped) {
    FinishCanceled(context, kind, handle, Reason::kFillLimit);
  } else if (taker.time_in_force == TimeInForce::kGoodTillCancel) {
    symbol.side(taker.side).Append(handle);
  } else {
    FinishCanceled(context, kind, handle, Reason::kUnfilledRemainder);
  }
}

bool Market::Match(const CommandContext& context, CommandKind kind, Symbol& symbol, Order& taker,
                   PriceKey worst) {
  BookSide& makers = symbol.opposite(taker.side);
  for (uint32_t fills = 0; taker.executed < taker.quantity && makers.best_key() <= worst; ++fills) {
    if (fills == kMaxFillsPerCommand) return true;
    Trade(context, kind, symbol, taker, makers.best().first);
  }
  return false;
}

void Market::Trade(const CommandContext& context, CommandKind kind, Symbol& symbol, Order& taker,
                   OrderHandle maker_handle) {
  Order& maker = memory_.orders[maker_handle];
  BookSide& makers = symbol.side(maker.side);
  const Quantity quantity =
      std::min(taker.quantity - taker.executed, maker.quantity - maker.executed);
  QB_CHECK(quantity > 0);
  taker.executed += quantity;
  taker.status = OrderStatus::kPartiallyFilled;
  makers.Shrink(maker, quantity);
  maker.executed += quantity;
  maker.changed = context.time;
  if (maker.executed == maker.quantity) {
    makers.Remove(maker_handle);
    maker.status = OrderStatus::kFilled;
    memory_.orders.Finish(maker_handle);
  } else {
    maker.status = OrderStatus::kPartiallyFilled;
  }

  Event& event = EmitOrder(context, EventType::kTrade, kind, taker, quantity);
  event.price = maker.price;
  event.trade_id = symbol.stats.trades + 1;
  event.maker_account = maker.account;
  event.maker_order_id = maker.id;
  event.maker_client_order_id = maker.client_order_id;
  event.maker_leaves = maker.leaves();
  symbol.stats.Add({.id = event.trade_id,
                    .sequence = event.sequence,
                    .time = context.time,
                    .taker_side = taker.side,
                    .price = maker.price,
                    .quantity = quantity});
}

bool Market::Fillable(const BookSide& makers, PriceKey worst, Quantity quantity) const {
  uint64_t fills = 0;
  makers.ForEachLevel([&](const Level& level) {
    if (level.key > worst) return false;
    if (level.quantity < quantity) {
      quantity -= level.quantity;
      fills += level.orders;
      return fills < kMaxFillsPerCommand;
    }
    for (OrderHandle handle = level.first; quantity > 0 && fills < kMaxFillsPerCommand;) {
      const Order& maker = memory_.orders[handle];
      quantity -= std::min(quantity, maker.leaves());
      ++fills;
      handle = maker.next;
    }
    return false;
  });
  return quantity == 0 && fills <= kMaxFillsPerCommand;
}

void Market::FinishCanceled(const CommandContext& context, CommandKind kind, OrderHandle handle,
                            Reason reason) {
  Order& order = memory_.orders[handle];
  const Quantity canceled = order.leaves();
  order.status = OrderStatus::kCanceled;
  order.reason = reason;
  order.changed = context.time;
  EmitOrder(context, EventType::kOrderCanceled, kind, order, canceled).reason = reason;
  memory_.orders.Finish(handle);
}

void Market::CancelResting(const CommandContext& context, CommandKind kind, OrderHandle handle,
                           Reason reason) {
  const Order& order = memory_.orders[handle];
  symbols_.Find(order.symbol)->side(order.side).Remove(handle);
  FinishCanceled(context, kind, handle, reason);
}

}  // namespace quorumbook::exchange
