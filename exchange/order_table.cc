#include "exchange/order_table.h"

#include "common/check.h"

namespace quorumbook::exchange {

OrderTable::OrderTable() : index_(0, Hash{&orders_}, Equal{&orders_}) {}

OrderHandle OrderTable::Find(AccountId account, ClientOrderId id) const {
  const auto it = index_.find(Name{account, id});
  return it == index_.end() ? kNullHandle : *it;
}

OrderHandle OrderTable::Open(AccountId account, ClientOrderId id) {
  bool fresh = false;
  const auto it = index_.lazy_emplace(Name{account, id}, [&](const auto& construct) {
    fresh = true;
    const OrderHandle handle = orders_.Allocate();
    orders_[handle].account = account;
    orders_[handle].client_order_id = id;
    construct(handle);
  });
  const OrderHandle handle = *it;
  Order& order = orders_[handle];
  if (!fresh) {
    if (order.open()) return kNullHandle;
    Unlink(order);
  }
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
  index_.erase(index_.find(Name{order.account, order.client_order_id}));
  orders_.Free(handle);
}

}  // namespace quorumbook::exchange
