// Where the open orders of an account are: a list for each symbol and side it has orders in, so
// that finding what a mass cancel, a lost session or the kill switch cancels takes time
// proportional to that, whatever else is in the books.
//
// The links are in the orders. What one more order costs: its list is found in a table that
// remembers recent ones, as price levels are; its neighbours are written to and never read, so that
// nobody waits for them when they are out of the cache.
#pragma once

#include <absl/container/btree_map.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exchange/order_table.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

class AccountOrders {
 public:
  // Lists are in this order.
  struct Key {
    AccountId account;
    SymbolId symbol;
    Side side{};

    auto operator<=>(const Key&) const = default;
  };
  struct List {
    Key key;  // blank while the list is free
    OrderHandle first = kNullHandle;
    OrderHandle last = kNullHandle;
  };

  // REQUIRES: `orders` outlives it.
  explicit AccountOrders(OrderTable* orders) : orders_(*orders) {}
  AccountOrders(const AccountOrders&) = delete;
  AccountOrders& operator=(const AccountOrders&) = delete;

  // Puts an order at the end of its list and sets kListedFlag. REQUIRES: it is open and in no list,
  // and the ids of those in its list are smaller.
  void Add(OrderHandle handle) {
    Order& order = orders_[handle];
    List& list = ListOf(KeyOf(order));
    order.flags |= kListedFlag;
    order.older = list.last;
    order.newer = kNullHandle;
    (list.last == kNullHandle ? list.first : orders_[list.last].newer) = handle;
    list.last = handle;
  }
  // Takes it out. REQUIRES: it is in its list.
  void Remove(OrderHandle handle) {
    Order& order = orders_[handle];
    order.flags &= static_cast<uint8_t>(~kListedFlag);
    const OrderHandle older = order.older;
    const OrderHandle newer = order.newer;
    if (older != kNullHandle) orders_[older].newer = newer;
    if (newer != kNullHandle) orders_[newer].older = older;
    if (older == kNullHandle || newer == kNullHandle) [[unlikely]] {
      MoveEnds(order);
    }
  }

  // The least key after `key`, of the same account.
  static Key After(const Key& key) {
    if (key.side == Side::kBuy) return {key.account, key.symbol, Side::kSell};
    return {key.account, SymbolId(key.symbol.value() + 1), Side{}};
  }
  // The first list of `from.account` that is not before `from`; nullptr when there is none. Valid
  // until the next change. Its orders are linked by Order::newer, by id; no list is empty.
  const List* ListFrom(const Key& from) const;

 private:
  static constexpr uint32_t kRecent = 1u << 10;

  static Key KeyOf(const Order& order) { return {order.account, order.symbol, order.side}; }
  static size_t SlotOf(const Key& key) {
    const uint64_t mixed = (key.account.value() + key.symbol.value() * 0x9e3779b1u) * 2 +
                           static_cast<uint64_t>(key.side);
    return mixed % kRecent;
  }
  // The list with that key, added when there is none.
  List& ListOf(const Key& key) {
    uint32_t& recent = recent_[SlotOf(key)];
    if (recent == kNullHandle || lists_[recent].key != key) [[unlikely]] {
      recent = FindOrAdd(key);
    }
    return lists_[recent];
  }
  uint32_t FindOrAdd(const Key& key);
  // Brings the ends of its list to where an order is not that was the first or last.
  void MoveEnds(const Order& order);
  void Drop(const Key& key);

  OrderTable& orders_;
  Slab<List, 10> lists_;
  absl::btree_map<Key, uint32_t> by_key_;
  // List last used in each slot. It may have been freed since, and even be another's by now: its
  // key tells.
  std::vector<uint32_t> recent_ = std::vector<uint32_t>(kRecent, kNullHandle);
};

}  // namespace quorumbook::exchange
