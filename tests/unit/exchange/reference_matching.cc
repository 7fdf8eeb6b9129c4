// How the reference market trades.
#include <algorithm>
#include <deque>
#include <set>

#include "reference_market.h"

namespace quorumbook::exchange {
namespace {

bool HasNoPrice(OrderType type) {
  return type == OrderType::kMarket || type == OrderType::kStop || type == OrderType::kTrailingStop;
}
Quantity ShownOf(const OrderInfo& order) {
  return order.terms.display != 0 ? order.displayed : order.leaves;
}
bool Takes(const OrderInfo& taker, Price price) {
  if (taker.price == 0) return true;
  return taker.side == Side::kBuy ? price <= taker.price : price >= taker.price;
}

}  // namespace

OrderInfo* ReferenceMarket::BestMaker(const OrderInfo& taker) {
  SymbolMarket* market = Market(taker.symbol);
  const auto& side = taker.side == Side::kBuy ? market->asks : market->bids;
  if (side.empty()) return nullptr;
  const auto& [price, queue] = taker.side == Side::kBuy ? *side.begin() : *side.rbegin();
  return Takes(taker, price) ? &orders_.at(queue.front()) : nullptr;
}

// Plays the trades through on copies of what each maker has.
Quantity ReferenceMarket::Executable(const OrderInfo& taker) const {
  struct Maker {
    Quantity leaves, shown, display;
    bool own;
  };
  const SymbolMarket& market = *Market(taker.symbol);
  Quantity executed = 0;
  uint32_t fills = 0;
  bool stopped = false;
  const auto play = [&](const auto& level) {
    if (!Takes(taker, level.first)) return;
    std::deque<Maker> queue;
    for (const Name& name : level.second) {
      const OrderInfo& order = orders_.at(name);
      queue.push_back(
          {order.leaves, ShownOf(order), order.terms.display, order.account == taker.account});
    }
    while (!queue.empty() && executed < taker.leaves && !stopped) {
      Maker maker = queue.front();
      queue.pop_front();
      if (fills++ == kMaxFillsPerCommand) stopped = true;
      if (maker.own && taker.self_trade != SelfTrade::kAllow) {
        stopped = stopped || taker.self_trade != SelfTrade::kCancelMaker;
        continue;
      }
      if (stopped) break;
      const Quantity quantity = std::min(maker.shown, taker.leaves - executed);
      executed += quantity;
      maker.leaves -= quantity;
      if (maker.leaves == 0) continue;
      maker.shown = std::min(maker.display, maker.leaves);
      queue.push_back(maker);
    }
  };
  if (taker.side == Side::kBuy) std::for_each(market.asks.begin(), market.asks.end(), play);
  if (taker.side == Side::kSell) std::for_each(market.bids.rbegin(), market.bids.rend(), play);
  return executed;
}

void ReferenceMarket::Match(OrderInfo* taker) {
  SymbolMarket* market = Market(taker->symbol);
  uint32_t fills = 0;
  Reason end = Reason::kNone;
  std::vector<Price> prices;
  while (OrderInfo* maker = taker->leaves > 0 ? BestMaker(*taker) : nullptr) {
    if (fills++ == kMaxFillsPerCommand) {
      end = Reason::kFillLimit;
      break;
    }
    if (taker->self_trade != SelfTrade::kAllow && maker->account == taker->account) {
      if (PreventSelfTrade(taker, maker)) continue;
      end = Reason::kSelfTradePrevented;
      break;
    }
    prices.push_back(maker->price);
    Trade(taker, maker, maker->price, /*auction=*/false);
    AfterFill(maker);
  }
  for (const Price price : prices) OnTrade(market, price);
  if (taker->leaves == 0) return Finish(taker, OrderStatus::kFilled, Reason::kNone);
  if (end != Reason::kNone) return Cancel(taker, end);
  if (HasNoPrice(taker->type)) {
    const bool more = !(taker->side == Side::kBuy ? market->asks : market->bids).empty();
    return Cancel(taker, more ? Reason::kProtectionReached : Reason::kUnfilledRemainder);
  }
  const bool rests = taker->time_in_force != TimeInForce::kImmediateOrCancel &&
                     taker->time_in_force != TimeInForce::kFillOrKill;
  if (!rests) return Cancel(taker, Reason::kUnfilledRemainder);
  Rest(taker);
}

bool ReferenceMarket::PreventSelfTrade(OrderInfo* taker, OrderInfo* maker) {
  constexpr Reason kReason = Reason::kSelfTradePrevented;
  if (taker->self_trade == SelfTrade::kCancelTaker) return false;
  if (taker->self_trade != SelfTrade::kDecrement) {
    CancelQueued(maker, kReason);
    return taker->self_trade == SelfTrade::kCancelMaker;
  }
  const Quantity both = std::min(taker->leaves, maker->leaves);
  const auto reduce = [&](OrderInfo* order) {
    order->quantity -= both;
    order->leaves -= both;
    order->displayed = std::min(order->displayed, order->leaves);
    order->changed = time_;
    EmitOrder(EventType::kOrderReduced, *order, both).reason = kReason;
  };
  if (maker->leaves == both) {
    CancelQueued(maker, kReason);
  } else {
    reduce(maker);
  }
  if (taker->leaves == both) return false;
  reduce(taker);
  return true;
}

void ReferenceMarket::Trade(OrderInfo* taker, OrderInfo* maker, Price price, bool auction) {
  const Quantity most = auction ? ShownOf(*taker) : taker->leaves;
  const Quantity quantity = std::min(most, ShownOf(*maker));
  for (OrderInfo* order : {taker, maker}) {
    order->leaves -= quantity;
    order->displayed -= std::min(order->displayed, quantity);
    order->executed += quantity;
    order->changed = time_;
    order->status = OrderStatus::kPartiallyFilled;
  }
  SymbolMarket* market = Market(taker->symbol);
  Event& event = EmitOrder(EventType::kTrade, *taker, quantity);
  event.price = price;
  event.trade_id = market->trades.size() + 1;
  event.maker_account = maker->account;
  event.maker_order_id = maker->id;
  event.maker_client_order_id = maker->client_order_id;
  event.maker_leaves = maker->leaves;
  event.maker_executed = maker->executed;
  market->trades.push_back({event.trade_id, event.sequence, time_, taker->side, price, quantity});
  const bool buys = taker->side == Side::kBuy;
  if (Funded(*market)) {
    Settle(*market, buys ? taker : maker, buys ? maker : taker, &event, auction);
  }
}

void ReferenceMarket::AfterFill(OrderInfo* order) {
  if (order->leaves == 0) {
    Leave(order);
    Finish(order, OrderStatus::kFilled, Reason::kNone);
  } else if (ShownOf(*order) == 0) {
    Leave(order);
    Rest(order);
  }
}

void ReferenceMarket::OnTrade(SymbolMarket* market, Price price) {
  for (const Side side : {Side::kBuy, Side::kSell}) {
    const bool buys = side == Side::kBuy;
    std::vector<std::tuple<Price, OrderId, Name>> reached;
    for (const Name& name : market->parked) {
      OrderInfo& order = orders_.at(name);
      const bool waits = std::ranges::find(market->triggered, name) == market->triggered.end();
      const Price stop = order.terms.stop_price;
      if (order.side != side || order.terms.all_or_none || !waits) continue;
      if (buys ? price >= stop : price <= stop)
        reached.emplace_back(buys ? stop : -stop, order.id, name);
    }
    std::ranges::sort(reached);
    for (const auto& entry : reached) market->triggered.push_back(std::get<2>(entry));
    for (const Name& name : market->parked) {
      OrderInfo& order = orders_.at(name);
      const bool waits = std::ranges::find(market->triggered, name) == market->triggered.end();
      if (order.side != side || order.terms.trail == 0 || !waits) continue;
      Price& stop = order.terms.stop_price;
      stop = buys ? std::min(stop, price + order.terms.trail)
                  : std::max(stop, price - order.terms.trail);
    }
  }
}

void ReferenceMarket::RunParked() {
  kind_ = CommandKind::kNone;
  for (uint32_t id = 1; id <= markets_.size(); ++id) {
    const auto next = [&]() -> OrderInfo* {
      SymbolMarket& market = markets_[id - 1];
      if (market.phase != Phase::kContinuous || market.delisted) return nullptr;
      if (!market.triggered.empty()) return &orders_.at(market.triggered.front());
      for (const Name& name : ParkedIn(SymbolId(id))) {
        OrderInfo& order = orders_.at(name);
        if (order.terms.all_or_none && Executable(order) == order.leaves) return &order;
      }
      return nullptr;
    };
    while (OrderInfo* order = next()) Activate(order);
  }
}

void ReferenceMarket::Activate(OrderInfo* order) {
  const SymbolMarket& market = *Market(order->symbol);
  const Band band = BandOf(market, LastPrice(market));
  Leave(order);
  order->changed = time_;
  if (HasNoPrice(order->type)) {
    const Price own = order->terms.protection;
    const Price now = Protection(band, order->side, order->terms.stop_price,
                                 own != 0 ? own : market.rules.protection);
    const bool buys = order->side == Side::kBuy;
    if (order->price == 0) {
      order->price = now;
    } else if (now != 0) {
      order->price = buys ? std::min(now, order->price) : now;
    }
  }
  EmitOrder(EventType::kOrderTriggered, *order, order->quantity);
  const bool stop_limit = order->type == OrderType::kStopLimit;
  if (stop_limit && (order->price < band.low || order->price > band.high)) {
    return Cancel(order, Reason::kPriceOutsideBand);
  }
  Match(order);
}

// Tries every price at which something could change.
AuctionInfo ReferenceMarket::FindAuctionPrice(const SymbolMarket& market) const {
  std::set<Price> prices;
  for (const auto* side : {&market.bids, &market.asks}) {
    for (const auto& level : *side) prices.insert({level.first - 1, level.first, level.first + 1});
  }
  const auto traded_at = [&](Price price) {
    Quantity bought = 0;
    Quantity sold = 0;
    for (const auto& [level, queue] : market.bids) {
      for (const Name& name : queue) bought += level >= price ? orders_.at(name).leaves : 0;
    }
    for (const auto& [level, queue] : market.asks) {
      for (const Name& name : queue) sold += level <= price ? orders_.at(name).leaves : 0;
    }
    return std::pair(std::min(bought, sold), bought - sold);
  };
  AuctionInfo best;
  std::vector<std::pair<Price, Quantity>> candidates;  // with their surplus
  for (const Price price : prices) {
    const auto [volume, surplus] = traded_at(price);
    if (volume == 0 || volume < best.volume) continue;
    const bool better =
        volume > best.volume || std::abs(surplus) < std::abs(candidates.front().second);
    if (better) candidates.clear();
    best.volume = volume;
    if (candidates.empty() || std::abs(surplus) == std::abs(candidates.front().second)) {
      candidates.emplace_back(price, surplus);
    }
  }
  if (candidates.empty()) return {};
  const Price low = candidates.front().first;
  const Price high = candidates.back().first;
  const auto more_bought = [](const auto& candidate) { return candidate.second > 0; };
  const auto more_sold = [](const auto& candidate) { return candidate.second < 0; };
  if (std::ranges::all_of(candidates, more_bought)) {
    best.price = high;
  } else if (std::ranges::all_of(candidates, more_sold)) {
    best.price = low;
  } else if (market.reference != 0) {
    best.price = std::clamp(market.reference, low, high);
  } else {
    best.price = (low + high) / 2;
  }
  best.surplus = traded_at(best.price).second;
  return best;
}

void ReferenceMarket::Uncross(SymbolId symbol) {
  SymbolMarket* market = Market(symbol);
  const AuctionInfo auction = FindAuctionPrice(*market);
  Quantity traded = 0;
  while (traded < auction.volume) {
    OrderInfo* buyer = &orders_.at(market->bids.rbegin()->second.front());
    OrderInfo* seller = &orders_.at(market->asks.begin()->second.front());
    Trade(buyer, seller, auction.price, /*auction=*/true);
    traded += market->trades.back().quantity;
    AfterFill(buyer);
    AfterFill(seller);
  }
  Event& event = Emit(EventType::kUncrossed);
  event.symbol = symbol;
  event.price = auction.price;
  event.quantity = traded;
  if (traded == 0) return;
  market->reference = auction.price;
  OnTrade(market, auction.price);
}

}  // namespace quorumbook::exchange
