#include "exchange/order_table.h"

namespace quorumbook::exchange {

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
  Order& order = orders_[handle];
  index_.Erase(OrderIndex::HashOf(order.name()), handle);
  order.client_order_id = ClientOrderId();  // or a guess would take it for what it was
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

}  // namespace quorumbook::exchange
