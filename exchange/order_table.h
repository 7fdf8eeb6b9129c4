// All orders of a shard, found by name: the open ones and those finished lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/check.h"
#include "common/prefetch.h"
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

  // kNullHandle when there is none. `guess`: an order that it may be, or null.
  OrderHandle Find(const OrderName& name, OrderHandle guess = kNullHandle) const {
    if (guess != kNullHandle && orders_[guess].name() == name) return guess;
    return index_.Find(OrderIndex::HashOf(name),
                       [&](OrderHandle handle) { return orders_[handle].name() == name; });
  }

  // A fresh open order with that name, its other fields at their defaults; kNullHandle when an
  // open order has it.
  OrderHandle Open(const OrderName& name) {
    const auto [handle, added] = index_.FindOrInsert(
        OrderIndex::HashOf(name), [&](OrderHandle at) { return orders_[at].name() == name; },
        [&] { return orders_.Allocate(); });
    if (!added) {
      if (orders_[handle].open()) return kNullHandle;
      Unlink(handle);
    }
    static constexpr Order kBlank;
    Order& order = orders_[handle];
    order = kBlank;
    order.client_order_id = name.id;
    order.account = name.account;
    order.symbol = name.symbol;
    return handle;
  }

  // Remembers an order as finished and forgets the oldest such beyond kMaxFinishedOrders.
  // REQUIRES: `handle` is of this table, in no queue, its status already final.
  void Finish(OrderHandle handle) {
    Order& order = orders_[handle];
    QB_CHECK(!order.open());
    order.next = kNullHandle;
    order.previous = newest_;
    (newest_ == kNullHandle ? oldest_ : orders_[newest_].next) = handle;
    newest_ = handle;
    const Finished lately{.handle = handle, .hash = OrderIndex::HashOf(order.name())};
    if (lately_.size() < kMaxFinishedOrders) {
      lately_.push_back(lately);
    } else {
      lately_[next_++ % kMaxFinishedOrders] = lately;
    }
    if (++finished_ > kMaxFinishedOrders) ForgetOldest();
  }

  // Brings an order into the cache. The handle may be null. REQUIRES: !empty().
  void Prefetch(OrderHandle handle) const { orders_.Prefetch(orders_.ValidOr(handle, 0)); }
  // Hints that an order is about to be used, to be given some commands apart and in this order, for
  // each needs what the one before brings into the cache: the entry of its name, the order, and its
  // neighbours in its queue and list. `hash` is OrderIndex::HashOf its name. What PrefetchOrder
  // returns is probably the order with that hash, or kNullHandle, and what PrefetchNeighbors wants.
  void PrefetchEntry(uint32_t hash) const { index_.Prefetch(hash); }
  // REQUIRES: !empty().
  OrderHandle PrefetchOrder(uint32_t hash) const {
    const OrderHandle handle = index_.Guess(hash);
    Prefetch(handle);
    return handle;
  }
  void PrefetchNeighbors(OrderHandle handle) const {
    handle = orders_.ValidOr(handle, 0);
    const Order& order = orders_[handle];
    orders_.PrefetchStart(orders_.ValidOr(order.next, handle));
    orders_.PrefetchStart(orders_.ValidOr(order.previous, handle));
    // Those in the list of its account are only written to, but what is written waits in a queue,
    // and all that is read meanwhile in other pieces than it was written in waits for that queue.
    quorumbook::Prefetch(&orders_[orders_.ValidOr(order.older, handle)].newer);
    quorumbook::Prefetch(&orders_[orders_.ValidOr(order.newer, handle)].older);
  }

  bool empty() const { return index_.size() == 0; }
  uint64_t open_orders() const { return index_.size() - finished_; }
  uint64_t finished_orders() const { return finished_; }
  // Finished orders from the oldest on, linked by Order::next.
  OrderHandle oldest_finished() const { return oldest_; }

 private:
  void Unlink(OrderHandle handle);
  void ForgetOldest();
  void PrefetchForgotten() const;

  struct Finished {
    OrderHandle handle;
    uint32_t hash;
  };

  Slab<Order> orders_;
  OrderIndex index_;
  OrderHandle oldest_ = kNullHandle;
  OrderHandle newest_ = kNullHandle;
  uint64_t finished_ = 0;
  // Those that finished last, in a ring: what will be forgotten soon, to be fetched ahead. Of
  // orders whose names were used again since it is wrong, which is harmless.
  std::vector<Finished> lately_;
  uint64_t next_ = 0;  // to be replaced in lately_
};

}  // namespace quorumbook::exchange
