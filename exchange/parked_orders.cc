#include "exchange/parked_orders.h"

#include "common/check.h"

namespace quorumbook::exchange {
namespace {

Price Signed(Side side, Price price) { return side == Side::kBuy ? price : -price; }

// A stop to buy waits for a rise, so the lowest is first; an all-or-none order to buy is first with
// the highest price, and a trailing stop to buy follows the lowest price, so that the highest it
// follows is passed first.
std::pair<Price, OrderId> StopKey(const Order& order, const SpecialTerms& special) {
  return {Signed(order.side, special.terms.stop_price), order.id};
}
std::pair<Price, OrderId> TrailingKey(const Order& order, const SpecialTerms& special) {
  return {-Signed(order.side, special.best), order.id};
}
std::pair<Price, OrderId> AllOrNoneKey(const Order& order) {
  return {-Signed(order.side, order.price), order.id};
}

template <typename Map, typename Key>
void EraseFrom(Map* map, const Key& key) {
  QB_CHECK(map->erase(key) == 1);
}

}  // namespace

void ParkedOrders::Add(OrderHandle handle, const Order& order, const SpecialTerms& special) {
  SideQueues& queues = sides(order.side);
  ++size_;
  if (special.terms.all_or_none) {
    queues.all_or_none.emplace(AllOrNoneKey(order), handle);
    return;
  }
  queues.stops.emplace(StopKey(order, special), handle);
  if (special.terms.trail != 0) queues.trailing.emplace(TrailingKey(order, special), handle);
}

void ParkedOrders::Remove(const Order& order, const SpecialTerms& special) {
  SideQueues& queues = sides(order.side);
  --size_;
  if (special.terms.all_or_none) return EraseFrom(&queues.all_or_none, AllOrNoneKey(order));
  if (special.triggered != 0) return EraseFrom(&triggered_, special.triggered);
  EraseFrom(&queues.stops, StopKey(order, special));
  if (special.terms.trail != 0) EraseFrom(&queues.trailing, TrailingKey(order, special));
}

void ParkedOrders::OnTrade(Price price, TermsTable* terms) {
  for (const Side side : {Side::kBuy, Side::kSell}) {
    Trigger(side, price, terms);
    Follow(side, price, terms);
  }
}

void ParkedOrders::Trigger(Side side, Price price, TermsTable* terms) {
  SideQueues& queues = sides(side);
  while (!queues.stops.empty() && queues.stops.begin()->first.first <= Signed(side, price)) {
    const auto [key, handle] = *queues.stops.begin();
    queues.stops.erase(queues.stops.begin());
    SpecialTerms& special = (*terms)[handle];
    if (special.terms.trail != 0) {
      EraseFrom(&queues.trailing, std::pair(-Signed(side, special.best), key.second));
    }
    special.triggered = ++last_triggered_;
    triggered_.emplace(special.triggered, handle);
  }
}

void ParkedOrders::Follow(Side side, Price price, TermsTable* terms) {
  SideQueues& queues = sides(side);
  while (!queues.trailing.empty() && queues.trailing.begin()->first.first < -Signed(side, price)) {
    const auto [key, handle] = *queues.trailing.begin();
    queues.trailing.erase(queues.trailing.begin());
    SpecialTerms& special = (*terms)[handle];
    Price& stop = special.terms.stop_price;
    EraseFrom(&queues.stops, std::pair(Signed(side, stop), key.second));
    special.best = price;
    stop = TrailingStopPrice(side, price, special.terms.trail);
    queues.trailing.emplace(std::pair(-Signed(side, price), key.second), handle);
    queues.stops.emplace(std::pair(Signed(side, stop), key.second), handle);
  }
}

void ParkedOrders::RestoreTriggered(OrderHandle handle, SpecialTerms* special) {
  ++size_;
  special->triggered = ++last_triggered_;
  triggered_.emplace(special->triggered, handle);
}

}  // namespace quorumbook::exchange
