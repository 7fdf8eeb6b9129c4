#include "exchange/order_table.h"

#include <array>

#include "common/check.h"

namespace quorumbook::exchange {

OrderHandle OrderTable::Find(uint32_t hash, AccountId account, ClientOrderId id) const {
  return index_.Find(hash, [&](OrderHandle handle) {
    const Order& order = orders_[handle];
    return order.client_order_id == id && order.account == account;
  });
}

OrderHandle OrderTable::Find(AccountId account, ClientOrderId id) const {
  return Find(OrderIndex::HashOf(account, id), account, id);
}

OrderHandle OrderTable::Open(AccountId account, ClientOrderId id) {
  const uint32_t hash = OrderIndex::HashOf(account, id);
  OrderHandle handle = Find(hash, account, id);
  if (handle == kNullHandle) {
    handle = orders_.Allocate();
    index_.Insert(hash, handle);
  } else {
    if (orders_[handle].open()) return kNullHandle;
    Unlink(orders_[handle]);
  }
  Order& order = orders_[handle];
  order = Order();
  order.client_order_id = id;
  order.account = account;
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
  index_.Erase(OrderIndex::HashOf(order.account, order.client_order_id), handle);
  orders_.Free(handle);
  // They are long out of the cache when their turn comes: fetch the next one's slot, and the order
  // after it.
  const Order& next = orders_[oldest_];
  index_.Prefetch(OrderIndex::HashOf(next.account, next.client_order_id));
  if (next.next != kNullHandle) PrefetchOrder(next.next);
}

void OrderTable::Prefetch(std::span<const Name> names) const {
  std::array<uint32_t, kPrefetch> hashes;
  std::array<OrderHandle, kPrefetch> handles;
  QB_CHECK(names.size() <= kPrefetch);
  for (size_t i = 0; i < names.size(); ++i) {
    hashes[i] = OrderIndex::HashOf(names[i].account, names[i].id);
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
