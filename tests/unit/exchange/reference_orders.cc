// How the reference market judges new orders and replaces.
#include <algorithm>

#include "reference_market.h"

namespace quorumbook::exchange {
namespace {

bool ValidQuantity(Quantity quantity) { return quantity >= 1 && quantity <= kMaxQuantity; }
bool ValidPrice(Price price) { return price >= 1 && price <= kMaxPrice; }
bool HasNoPrice(OrderType type) {
  return type == OrderType::kMarket || type == OrderType::kStop || type == OrderType::kTrailingStop;
}
bool IsAStop(OrderType type) {
  return type == OrderType::kStop || type == OrderType::kStopLimit ||
         type == OrderType::kTrailingStop;
}
bool MayRest(TimeInForce time_in_force) {
  return time_in_force != TimeInForce::kImmediateOrCancel &&
         time_in_force != TimeInForce::kFillOrKill;
}

// In how many parts an iceberg shows itself.
Quantity Parts(Quantity quantity, Quantity display) {
  return quantity / display + (quantity % display != 0 ? 1 : 0);
}

}  // namespace

void ReferenceMarket::Enter(const NewOrder& command, const OrderTerms& terms) {
  OrderInfo order;
  order.client_order_id = command.client_order_id;
  order.account = account_;
  order.symbol = command.symbol;
  order.side = command.side;
  order.type = command.type;
  order.time_in_force = command.time_in_force;
  order.price = command.price;
  order.quantity = order.leaves = command.quantity;
  order.entered = order.changed = time_;
  order.self_trade = command.self_trade;
  order.post_only = command.post_only;
  order.terms = terms;

  Reason reason = Check(command, &order);
  const Name name{account_, command.symbol, command.client_order_id};
  const auto existing = orders_.find(name);
  if (reason == Reason::kNone && existing != orders_.end() && existing->second.leaves > 0) {
    reason = Reason::kDuplicateClientOrderId;
  }
  if (reason != Reason::kNone) {
    Event as;
    as.side = command.side;
    as.symbol = command.symbol;
    as.client_order_id = command.client_order_id;
    as.price = command.price;
    as.quantity = command.quantity;
    return Reject(reason, as);
  }
  if (existing != orders_.end()) {
    finished_.erase(finished_when_.at(name));
    finished_when_.erase(name);
  }
  order.id = OrderId(++last_order_id_);
  OrderInfo& kept = orders_[name] = order;
  if (order.time_in_force == TimeInForce::kGoodTillTime) timed_.insert(name);
  SymbolMarket& market = *Market(command.symbol);
  const bool waits = terms.all_or_none && Executable(kept) < kept.leaves;
  if (IsAStop(command.type) || waits) {
    kept.parked = true;
    market.parked.push_back(name);
    EmitOrder(EventType::kOrderParked, kept, kept.quantity).trade_id =
        static_cast<uint64_t>(kept.terms.stop_price);
    return;
  }
  EmitOrder(EventType::kOrderAccepted, kept, kept.quantity);
  if (market.phase != Phase::kContinuous) return Rest(&kept);
  const bool whole = kept.time_in_force == TimeInForce::kFillOrKill;
  if (whole && Executable(kept) < kept.leaves) return Cancel(&kept, Reason::kNotFillable);
  if (terms.minimum != 0 && Executable(kept) < terms.minimum) {
    return Cancel(&kept, Reason::kMinimumNotMet);
  }
  Match(&kept);
}

Reason ReferenceMarket::Check(const NewOrder& command, OrderInfo* order) const {
  if (command.client_order_id.value() == 0) return Reason::kInvalidClientOrderId;
  const SymbolMarket* market = Market(command.symbol);
  if (market == nullptr) return Reason::kUnknownSymbol;
  if (market->delisted) return Reason::kSymbolDelisted;
  const auto account = accounts_.find(account_);
  if (Funded(*market) && account == accounts_.end()) return Reason::kUnknownAccount;
  if (account != accounts_.end() && account->second.blocked) return Reason::kAccountBlocked;
  const Reason reason = CheckTerms(command, order->terms);
  return reason != Reason::kNone ? reason : CheckMarket(*market, order);
}

Reason ReferenceMarket::CheckTerms(const NewOrder& command, const OrderTerms& terms) const {
  const bool stop = IsAStop(command.type);
  const bool limit = command.type == OrderType::kLimit;
  const bool rests = MayRest(command.time_in_force);
  const bool contradiction = (command.type == OrderType::kMarket && rests) || (stop && !rests) ||
                             (HasNoPrice(command.type) && command.price != 0) ||
                             (command.post_only && (!limit || !rests)) ||
                             (terms.all_or_none && (!limit || !rests || command.post_only ||
                                                    terms.display != 0 || terms.minimum != 0)) ||
                             (terms.protection != 0 && !HasNoPrice(command.type)) ||
                             terms.protection < 0 || terms.protection > kMaxPrice;
  if (contradiction) return Reason::kInvalidOrder;
  if (!ValidQuantity(command.quantity)) return Reason::kInvalidQuantity;
  if (!HasNoPrice(command.type) && !ValidPrice(command.price)) return Reason::kInvalidPrice;
  if (command.type == OrderType::kStop || command.type == OrderType::kStopLimit) {
    if (!ValidPrice(terms.stop_price)) return Reason::kInvalidStopPrice;
  } else if (terms.stop_price != 0) {
    return Reason::kInvalidStopPrice;
  }
  if (command.type == OrderType::kTrailingStop) {
    if (!ValidPrice(terms.trail)) return Reason::kInvalidTrail;
  } else if (terms.trail != 0) {
    return Reason::kInvalidTrail;
  }
  if (terms.display != 0) {
    const bool can_show = rests && !HasNoPrice(command.type);
    if (!can_show || terms.display < 0 || terms.display > command.quantity) {
      return Reason::kInvalidDisplay;
    }
    if (Parts(command.quantity, terms.display) > 1'024) return Reason::kTooManyDisplays;
  }
  if (terms.minimum != 0) {
    const bool can_have = !stop && !command.post_only;
    if (!can_have || terms.minimum < 0 || terms.minimum > command.quantity) {
      return Reason::kInvalidMinimum;
    }
  }
  const bool timed = command.time_in_force == TimeInForce::kGoodTillTime;
  if (timed && terms.expires <= 0) return Reason::kInvalidExpiry;
  if (!timed && terms.expires != 0) return Reason::kInvalidExpiry;
  if (timed && terms.expires <= time_) return Reason::kExpiryPassed;
  return Reason::kNone;
}

// Also finds the protection of an order without a price, and where a trailing stop begins.
Reason ReferenceMarket::CheckMarket(const SymbolMarket& market, OrderInfo* order) const {
  const bool continuous = market.phase == Phase::kContinuous;
  const bool rests = MayRest(order->time_in_force);
  const bool fok = order->time_in_force == TimeInForce::kFillOrKill;
  OrderTerms& terms = order->terms;
  if (market.phase == Phase::kHalt || market.phase == Phase::kClosed) return Reason::kWrongPhase;
  if (market.phase == Phase::kPreOpen && !rests) return Reason::kWrongPhase;
  if (!continuous && (fok || order->post_only || terms.all_or_none || terms.minimum != 0)) {
    return Reason::kWrongPhase;
  }
  const SymbolRules& rules = market.rules;
  if (order->quantity < rules.min_quantity) return Reason::kOrderQuantityLimit;
  if (rules.max_quantity != 0 && order->quantity > rules.max_quantity) {
    return Reason::kOrderQuantityLimit;
  }
  const bool buys = order->side == Side::kBuy;
  const Price last = LastPrice(market);
  if (order->type == OrderType::kTrailingStop) {
    const Price from = last != 0 ? last : market.reference;
    if (from == 0) return Reason::kNoReferencePrice;
    terms.stop_price = buys ? from + terms.trail : from - terms.trail;
    if (!ValidPrice(terms.stop_price)) return Reason::kInvalidTrail;
  } else if (IsAStop(order->type) && last != 0) {
    if (buys ? last >= terms.stop_price : last <= terms.stop_price) return Reason::kStopTriggered;
  }
  const auto& opposite = buys ? market.asks : market.bids;
  const Price best = opposite.empty() ? 0
                     : buys           ? opposite.begin()->first
                                      : opposite.rbegin()->first;
  const Band band = BandOf(market, IsAStop(order->type) ? terms.stop_price : last);
  if (HasNoPrice(order->type)) {
    const Price ticks = terms.protection != 0 ? terms.protection : rules.protection;
    const bool market_order = order->type == OrderType::kMarket;
    Price from = market_order ? best : terms.stop_price;
    if (market_order && !continuous) {
      from = market.reference;
      if (from == 0) return Reason::kNoReferencePrice;
    }
    order->price = Protection(band, order->side, from, ticks);
    const bool needed = Funded(market) || (market_order && !continuous);
    if (needed && order->price == 0 && ticks == 0) return Reason::kNoProtection;
  } else {
    if (order->price < band.low || order->price > band.high) return Reason::kPriceOutsideBand;
    const bool crosses = best != 0 && (buys ? best <= order->price : best >= order->price);
    if (order->post_only && crosses) return Reason::kWouldTrade;
  }
  return Funded(market) ? CheckFunds(market, *order, nullptr) : Reason::kNone;
}

ReferenceMarket::Band ReferenceMarket::BandOf(const SymbolMarket& market, Price last) const {
  Band band;
  const auto narrow = [&](Price middle, uint32_t basis_points) {
    if (middle == 0 || basis_points == 0) return;
    const Price width = middle * basis_points / 10'000;
    band.low = std::max(band.low, middle - width);
    band.high = std::min(band.high, middle + width);
    band.any = true;
  };
  narrow(market.reference, market.rules.static_band_bp);
  if (market.phase == Phase::kContinuous) {
    narrow(last == 0 ? market.reference : last, market.rules.dynamic_band_bp);
  }
  return band;
}

Price ReferenceMarket::Protection(const Band& band, Side side, Price from, Price ticks) const {
  if (side == Side::kBuy) {
    Price worst = band.high;
    if (ticks != 0 && from != 0) worst = std::min({worst, from + ticks, kMaxPrice});
    const bool bounded = (ticks != 0 && from != 0) || band.any;
    return bounded ? worst : 0;
  }
  Price worst = band.low;
  if (ticks != 0 && from != 0) worst = std::max({worst, from - ticks, Price{1}});
  const bool bounded = (ticks != 0 && from != 0) || band.any;
  return bounded ? worst : 0;
}

Reason ReferenceMarket::CheckFunds(const SymbolMarket& market, const OrderInfo& order,
                                   const OrderInfo* replaced) const {
  const Account& account = accounts_.at(order.account);
  const AccountLimits& limits = account.limits;
  if (limits.max_order_quantity != 0 && order.quantity > limits.max_order_quantity) {
    return Reason::kOrderQuantityLimit;
  }
  const Uint128 base_scale = static_cast<Uint128>(BaseScale(market));
  const Uint128 quote_scale = static_cast<Uint128>(QuoteScale(market));
  const Uint128 price = static_cast<Uint128>(order.price);
  const Uint128 notional = static_cast<Uint128>(order.quantity) * price * quote_scale;
  const Uint128 goods = static_cast<Uint128>(order.quantity) * base_scale;
  if (notional > kMaxAmount || goods > kMaxAmount) return Reason::kNotionalTooLarge;
  if (limits.max_notional != 0 && notional > static_cast<Uint128>(limits.max_notional)) {
    return Reason::kNotionalLimit;
  }
  const AssetId base = market.added.base;
  uint64_t open = 0;
  Uint128 position = static_cast<Uint128>(Total(order.account, base));
  for (const auto& [name, other] : orders_) {
    const SymbolMarket& its = *Market(other.symbol);
    if (other.account != order.account || other.leaves == 0 || !Funded(its)) continue;
    ++open;
    if (replaced != nullptr && other.id == replaced->id) continue;
    if (other.side == Side::kBuy && its.added.base == base) {
      position += static_cast<Uint128>(other.leaves) * static_cast<Uint128>(BaseScale(its));
    }
  }
  if (replaced == nullptr && limits.max_open_orders != 0 && open >= limits.max_open_orders) {
    return Reason::kOpenOrderLimit;
  }
  const bool buys = order.side == Side::kBuy;
  const auto limit = account.position_limit.find(base);
  if (buys && limit != account.position_limit.end() && limit->second != 0 &&
      position + static_cast<Uint128>(order.leaves) * base_scale >
          static_cast<Uint128>(limit->second)) {
    return Reason::kPositionLimit;
  }
  const AssetId paid = buys ? market.added.quote : base;
  Uint128 free = static_cast<Uint128>(Total(order.account, paid) - Held(order.account, paid));
  const auto needed_by = [&](const OrderInfo& some) {
    return buys ? static_cast<Uint128>(some.leaves) * static_cast<Uint128>(some.price) * quote_scale
                : static_cast<Uint128>(some.leaves) * base_scale;
  };
  if (replaced != nullptr) free += needed_by(*replaced);
  return needed_by(order) > free ? Reason::kInsufficientBalance : Reason::kNone;
}

Reason ReferenceMarket::CheckReplace(const OrderInfo& order, const ReplaceOrder& command) const {
  const SymbolMarket& market = *Market(order.symbol);
  const bool stop = order.type == OrderType::kStop || order.type == OrderType::kTrailingStop;
  if (stop ? command.price != 0 : !ValidPrice(command.price)) return Reason::kInvalidPrice;
  if (order.type == OrderType::kMarket) return Reason::kInvalidOrder;
  if (market.phase == Phase::kHalt || market.phase == Phase::kClosed) return Reason::kWrongPhase;
  const auto account = accounts_.find(order.account);
  if (account != accounts_.end() && account->second.blocked) return Reason::kAccountBlocked;
  const SymbolRules& rules = market.rules;
  if (command.quantity < rules.min_quantity ||
      (rules.max_quantity != 0 && command.quantity > rules.max_quantity)) {
    return Reason::kOrderQuantityLimit;
  }
  if (order.terms.display != 0 && Parts(command.quantity, order.terms.display) > 1'024) {
    return Reason::kTooManyDisplays;
  }
  const bool same_price = stop || command.price == order.price;
  if (same_price && command.quantity <= order.quantity) return Reason::kNone;
  if (!stop) {
    const bool waits = IsAStop(order.type) && order.parked;
    const Band band = BandOf(market, waits ? order.terms.stop_price : LastPrice(market));
    if (command.price < band.low || command.price > band.high) return Reason::kPriceOutsideBand;
  }
  if (order.post_only) {
    if (market.phase != Phase::kContinuous) return Reason::kWrongPhase;
    const bool buys = order.side == Side::kBuy;
    const bool crosses = buys
                             ? !market.asks.empty() && market.asks.begin()->first <= command.price
                             : !market.bids.empty() && market.bids.rbegin()->first >= command.price;
    if (crosses) return Reason::kWouldTrade;
  }
  if (!Funded(market)) return Reason::kNone;
  OrderInfo changed = order;
  if (!stop) changed.price = command.price;
  changed.quantity = command.quantity;
  changed.leaves = command.quantity - order.executed;
  return CheckFunds(market, changed, &order);
}

}  // namespace quorumbook::exchange
