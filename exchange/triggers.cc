// Parked orders: stops until their price is traded, all-or-none orders until they can trade whole.
#include <algorithm>
#include <iterator>
#include <utility>

#include "exchange/market.h"
#include "exchange/order_checks.h"

namespace quorumbook::exchange {

void Market::Park(Symbol& symbol, OrderHandle handle) {
  Order& order = memory_.orders[handle];
  SpecialTerms& special = terms_[handle];
  if (special.terms.trail != 0) {
    const Price trail = special.terms.trail;
    special.best = order.side == Side::kBuy ? special.terms.stop_price - trail
                                            : special.terms.stop_price + trail;
  }
  order.flags |= kParkedFlag;
  symbol.parked.Add(handle, order, special);
  symbol.Refresh();
  Register(symbol, handle);
  Event& event = EmitOrder(EventType::kOrderParked, order, order.quantity);
  event.trade_id = static_cast<uint64_t>(special.terms.stop_price);
}

// Within one order's trades prices go one way, so that the first and the last tell of all.
void Market::OnTrades(Symbol& symbol, Price first, Price last) {
  if (symbol.parked.empty()) return;
  symbol.parked.OnTrade(first, &terms_);
  symbol.parked.OnTrade(last, &terms_);
  Wake(&symbol);
}

void Market::Wake(Symbol* symbol) {
  if (symbol->awake) return;
  symbol->awake = true;
  awake_.push_back(symbol->info.id);
}

void Market::PutOff(Symbol* symbol) {
  if (symbol->put_off) return;
  symbol->put_off = true;
  put_off_.push_back(symbol->info.id);
}

void Market::RunAwake() {
  auto at = awake_.begin();
  for (; at != awake_.end() && !Exhausted(); ++at) {
    Symbol& symbol = *symbols_.Find(*at);
    if (!RunParked(symbol)) break;
    symbol.awake = false;
  }
  awake_.erase(awake_.begin(), at);
}

// They go first: those that were woken since were told of later.
void Market::WakePutOff() {
  for (const SymbolId id : awake_) PutOff(symbols_.Find(id));
  for (const SymbolId id : put_off_) {
    symbols_.Find(id)->put_off = false;
    symbols_.Find(id)->awake = true;
  }
  awake_ = std::exchange(put_off_, {});
}

bool Market::RunParked(Symbol& symbol) {
  while (!Exhausted()) {
    if ((symbol.attention & kNotTrading) != 0) return true;
    OrderHandle next = symbol.parked.FirstTriggered();
    if (next == kNullHandle) {
      if (counted_for_parked_ >= kMaxParkedCounts) {
        if (symbol.parked.any_all_or_none()) PutOff(&symbol);
        return true;
      }
      next = FindFillable(symbol);
    }
    if (next == kNullHandle) return true;
    Activate(symbol, next);
  }
  return false;
}

OrderHandle Market::FindFillable(const Symbol& symbol) {
  OrderHandle found = FindFillable(symbol, Side::kBuy);
  if (found == kNullHandle) found = FindFillable(symbol, Side::kSell);
  return found;
}

// Most orders that wait wait on: one look at the levels, and at no more orders than fills are
// allowed, tells of all that want more than there is. Where icebergs or own orders make that too
// little, orders are counted one by one: after as many as fills are allowed those behind wait on,
// so that nobody makes each command as slow as all the orders that may wait together. All of it is
// counted: beyond a bound the rest is put off, so that one that waits in a deep book slows batches
// down, and not commands.
OrderHandle Market::FindFillable(const Symbol& symbol, Side side) {
  const BookSide& makers = symbol.opposite(side);
  const Price farthest = symbol.parked.FarthestAllOrNone(side);
  if (farthest == 0) return kNullHandle;
  depth_.clear();
  Quantity sum = 0;
  uint32_t orders = 0;
  makers.ForEachLevel([&](const Level& level) {
    if (level.key > makers.KeyOf(farthest) || orders == kMaxFillsPerCommand) return false;
    ++counted_for_parked_;
    if (level.orders <= kMaxFillsPerCommand - orders) {
      sum += level.quantity;
      orders += level.orders;
    } else {
      counted_for_parked_ += kMaxFillsPerCommand - orders;
      for (OrderHandle at = level.first; orders < kMaxFillsPerCommand; ++orders) {
        sum += memory_.orders[at].leaves();
        at = memory_.orders[at].next;
      }
    }
    depth_.emplace_back(level.key, sum);
    return true;
  });
  uint64_t counted = 0;
  for (const auto& entry : symbol.parked.AllOrNone(side)) {
    const Order& order = memory_.orders[entry.second];
    const PriceKey worst = makers.KeyOf(order.price);
    const auto beyond =
        std::ranges::upper_bound(depth_, worst, {}, &std::pair<PriceKey, Quantity>::first);
    if (beyond == depth_.begin()) break;
    if (std::prev(beyond)->second < order.leaves()) continue;
    const uint64_t before = counted;
    const bool fillable = Executable(symbol, order, worst, &counted) == order.leaves();
    counted_for_parked_ += counted - before;
    if (fillable) return entry.second;
    if (counted >= kMaxFillsPerCommand) break;
  }
  return kNullHandle;
}

void Market::WakeAllOrNone(Symbol* symbol, const Order& order) {
  const bool buys = order.side == Side::kBuy;
  const Price farthest = symbol->parked.FarthestAllOrNone(buys ? Side::kSell : Side::kBuy);
  if (farthest == 0) return;
  if (buys ? order.price >= farthest : order.price <= farthest) Wake(symbol);
}

void Market::Activate(Symbol& symbol, OrderHandle handle) {
  Order& order = memory_.orders[handle];
  const OrderTerms& terms = terms_[handle].terms;
  const PriceBand band = BandOf(symbol.info, symbol.stats.last);
  Leave(symbol, handle);
  if (IsMarketLike(order.type)) {
    const Price ticks = terms.protection != 0 ? terms.protection : symbol.info.rules.protection;
    Price price = ProtectedPrice(band, order.side, terms.stop_price, ticks);
    // To buy, never more than when it came, whatever the rules are now: no more is held for it.
    const bool dearer = order.side == Side::kBuy && price > order.price;
    if (order.price != 0 && (price == 0 || dearer)) price = order.price;
    SetPrice(symbol, handle, price);
  }
  order.changed = task_.time;
  EmitOrder(EventType::kOrderTriggered, order, order.quantity);
  // An all-or-none order waits as others rest: it stays when the bands move.
  if (order.type == OrderType::kStopLimit && !band.Has(order.price)) {
    return FinishCanceled(handle, Reason::kPriceOutsideBand);
  }
  MatchAndSettle(symbol, handle);
}

}  // namespace quorumbook::exchange
