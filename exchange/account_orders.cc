#include "exchange/account_orders.h"

#include "common/check.h"

namespace quorumbook::exchange {

void AccountOrders::Add(OrderHandle handle) {
  Order& order = orders_[handle];
  List& list = ListOf(KeyOf(order));
  order.flags |= kListedFlag;
  order.older = list.last;
  order.newer = kNullHandle;
  (list.last == kNullHandle ? list.first : orders_[list.last].newer) = handle;
  list.last = handle;
}

void AccountOrders::Remove(OrderHandle handle) {
  Order& order = orders_[handle];
  order.flags &= static_cast<uint8_t>(~kListedFlag);
  const OrderHandle older = order.older;
  const OrderHandle newer = order.newer;
  if (older != kNullHandle) orders_[older].newer = newer;
  if (newer != kNullHandle) orders_[newer].older = older;
  if (older != kNullHandle && newer != kNullHandle) return;
  const Key key = KeyOf(order);
  List& list = ListOf(key);
  if (older == kNullHandle) list.first = newer;
  if (newer == kNullHandle) list.last = older;
  if (older == newer) Drop(key);
}

const AccountOrders::List* AccountOrders::ListFrom(const Key& from) const {
  const auto it = by_key_.lower_bound(from);
  return it == by_key_.end() || it->first.account != from.account ? nullptr : &lists_[it->second];
}

uint32_t AccountOrders::FindOrAdd(const Key& key) {
  const auto [it, added] = by_key_.try_emplace(key, kNullHandle);
  if (added) {
    it->second = lists_.Allocate();
    lists_[it->second] = {.key = key};
  }
  return it->second;
}

void AccountOrders::Drop(const Key& key) {
  const auto it = by_key_.find(key);
  QB_CHECK(it != by_key_.end());
  lists_[it->second].key = Key();
  lists_.Free(it->second);
  by_key_.erase(it);
}

}  // namespace quorumbook::exchange
