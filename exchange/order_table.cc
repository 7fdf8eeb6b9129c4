#include "exchange/order_table.h"

#include "common/check.h"

namespace quorumbook::exchange {

OrderHandle OrderTable::Find(uint32_t hash, const OrderName& name) const {
  return index_.Find(hash, [&](OrderHandle handle) { return orders_[handle].name() == name; });
}

OrderHandle OrderTable::Find(const OrderName& name) const {
  return Find(OrderIndex::HashOf(name), name);
}

OrderHandle OrderTable::Open(const OrderName& name) {
  const uint32_t hash = OrderIndex::HashOf(name);
  OrderHandle handle = Find(hash, name);
  if (handle == kNullHandle) {
    handle = orders_.Allocate();
    index_.Insert(hash, handle);
  } else {
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

void OrderTable::Finish(OrderHandle handle) {
  Order& order = orders_[handle];
  QB_CHECK(!order.open());
  order.next = kNullHandle;
  order.previous = newest_;
  (newest_ == kNullHandle ? oldest_ : orders_[newest_].next) = handle;
  newest_ = handle;
  if (++finished_ > kMaxFinishedOrders) ForgetOldest();
}

void OrderTable::Unlink(OrderHandle handle) {
  const Order& order = orders_[handle];
  if (handle == ahead_) ahead_ = order.next;
  (order.previous == kNullHandle ? oldest_ : orders_[order.previous].next) = order.next;
  (order.next == kNullHandle ? newest_ : orders_[order.next].previous) = order.previous;
  --finished_;
}

void OrderTable::ForgetOldest() {
  const OrderHandle handle = oldest_;
  PrefetchForgotten();
  Unlink(handle);
  index_.Erase(OrderIndex::HashOf(orders_[handle].name()), handle);
  orders_.Free(handle);
}

// They are long out of the cache when their turn comes. An order is fetched a step before its name
// is read, and that some steps before it is forgotten.
void OrderTable::PrefetchForgotten() {
  if (ahead_ == kNullHandle || ahead_ == oldest_) {
    ahead_ = oldest_;
    for (int i = 0; i < 16 && orders_[ahead_].next != kNullHandle; ++i)
      ahead_ = orders_[ahead_].next;
  } else if (orders_[ahead_].next != kNullHandle) {
    ahead_ = orders_[ahead_].next;
  }
  const Order& order = orders_[ahead_];
  index_.Prefetch(OrderIndex::HashOf(order.name()));
  Prefetch(order.next);  // whole: a new order will take its place
}

OrderHandle OrderTable::PrefetchOrder(uint32_t hash) const {
  const OrderHandle handle = index_.Find(hash, [](OrderHandle) { return true; });
  if (handle != kNullHandle) orders_.Prefetch(handle);
  return handle;
}

void OrderTable::PrefetchNeighbors(OrderHandle handle) const {
  if (handle == kNullHandle) return;
  const Order& order = orders_[handle];
  orders_.PrefetchStart(orders_.ValidOr(order.next, handle));
  orders_.PrefetchStart(orders_.ValidOr(order.previous, handle));
}

}  // namespace quorumbook::exchange
