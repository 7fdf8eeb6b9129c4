#include "exchange/order_checks.h"

#include <algorithm>

#include "exchange/market.h"

namespace quorumbook::exchange {
namespace {

bool Contradicts(const NewOrder& order, const OrderTerms& terms) {
  const bool limit = order.type == OrderType::kLimit;
  const bool rests = Rests(order.time_in_force);
  if (order.type == OrderType::kMarket ? rests : IsStop(order.type) && !rests) return true;
  if (IsMarketLike(order.type) && order.price != 0) return true;
  if (order.post_only && !(limit && rests)) return true;
  if (terms.all_or_none && !(limit && rests && !order.post_only)) return true;
  if (terms.all_or_none && (terms.display != 0 || terms.minimum != 0)) return true;
  const bool protection = IsMarketLike(order.type) ? terms.protection >= 0 : terms.protection == 0;
  return !protection || terms.protection > kMaxPrice;
}

// Of a number that orders of one kind must have and others must not.
bool Misplaced(bool wanted, Price price) { return wanted ? !IsValidPrice(price) : price != 0; }

bool InvalidDisplay(const NewOrder& order, const OrderTerms& terms) {
  if (terms.display == 0) return false;
  const bool may_rest = !IsMarketLike(order.type) && Rests(order.time_in_force);
  return !may_rest || terms.display < 0 || terms.display > order.quantity;
}

bool InvalidMinimum(const NewOrder& order, const OrderTerms& terms) {
  if (terms.minimum == 0) return false;
  return IsStop(order.type) || order.post_only || terms.minimum < 0 ||
         terms.minimum > order.quantity;
}

}  // namespace

Reason CheckForm(const NewOrder& order, const OrderTerms& terms, Time now) {
  const bool stop = order.type == OrderType::kStop || order.type == OrderType::kStopLimit;
  if (Contradicts(order, terms)) return Reason::kInvalidOrder;
  if (!IsValidQuantity(order.quantity)) return Reason::kInvalidQuantity;
  if (!IsMarketLike(order.type) && !IsValidPrice(order.price)) return Reason::kInvalidPrice;
  if (Misplaced(stop, terms.stop_price)) return Reason::kInvalidStopPrice;
  if (Misplaced(order.type == OrderType::kTrailingStop, terms.trail)) return Reason::kInvalidTrail;
  if (InvalidDisplay(order, terms)) return Reason::kInvalidDisplay;
  if (TooManyDisplays(order.quantity, terms.display)) return Reason::kTooManyDisplays;
  if (InvalidMinimum(order, terms)) return Reason::kInvalidMinimum;
  const bool timed = order.time_in_force == TimeInForce::kGoodTillTime;
  if (timed ? terms.expires <= 0 : terms.expires != 0) return Reason::kInvalidExpiry;
  if (timed && terms.expires <= now) return Reason::kExpiryPassed;
  return Reason::kNone;
}

Price Market::ProtectedPrice(const PriceBand& band, Side side, Price from, Price ticks) {
  const bool buys = side == Side::kBuy;
  Price price = buys ? band.high : band.low;
  bool bounded = !band.open;
  if (ticks != 0 && from != 0) {
    const Price worst = buys ? std::min(from + ticks, kMaxPrice) : std::max<Price>(from - ticks, 1);
    price = buys ? std::min(price, worst) : std::max(price, worst);
    bounded = true;
  }
  return bounded ? price : 0;
}

bool Market::WouldTrade(const Symbol& symbol, Side side, Price price) const {
  const BookSide& makers = symbol.opposite(side);
  return makers.best_key() <= makers.KeyOf(price);
}

Reason Market::CheckPhase(const Symbol& symbol, const NewOrder& order,
                          const OrderTerms& terms) const {
  if (symbol.info.busy) return Reason::kSymbolBusy;
  const TimeInForce time_in_force = order.time_in_force;
  switch (symbol.info.phase) {
    case Phase::kContinuous:
      return Reason::kNone;
    case Phase::kHalt:
    case Phase::kClosed:
      return Reason::kWrongPhase;
    case Phase::kPreOpen:
      if (!Rests(time_in_force)) return Reason::kWrongPhase;
      break;
    case Phase::kOpeningAuction:
    case Phase::kClosingAuction:
      if (time_in_force == TimeInForce::kFillOrKill) return Reason::kWrongPhase;
      break;
  }
  // What can only be judged against a book that trades.
  if (order.post_only || terms.all_or_none || terms.minimum != 0) return Reason::kWrongPhase;
  return Reason::kNone;
}

// Finds where the stop price of a trailing stop is to begin.
Reason Market::CheckStop(const Symbol& symbol, const NewOrder& order, OrderTerms* terms) const {
  if (!IsStop(order.type)) return Reason::kNone;
  const Price last = symbol.stats.last;
  if (order.type == OrderType::kTrailingStop) {
    const Price from = last != 0 ? last : symbol.info.reference_price;
    if (from == 0) return Reason::kNoReferencePrice;
    terms->stop_price = TrailingStopPrice(order.side, from, terms->trail);
    if (!IsValidPrice(terms->stop_price)) return Reason::kInvalidTrail;
    if (symbol.parked.trailing() >= kMaxTrailingStops) return Reason::kTooManyTrailingStops;
  } else {
    const bool reached =
        order.side == Side::kBuy ? last >= terms->stop_price : last <= terms->stop_price;
    if (last != 0 && reached) return Reason::kStopTriggered;
  }
  return symbol.parked.stops() >= kMaxStops ? Reason::kTooManyStops : Reason::kNone;
}

// Finds the protection of a market or stop order, which is kept as its price.
Reason Market::CheckPrice(const Symbol& symbol, const OrderTerms& terms, NewOrder* order) const {
  const bool stop = IsStop(order->type);
  const PriceBand band = BandOf(symbol.info, stop ? terms.stop_price : symbol.stats.last);
  if (!IsMarketLike(order->type)) {
    if (!band.Has(order->price)) return Reason::kPriceOutsideBand;
    return order->post_only && WouldTrade(symbol, order->side, order->price) ? Reason::kWouldTrade
                                                                             : Reason::kNone;
  }
  const Price ticks = terms.protection != 0 ? terms.protection : symbol.info.rules.protection;
  const BookSide& makers = symbol.opposite(order->side);
  const bool continuous = symbol.info.phase == Phase::kContinuous;
  Price from = symbol.info.reference_price;
  if (stop) {
    from = terms.stop_price;
  } else if (continuous) {
    from = makers.empty() ? 0 : makers.PriceOf(makers.best_key());
  } else if (from == 0) {
    return Reason::kNoReferencePrice;
  }
  order->price = ProtectedPrice(band, order->side, from, ticks);
  const bool unbounded = order->price == 0 && ticks == 0;
  // A price must be known where balances are held for it, and where the order is to rest.
  const bool needed = symbol.funded() || (!continuous && order->type == OrderType::kMarket);
  return unbounded && needed ? Reason::kNoProtection : Reason::kNone;
}

Reason Market::CheckQuantityRules(const Symbol& symbol, Quantity quantity) const {
  const SymbolRules& rules = symbol.info.rules;
  const bool allowed =
      quantity >= rules.min_quantity && (rules.max_quantity == 0 || quantity <= rules.max_quantity);
  return allowed ? Reason::kNone : Reason::kOrderQuantityLimit;
}

Reason Market::Check(const Symbol* symbol, const Account* account, Entry* entry) const {
  NewOrder& order = entry->order;
  if (order.client_order_id == ClientOrderId()) return Reason::kInvalidClientOrderId;
  if (symbol == nullptr) return Reason::kUnknownSymbol;
  if (symbol->info.delisted) return Reason::kSymbolDelisted;
  if (symbol->funded() && account == nullptr) return Reason::kUnknownAccount;
  if (account != nullptr && account->blocked) return Reason::kAccountBlocked;
  Reason reason = CheckForm(order, entry->terms, task_.time);
  if (reason == Reason::kNone) reason = CheckPhase(*symbol, order, entry->terms);
  if (reason == Reason::kNone) reason = CheckQuantityRules(*symbol, order.quantity);
  if (reason == Reason::kNone) reason = CheckStop(*symbol, order, &entry->terms);
  if (reason == Reason::kNone) reason = CheckPrice(*symbol, entry->terms, &order);
  if (reason != Reason::kNone) return reason;
  if (entry->terms.all_or_none && symbol->parked.all_or_none(order.side) >= kMaxAllOrNone) {
    return Reason::kTooManyAllOrNone;
  }
  if (symbol->funded()) reason = CheckFunds(*symbol, *account, order, nullptr);
  if (reason != Reason::kNone) return reason;
  const bool may_stay = Rests(order.time_in_force) || symbol->info.phase != Phase::kContinuous;
  if (may_stay && memory_.orders.open_orders() >= max_open_orders_) return Reason::kTooManyOrders;
  return Reason::kNone;
}

}  // namespace quorumbook::exchange
