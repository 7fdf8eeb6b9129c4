// All orders of a shard, found by (account, client order id): the open ones and those finished
// lately.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>

#include "exchange/order.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// A finished order keeps its slot until kMaxFinishedOrders others have finished after it, or until
// a new order takes its client order id. Names are unique among all orders of the table.
class OrderTable {
 public:
  OrderTable();
  OrderTable(const OrderTable&) = delete;
  OrderTable& operator=(const OrderTable&) = delete;

  Order& operator[](OrderHandle handle) { return orders_[handle]; }
  const Order& operator[](OrderHandle handle) const { return orders_[handle]; }

  // kNullHandle when there is none.
  OrderHandle Find(AccountId account, ClientOrderId id) const;

  // A fresh open order with that name, its other fields at their defaults; kNullHandle when an
  // open order has it.
  OrderHandle Open(AccountId account, ClientOrderId id);

  // Remembers an order as finished and forgets the oldest such beyond kMaxFinishedOrders.
  // REQUIRES: `handle` is of this table, in no queue, its status already final.
  void Finish(OrderHandle handle);

  uint64_t open_orders() const { return index_.size() - finished_; }
  uint64_t finished_orders() const { return finished_; }
  // Finished orders from the oldest on, linked by Order::next.
  OrderHandle oldest_finished() const { return oldest_; }

 private:
  struct Name {
    AccountId account;
    ClientOrderId id;
  };
  // The index holds handles alone and reads the names from the orders.
  struct Hash {
    using is_transparent = void;
    const Slab<Order>* orders;
    size_t operator()(const Name& name) const { return absl::HashOf(name.account, name.id); }
    size_t operator()(OrderHandle handle) const {
      const Order& order = (*orders)[handle];
      return (*this)(Name{order.account, order.client_order_id});
    }
  };
  struct Equal {
    using is_transparent = void;
    const Slab<Order>* orders;
    bool operator()(OrderHandle handle, const Name& name) const {
      const Order& order = (*orders)[handle];
      return order.client_order_id == name.id && order.account == name.account;
    }
    bool operator()(OrderHandle a, OrderHandle b) const { return a == b; }
  };

  void Unlink(const Order& order);
  void ForgetOldest();

  Slab<Order> orders_;
  absl::flat_hash_set<OrderHandle, Hash, Equal> index_;
  OrderHandle oldest_ = kNullHandle;
  OrderHandle newest_ = kNullHandle;
  uint64_t finished_ = 0;
};

}  // namespace quorumbook::exchange
