// All orders of a shard, found by name: the open ones and those finished lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "exchange/order.h"
#include "exchange/order_index.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// A finished order keeps its slot until kMaxFinishedOrders others have finished after it, or until
// a new order takes its client order id. Names are unique among all orders of the table.
class OrderTable {
 public:
  OrderTable() = default;
  OrderTable(const OrderTable&) = delete;
  OrderTable& operator=(const OrderTable&) = delete;

  Order& operator[](OrderHandle handle) { return orders_[handle]; }
  const Order& operator[](OrderHandle handle) const { return orders_[handle]; }

  // kNullHandle when there is none.
  OrderHandle Find(const OrderName& name) const;

  // A fresh open order with that name, its other fields at their defaults; kNullHandle when an
  // open order has it.
  OrderHandle Open(const OrderName& name);

  // Remembers an order as finished and forgets the oldest such beyond kMaxFinishedOrders.
  // REQUIRES: `handle` is of this table, in no queue, its status already final.
  void Finish(OrderHandle handle);

  // Says that orders of these names, at most kPrefetch of them, are about to be used: they and
  // their neighbours are brought into the cache together rather than one after another.
  static constexpr size_t kPrefetch = 16;
  void Prefetch(std::span<const OrderName> names) const;

  uint64_t open_orders() const { return index_.size() - finished_; }
  uint64_t finished_orders() const { return finished_; }
  // Finished orders from the oldest on, linked by Order::next.
  OrderHandle oldest_finished() const { return oldest_; }

 private:
  OrderHandle Find(uint32_t hash, const OrderName& name) const;
  void Unlink(const Order& order);
  void ForgetOldest();
  void PrefetchOrder(OrderHandle handle) const;

  Slab<Order> orders_;
  OrderIndex index_;
  OrderHandle oldest_ = kNullHandle;
  OrderHandle newest_ = kNullHandle;
  uint64_t finished_ = 0;
};

}  // namespace quorumbook::exchange
