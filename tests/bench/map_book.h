// The yardstick: the book that one writes first, a std::map of lists and a hash map of iterators.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "exchange/types.h"
#include "flow.h"

namespace quorumbook::bench {

struct Fill {
  uint64_t taker = 0;
  uint64_t maker = 0;
  exchange::Price price = 0;
  exchange::Quantity quantity = 0;
};

class MapBook {
 public:
  // Appends what trades to `fills`. A cancel of an order that is gone does nothing.
  void Apply(const Operation& operation, std::vector<Fill>* fills) {
    if (operation.kind == Operation::Kind::kCancel) return Cancel(operation.order_id);
    if (operation.side == exchange::Side::kBuy) {
      Add(operation, &bids_, &asks_, fills, [](auto limit, auto price) { return price <= limit; });
    } else {
      Add(operation, &asks_, &bids_, fills, [](auto limit, auto price) { return price >= limit; });
    }
  }
  size_t orders() const { return by_id_.size(); }
  bool Has(uint64_t id) const { return by_id_.contains(id); }

 private:
  struct Resting {
    uint64_t id;
    exchange::Side side;
    exchange::Price price;
    exchange::Quantity quantity;
  };
  using Queue = std::list<Resting>;

  template <typename Own, typename Other, typename Crosses>
  void Add(const Operation& order, Own* own, Other* other, std::vector<Fill>* fills,
           Crosses crosses) {
    exchange::Quantity left = order.quantity;
    while (left > 0 && !other->empty() && crosses(order.price, other->begin()->first)) {
      Queue& queue = other->begin()->second;
      Resting& maker = queue.front();
      const exchange::Quantity traded = std::min(left, maker.quantity);
      fills->push_back({order.order_id, maker.id, maker.price, traded});
      left -= traded;
      maker.quantity -= traded;
      if (maker.quantity > 0) continue;
      by_id_.erase(maker.id);
      queue.pop_front();
      if (queue.empty()) other->erase(other->begin());
    }
    if (left == 0 || order.kind == Operation::Kind::kIoc) return;
    Queue& queue = (*own)[order.price];
    queue.push_back({order.order_id, order.side, order.price, left});
    by_id_[order.order_id] = std::prev(queue.end());
  }

  template <typename Levels>
  static void Remove(Levels* levels, Queue::iterator order) {
    const auto level = levels->find(order->price);
    level->second.erase(order);
    if (level->second.empty()) levels->erase(level);
  }
  void Cancel(uint64_t id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    const Queue::iterator order = found->second;
    by_id_.erase(found);
    order->side == exchange::Side::kBuy ? Remove(&bids_, order) : Remove(&asks_, order);
  }

  std::map<exchange::Price, Queue, std::greater<>> bids_;
  std::map<exchange::Price, Queue> asks_;
  std::unordered_map<uint64_t, Queue::iterator> by_id_;
};

}  // namespace quorumbook::bench
