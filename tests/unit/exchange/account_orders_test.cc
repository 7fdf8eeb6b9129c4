#include "exchange/account_orders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "random_flow.h"

namespace quorumbook::exchange {
namespace {

using Key = AccountOrders::Key;

// Orders of a few accounts, symbols and sides, against lists that are sorted by nature.
class AccountOrdersTest : public testing::Test {
 protected:
  void Add(Key key) {
    const uint64_t id = ++last_id_;
    const OrderHandle handle = table_.Open({key.account, key.symbol, ClientOrderId(id)});
    table_[handle].id = OrderId(id);
    table_[handle].side = key.side;
    orders_.Add(handle);
    EXPECT_NE(table_[handle].flags & kListedFlag, 0);
    wanted_[key][OrderId(id)] = handle;
  }
  void Remove(Key key, OrderId id) {
    std::map<OrderId, OrderHandle>& list = wanted_.at(key);
    const OrderHandle handle = list.at(id);
    orders_.Remove(handle);
    EXPECT_EQ(table_[handle].flags & kListedFlag, 0);
    table_[handle].status = OrderStatus::kCanceled;
    table_.Finish(handle);
    list.erase(id);
    if (list.empty()) wanted_.erase(key);
  }
  // Every list of an account from `from` on, and nothing else, both ways.
  void ExpectLists(Key from) const {
    auto it = wanted_.lower_bound(from);
    while (const AccountOrders::List* const list = orders_.ListFrom(from)) {
      ASSERT_TRUE(it != wanted_.end());
      ASSERT_EQ(list->key, it->first);
      OrderHandle older = kNullHandle;
      OrderHandle at = list->first;
      for (const auto& [id, handle] : it->second) {
        ASSERT_EQ(at, handle);
        ASSERT_EQ(table_[at].older, older);
        older = std::exchange(at, table_[at].newer);
      }
      ASSERT_EQ(at, kNullHandle);
      ASSERT_EQ(list->last, older);
      from = AccountOrders::After(list->key);
      ++it;
    }
    ASSERT_TRUE(it == wanted_.end() || it->first.account != from.account);
  }

  OrderTable table_;
  AccountOrders orders_{&table_};
  std::map<Key, std::map<OrderId, OrderHandle>> wanted_;
  uint64_t last_id_ = 0;
};

TEST_F(AccountOrdersTest, AsSortedLists) {
  constexpr uint64_t kSeed = 11;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Random random(kSeed);
  const auto any_key = [&] {
    // Far enough apart to share places in the table of recent lists.
    return Key{AccountId(1 + random.Below(3) * 512),
               SymbolId(static_cast<uint32_t>(1 + random.Below(5))),
               random.Below(2) == 0 ? Side::kBuy : Side::kSell};
  };
  size_t most = 0;
  for (int step = 0; step < 30'000; ++step) {
    // Longer and shorter by turns, so that lists come to their end and begin again.
    const bool grows = step / 3'000 % 2 == 0;
    if (wanted_.empty() || random.Below(10) < (grows ? 6u : 3u)) {
      Add(any_key());
    } else {
      const auto of =
          std::next(wanted_.begin(), static_cast<std::ptrdiff_t>(random.Below(wanted_.size())));
      const auto order = std::next(of->second.begin(),
                                   static_cast<std::ptrdiff_t>(random.Below(of->second.size())));
      Remove(of->first, order->first);
    }
    most = std::max(most, wanted_.size());
    Key from = any_key();
    if (random.Below(4) == 0) from.side = Side{};
    ASSERT_NO_FATAL_FAILURE(ExpectLists(from)) << "step " << step;
  }
  EXPECT_EQ(most, 30u);
}

TEST_F(AccountOrdersTest, NoneIsNone) {
  EXPECT_EQ(orders_.ListFrom({AccountId(1), SymbolId(), Side{}}), nullptr);
  Add({AccountId(2), SymbolId(1), Side::kSell});
  EXPECT_EQ(orders_.ListFrom({AccountId(1), SymbolId(), Side{}}), nullptr);
  EXPECT_EQ(orders_.ListFrom({AccountId(2), SymbolId(2), Side{}}), nullptr);
  EXPECT_NE(orders_.ListFrom({AccountId(2), SymbolId(1), Side::kSell}), nullptr);
  Remove({AccountId(2), SymbolId(1), Side::kSell}, OrderId(1));
  EXPECT_EQ(orders_.ListFrom({AccountId(2), SymbolId(), Side{}}), nullptr);
}

}  // namespace
}  // namespace quorumbook::exchange
