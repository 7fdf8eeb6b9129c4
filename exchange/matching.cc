// How an incoming order trades: best price first, at one price first come first served.
#include <algorithm>
#include <vector>

#include "common/check.h"
#include "exchange/market.h"
#include "exchange/order_checks.h"

namespace quorumbook::exchange {

inline void Market::TradePlain(Symbol& symbol, Order& taker, OrderHandle maker_handle) {
  Order& maker = memory_.orders[maker_handle];
  // The next to trade has waited longest: it is the least likely to be in the cache.
  memory_.orders.Prefetch(maker.next);
  BookSide& makers = symbol.side(maker.side);
  const Quantity quantity =
      std::min(taker.quantity - taker.executed, maker.quantity - maker.executed);
  QB_CHECK(quantity > 0);
  taker.executed += quantity;
  taker.status = OrderStatus::kPartiallyFilled;
  makers.Shrink(maker, quantity);
  maker.executed += quantity;
  maker.changed = task_.time;
  if (maker.executed == maker.quantity) {
    makers.Remove(maker_handle);
    maker.status = OrderStatus::kFilled;
    Finish(maker_handle);
  } else {
    maker.status = OrderStatus::kPartiallyFilled;
  }
  EmitTrade(symbol, taker, maker, maker.price, quantity);
}

// Without terms, balances and self-trade prevention on either side.
inline Market::MatchEnd Market::MatchPlain(Symbol& symbol, Order& taker, PriceKey worst) {
  BookSide& makers = symbol.opposite(taker.side);
  for (uint32_t fills = 0; taker.executed < taker.quantity && makers.best_key() <= worst; ++fills) {
    if (fills == kMaxFillsPerCommand) return MatchEnd::kFillLimit;
    TradePlain(symbol, taker, makers.best().first);
  }
  if (!makers.empty()) {
    // What the next taker meets: it has not been looked at since it came. And once it is there,
    // what changes when it is filled.
    const OrderHandle next = makers.best().first;
    taker.executed != 0 ? memory_.orders.Prefetch(next) : memory_.orders.PrefetchNeighbors(next);
  }
  return MatchEnd::kDone;
}

inline void Market::SettleRest(Symbol& symbol, OrderHandle handle, MatchEnd end) {
  Order& taker = memory_.orders[handle];
  if (taker.executed == taker.quantity) {
    taker.status = OrderStatus::kFilled;
    Finish(handle);
  } else if (end == MatchEnd::kSelfTrade) {
    FinishCanceled(handle, Reason::kSelfTradePrevented);
  } else if (end == MatchEnd::kFillLimit) {
    FinishCanceled(handle, Reason::kFillLimit);
  } else if (IsMarketLike(taker.type)) {
    const bool beyond = !symbol.opposite(taker.side).empty();
    FinishCanceled(handle, beyond ? Reason::kProtectionReached : Reason::kUnfilledRemainder);
  } else if (!Rests(taker.time_in_force)) {
    FinishCanceled(handle, Reason::kUnfilledRemainder);
  } else if (taker.plain() && symbol.attention == 0 &&
             taker.time_in_force == TimeInForce::kGoodTillCancel) [[likely]] {
    symbol.side(taker.side).Append(handle);
    if ((taker.flags & kListedFlag) == 0) account_orders_.Add(handle);
  } else {
    Rest(symbol, handle);
  }
}

[[gnu::flatten]] void Market::MatchAndSettle(Symbol& symbol, OrderHandle handle) {
  Order& taker = memory_.orders[handle];
  const BookSide& makers = symbol.opposite(taker.side);
  // Without a price it takes any there is; no level has kNoPriceKey itself.
  const PriceKey worst = taker.price == 0 ? kNoPriceKey - 1 : makers.KeyOf(taker.price);
  MatchEnd end = MatchEnd::kDone;
  if (symbol.attention == 0 && taker.self_trade == SelfTrade::kAllow && taker.plain()) [[likely]] {
    if (taker.time_in_force == TimeInForce::kFillOrKill &&
        !Fillable(makers, worst, taker.quantity, &counted_)) {
      return FinishCanceled(handle, Reason::kNotFillable);
    }
    end = MatchPlain(symbol, taker, worst);
  } else {
    const Quantity minimum =
        (taker.flags & kTermsFlag) != 0 && taker.executed == 0 ? terms_[handle].terms.minimum : 0;
    const bool whole = taker.time_in_force == TimeInForce::kFillOrKill;
    if (whole || minimum != 0) {
      const Quantity executable = Executable(symbol, taker, worst, &counted_);
      if (whole && executable < taker.leaves()) {
        return FinishCanceled(handle, Reason::kNotFillable);
      }
      if (executable < minimum) return FinishCanceled(handle, Reason::kMinimumNotMet);
    }
    end = MatchSpecial(symbol, handle, worst);
  }
  SettleRest(symbol, handle, end);
}

[[gnu::noinline]] Market::MatchEnd Market::MatchSpecial(Symbol& symbol, OrderHandle handle,
                                                        PriceKey worst) {
  Order& taker = memory_.orders[handle];
  BookSide& makers = symbol.opposite(taker.side);
  MatchEnd end = MatchEnd::kDone;
  Price first = 0;
  Price last = 0;
  for (uint32_t fills = 0; taker.executed < taker.quantity && makers.best_key() <= worst; ++fills) {
    if (fills == kMaxFillsPerCommand) {
      end = MatchEnd::kFillLimit;
      break;
    }
    const OrderHandle maker = makers.best().first;
    if (taker.self_trade != SelfTrade::kAllow && memory_.orders[maker].account == taker.account) {
      if (PreventSelfTrade(symbol, handle, maker)) continue;
      end = MatchEnd::kSelfTrade;
      break;
    }
    last = memory_.orders[maker].price;
    if (first == 0) first = last;
    Trade(symbol, handle, maker);
  }
  if (first != 0) OnTrades(symbol, first, last);
  return end;
}

void Market::Trade(Symbol& symbol, OrderHandle taker_handle, OrderHandle maker_handle) {
  Order& taker = memory_.orders[taker_handle];
  const Order& maker = memory_.orders[maker_handle];
  const Price price = maker.price;
  const Quantity quantity = std::min(taker.quantity - taker.executed, ShownOf(maker, maker_handle));
  QB_CHECK(quantity > 0);
  Fees fees;
  const bool buys = taker.side == Side::kBuy;
  if (symbol.funded()) {
    const SymbolRules& rules = symbol.info.rules;
    fees =
        SettleTrade(symbol, buys ? taker_handle : maker_handle, buys ? maker_handle : taker_handle,
                    {.price = price,
                     .quantity = quantity,
                     .buyer_fee_bp = buys ? rules.taker_fee_bp : rules.maker_fee_bp,
                     .seller_fee_bp = buys ? rules.maker_fee_bp : rules.taker_fee_bp});
  }
  taker.executed += quantity;
  taker.status = OrderStatus::kPartiallyFilled;
  FillResting(symbol, maker_handle, quantity);
  Event& event = EmitTrade(symbol, taker, maker, price, quantity);
  event.fee = buys ? fees.buyer : fees.seller;
  event.maker_fee = buys ? fees.seller : fees.buyer;
  AfterFill(symbol, maker_handle);
}

void Market::FillResting(Symbol& symbol, OrderHandle handle, Quantity quantity) {
  Order& order = memory_.orders[handle];
  symbol.side(order.side).Shrink(order, quantity);
  if (IsIceberg(order, handle)) terms_[handle].displayed -= quantity;
  order.executed += quantity;
  order.status = OrderStatus::kPartiallyFilled;
  order.changed = task_.time;
}

void Market::AfterFill(Symbol& symbol, OrderHandle handle) {
  Order& order = memory_.orders[handle];
  if (order.executed == order.quantity) {
    Leave(symbol, handle);
    order.status = OrderStatus::kFilled;
    Finish(handle);
  } else if (ShownOf(order, handle) == 0) {
    // An iceberg shows anew, and is last in its queue then.
    Leave(symbol, handle);
    symbol.side(order.side).Append(handle);
    ShowSlice(symbol, handle);
  }
}

bool Market::PreventSelfTrade(Symbol& symbol, OrderHandle taker_handle, OrderHandle maker_handle) {
  Order& taker = memory_.orders[taker_handle];
  Order& maker = memory_.orders[maker_handle];
  switch (taker.self_trade) {
    case SelfTrade::kAllow:
    case SelfTrade::kCancelTaker:
      return false;
    case SelfTrade::kCancelMaker:
      CancelOpen(maker_handle, Reason::kSelfTradePrevented);
      return true;
    case SelfTrade::kCancelBoth:
      CancelOpen(maker_handle, Reason::kSelfTradePrevented);
      return false;
    case SelfTrade::kDecrement:
      break;
  }
  const Quantity left = taker.quantity - taker.executed;
  const Quantity both = std::min(left, maker.leaves());
  const auto tell = [&](Order& order) {
    order.changed = task_.time;
    EmitOrder(EventType::kOrderReduced, order, both).reason = Reason::kSelfTradePrevented;
  };
  if (maker.leaves() == both) {
    CancelOpen(maker_handle, Reason::kSelfTradePrevented);
  } else {
    Shrink(maker_handle, both);
    tell(maker);
  }
  if (left == both) return false;
  if ((taker.flags & kFundedFlag) != 0) Release(symbol, taker_handle, both);
  taker.quantity -= both;
  tell(taker);
  return true;
}

[[gnu::noinline]] bool Market::Fillable(const BookSide& makers, PriceKey worst, Quantity quantity,
                                        uint64_t* counted) const {
  uint64_t fills = 0;
  makers.ForEachLevel([&](const Level& level) {
    if (level.key > worst) return false;
    ++*counted;
    if (level.quantity < quantity) {
      quantity -= level.quantity;
      fills += level.orders;
      return fills < kMaxFillsPerCommand;
    }
    for (OrderHandle handle = level.first; quantity > 0 && fills < kMaxFillsPerCommand;) {
      const Order& maker = memory_.orders[handle];
      quantity -= std::min(quantity, maker.leaves());
      ++fills;
      ++*counted;
      handle = maker.next;
    }
    return false;
  });
  return quantity == 0 && fills <= kMaxFillsPerCommand;
}

namespace {

// Counts what an incoming order would execute, fill by fill, until a bound is reached.
struct Tally {
  Quantity wanted = 0;
  Quantity found = 0;
  uint32_t fills = 0;

  bool done() const { return found >= wanted || fills == kMaxFillsPerCommand; }
  void Add(Quantity quantity) {
    found += quantity;
    ++fills;
  }
};

// What an iceberg would show, slice by slice, once what it shows now is gone.
struct Hidden {
  Quantity left = 0;
  Quantity slice = 0;
};

}  // namespace

// At each price first what is shown, then in rounds what icebergs show anew: an own order that
// stops the taker is met before the second part.
[[gnu::noinline]] Quantity Market::Executable(const Symbol& symbol, const Order& taker,
                                              PriceKey worst, uint64_t* counted) const {
  Tally tally{.wanted = taker.leaves()};
  bool stopped = false;
  std::vector<Hidden> hidden;
  symbol.opposite(taker.side).ForEachLevel([&](const Level& level) {
    if (level.key > worst || tally.done()) return false;
    hidden.clear();
    for (OrderHandle at = level.first; at != kNullHandle && !tally.done() && !stopped;) {
      const Order& maker = memory_.orders[at];
      if (taker.self_trade != SelfTrade::kAllow && maker.account == taker.account) {
        stopped = taker.self_trade != SelfTrade::kCancelMaker;
        tally.Add(0);
      } else {
        const Quantity shown = ShownOf(maker, at);
        tally.Add(shown);
        if (shown < maker.leaves()) {
          hidden.push_back({maker.leaves() - shown, terms_[at].terms.display});
        }
      }
      at = maker.next;
    }
    while (!hidden.empty() && !tally.done() && !stopped) {
      for (Hidden& iceberg : hidden) {
        if (tally.done()) break;
        const Quantity slice = std::min(iceberg.slice, iceberg.left);
        tally.Add(slice);
        iceberg.left -= slice;
      }
      std::erase_if(hidden, [](const Hidden& iceberg) { return iceberg.left == 0; });
    }
    return !stopped;
  });
  *counted += tally.fills;
  return std::min(tally.found, tally.wanted);
}

}  // namespace quorumbook::exchange
