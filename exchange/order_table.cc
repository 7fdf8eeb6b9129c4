#include "exchange/order_table.h"

namespace quorumbook::exchange {

void OrderTable::Unlink(OrderHandle handle) {
  const Order& order = orders_[handle];
  (order.previous == kNullHandle ? oldest_ : orders_[order.previous].next) = order.next;
  (order.next == kNullHandle ? newest_ : orders_[order.next].previous) = order.previous;
  --finished_;
}

void OrderTable::ForgetOldest() {
  const OrderHandle handle = oldest_;
  PrefetchForgotten();
  Unlink(handle);
  Order& order = orders_[handle];
  index_.Erase(OrderIndex::HashOf(order.name()), handle);
  order.client_order_id = ClientOrderId();  // or a guess would take it for what it was
  orders_.Free(handle);
}

// They are long out of the cache when their turn comes; a new order will take the place.
void OrderTable::PrefetchForgotten() const {
  constexpr uint64_t kAhead = 16;
  const Finished& soon = lately_[(next_ + kAhead) % kMaxFinishedOrders];
  index_.Prefetch(soon.hash);
  orders_.Prefetch(soon.handle);
}

}  // namespace quorumbook::exchange
