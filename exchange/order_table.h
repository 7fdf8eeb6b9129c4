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

  // Brings an order into the cache. The handle may be null.
  void Prefetch(OrderHandle handle) const { orders_.Prefetch(orders_.ValidOr(handle, 0)); }
  // Hints that an order is about to be used, to be given some commands apart and in this order, for
  // each needs what the one before brings into the cache: the entry of its name, the order, and its
  // neighbours in the queue. `hash` is OrderIndex::HashOf its name. What PrefetchOrder returns is
  // probably the order with that hash, or kNullHandle, and what PrefetchNeighbors wants.
  void PrefetchEntry(uint32_t hash) const { index_.Prefetch(hash); }
  OrderHandle PrefetchOrder(uint32_t hash) const;
  void PrefetchNeighbors(OrderHandle handle) const;

  uint64_t open_orders() const { return index_.size() - finished_; }
  uint64_t finished_orders() const { return finished_; }
  // Finished orders from the oldest on, linked by Order::next.
  OrderHandle oldest_finished() const { return oldest_; }

 private:
  OrderHandle Find(uint32_t hash, const OrderName& name) const;
  void Unlink(OrderHandle handle);
  void ForgetOldest();
  void PrefetchForgotten();

  Slab<Order> orders_;
  OrderIndex index_;
  OrderHandle oldest_ = kNullHandle;
  OrderHandle newest_ = kNullHandle;
  OrderHandle ahead_ = kNullHandle;  // a finished one that will be forgotten soon, or null
  uint64_t finished_ = 0;
};

}  // namespace quorumbook::exchange
