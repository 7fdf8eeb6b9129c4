// The orders that rest on one side of a book: a queue for each price level.
#pragma once

#include "exchange/price_levels.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// `Orders` maps a handle to an order: `orders[handle]` has the fields OrderHandle next, previous
// and LevelHandle level, which are the queue's, and unfilled(), the quantity it has left.
template <typename Orders>
class OrderQueues {
 public:
  // REQUIRES: `orders` and `memory` outlive it.
  OrderQueues(Side side, Orders* orders, LevelMemory* memory)
      : orders_(*orders),
        memory_(*memory),
        levels_(memory),
        best_price_(side == Side::kBuy ? kMaxPrice : 0),
        sign_(side == Side::kBuy ? -1 : 1) {}
  OrderQueues(const OrderQueues&) = delete;
  OrderQueues& operator=(const OrderQueues&) = delete;

  uint32_t id() const { return levels_.id(); }  // Level::side of its levels
  bool empty() const { return levels_.empty(); }
  // REQUIRES: !empty().
  const Level& best() const { return memory_[levels_.best()]; }
  uint32_t levels() const { return levels_.size(); }
  // kNoPriceKey when empty.
  PriceKey best_key() const { return levels_.best_key(); }

  PriceKey KeyOf(Price price) const { return static_cast<PriceKey>((price - best_price_) * sign_); }
  Price PriceOf(PriceKey key) const { return static_cast<Price>(key) * sign_ + best_price_; }

  // Puts an order at the end of the queue of a price.
  // REQUIRES: it has something left, is in no queue, and 0 < price <= kMaxPrice.
  void Append(OrderHandle handle, Price price) {
    auto& order = orders_[handle];
    order.level = levels_.At(KeyOf(price));
    Level& level = memory_[order.level];
    order.next = kNullHandle;
    order.previous = level.last;
    (level.last == kNullHandle ? level.first : orders_[level.last].next) = handle;
    level.last = handle;
    level.quantity += order.unfilled();
    ++level.orders;
  }
  // Takes an order out of its queue. REQUIRES: it is in one of this side.
  void Remove(OrderHandle handle) {
    const auto& order = orders_[handle];
    Level& level = memory_[order.level];
    (order.previous == kNullHandle ? level.first : orders_[order.previous].next) = order.next;
    (order.next == kNullHandle ? level.last : orders_[order.next].previous) = order.previous;
    level.quantity -= order.unfilled();
    if (--level.orders == 0) {
      QB_CHECK(level.quantity == 0);
      levels_.Remove(order.level);
    }
  }
  // Says that `quantity` of what was left of a resting order is gone, some of it staying.
  template <typename Order>
  void Shrink(const Order& order, Quantity quantity) {
    memory_[order.level].quantity -= quantity;
  }

  // Calls `visit(level)` from the best price on while it returns true.
  template <typename Visitor>
  void ForEachLevel(Visitor&& visit) const {
    levels_.ForEach([&](LevelHandle handle) { return visit(memory_[handle]); });
  }

 private:
  Orders& orders_;
  LevelMemory& memory_;
  PriceLevels levels_;
  // The price whose key is 0, and which way keys go from there. Numbers, because a branch on the
  // side of an order is taken as often as not, and a wrong guess costs more than a multiplication.
  const Price best_price_;
  const Price sign_;
};

}  // namespace quorumbook::exchange
