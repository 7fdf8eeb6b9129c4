#include "exchange/account_orders.h"

#include "common/check.h"

namespace quorumbook::exchange {

const AccountOrders::List* AccountOrders::ListFrom(const Key& from) const {
  const auto it = by_key_.lower_bound(from);
  return it == by_key_.end() || it->first.account != from.account ? nullptr : &lists_[it->second];
}

void AccountOrders::MoveEnds(const Order& order) {
  const Key key = KeyOf(order);
  List& list = ListOf(key);
  if (order.older == kNullHandle) list.first = order.newer;
  if (order.newer == kNullHandle) list.last = order.older;
  if (order.older == order.newer) Drop(key);
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
