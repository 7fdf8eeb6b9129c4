#include "exchange/order_table.h"

#include <array>

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
    Unlink(orders_[handle]);
  }
  Order& order = orders_[handle];
  order = Order();
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

void OrderTable::Unlink(const Order& order) {
  (order.previous == kNullHandle ? oldest_ : orders_[order.previous].next) = order.next;
  (order.next == kNullHandle ? newest_ : orders_[order.next].previous) = order.previous;
  --finished_;
}

void OrderTable::ForgetOldest() {
  const OrderHandle handle = oldest_;
  const Order& order = orders_[handle];
  Unlink(order);
  index_.Erase(OrderIndex::HashOf(order.name()), handle);
  orders_.Free(handle);
  // They are long out of the cache when their turn comes: fetch the next one's slot, and the order
  // after it.
  const Order& next = orders_[oldest_];
  index_.Prefetch(OrderIndex::HashOf(next.name()));
  if (next.next != kNullHandle) PrefetchOrder(next.next);
}

void OrderTable::Prefetch(std::span<const OrderName> names) const {
  std::array<uint32_t, kPrefetch> hashes;
  std::array<OrderHandle, kPrefetch> handles;
  QB_CHECK(names.size() <= kPrefetch);
  for (size_t i = 0; i < names.size(); ++i) {
    hashes[i] = OrderIndex::HashOf(names[i]);
    index_.Prefetch(hashes[i]);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    handles[i] = index_.Find(hashes[i], [](OrderHandle) { return true; });
    if (handles[i] != kNullHandle) PrefetchOrder(handles[i]);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (handles[i] == kNullHandle) continue;
    const Order& order = orders_[handles[i]];
    if (order.next != kNullHandle) PrefetchOrder(order.next);
    if (order.previous != kNullHandle) PrefetchOrder(order.previous);
  }
}

void OrderTable::PrefetchOrder(OrderHandle handle) const {
  const char* order = reinterpret_cast<const char*>(&orders_[handle]);
  __builtin_prefetch(order);
  __builtin_prefetch(order + sizeof(Order) - 1);
}

}  // namespace quorumbook::exchange
