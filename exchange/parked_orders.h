// The open orders of a symbol that are not in its book: stops that wait for their price, and
// all-or-none orders that wait for quantity.
#pragma once

#include <absl/container/btree_map.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "exchange/order.h"
#include "exchange/order_terms.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// At most kMaxStops stops and kMaxAllOrNone others a side, so that it is no more work than filling
// an order when a trade triggers them all. Prices are kept with a sign, so that on either side the
// first is the first to have its turn; at one price the order that came first is.
class ParkedOrders {
 public:
  using Queue = absl::btree_map<std::pair<Price, OrderId>, OrderHandle>;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // Stops, those included that are triggered and have not had their turn.
  size_t stops() const { return size_ - all_or_none(Side::kBuy) - all_or_none(Side::kSell); }
  size_t trailing() const { return buys_.trailing.size() + sells_.trailing.size(); }
  size_t all_or_none(Side side) const { return sides(side).all_or_none.size(); }
  bool any_all_or_none() const { return all_or_none(Side::kBuy) + all_or_none(Side::kSell) != 0; }

  // REQUIRES: the order is not in. `special.best` is set if it is a trailing stop.
  void Add(OrderHandle handle, const Order& order, const SpecialTerms& special);
  // REQUIRES: it is in, with these terms.
  void Remove(const Order& order, const SpecialTerms& special);

  // Tells of a trade: trailing stops follow it, and stops that it triggers move to the triggered
  // ones, the stop price that was reached first before, equal ones in the order of their entry.
  void OnTrade(Price price, TermsTable* terms);
  // The stop, or kNullHandle, that was triggered first and has not had its turn.
  OrderHandle FirstTriggered() const {
    return triggered_.empty() ? kNullHandle : triggered_.begin()->second;
  }

  // All-or-none orders, best price first.
  const Queue& AllOrNone(Side side) const { return sides(side).all_or_none; }
  // The best price of those, at which they reach farthest into the other side; 0 without any.
  Price FarthestAllOrNone(Side side) const {
    const Queue& queue = sides(side).all_or_none;
    if (queue.empty()) return 0;
    const Price price = queue.begin()->first.first;
    return price < 0 ? -price : price;
  }

  // Calls `visit(handle)` for all: stops to buy, to sell, triggered ones in their order, then
  // all-or-none orders to buy, to sell, until it returns false.
  template <typename Visitor>
  void ForEach(Visitor&& visit) const {
    for (const Queue* queue : {&buys_.stops, &sells_.stops}) {
      for (const auto& entry : *queue) {
        if (!visit(entry.second)) return;
      }
    }
    for (const auto& entry : triggered_) {
      if (!visit(entry.second)) return;
    }
    for (const Queue* queue : {&buys_.all_or_none, &sells_.all_or_none}) {
      for (const auto& entry : *queue) {
        if (!visit(entry.second)) return;
      }
    }
  }

  // Puts an order read from a snapshot behind the triggered ones. REQUIRES: it is not in.
  void RestoreTriggered(OrderHandle handle, SpecialTerms* special);

 private:
  struct SideQueues {
    Queue stops;     // by stop price: lowest first to buy, highest first to sell
    Queue trailing;  // by the price they follow, the first to be passed by a trade first
    Queue all_or_none;
  };

  const SideQueues& sides(Side side) const { return side == Side::kBuy ? buys_ : sells_; }
  SideQueues& sides(Side side) { return side == Side::kBuy ? buys_ : sells_; }
  // Trailing stops whose best price is passed follow to `price`.
  void Follow(Side side, Price price, TermsTable* terms);
  void Trigger(Side side, Price price, TermsTable* terms);

  SideQueues buys_, sells_;
  absl::btree_map<uint64_t, OrderHandle> triggered_;
  uint64_t last_triggered_ = 0;
  size_t size_ = 0;
};

// Where a trailing stop stands that follows `best`. May be out of the range of prices.
inline Price TrailingStopPrice(Side side, Price best, Price trail) {
  return side == Side::kBuy ? best + trail : best - trail;
}

}  // namespace quorumbook::exchange
