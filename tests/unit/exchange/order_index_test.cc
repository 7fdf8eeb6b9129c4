#include "exchange/order_index.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "exchange/order_table.h"
#include "random_flow.h"

namespace quorumbook::exchange {
namespace {

constexpr AccountId kAccount(3);

// Against std::map, with ids in runs, far apart, and of one hash.
void Compare(uint64_t seed, uint64_t (*id_of)(Random*)) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  OrderIndex index;
  std::map<uint64_t, uint32_t> wanted;  // id to handle
  std::vector<uint64_t> id_of_handle;
  for (int step = 0; step < 60'000; ++step) {
    const uint64_t id = id_of(&random);
    const uint32_t hash = OrderIndex::HashOf({kAccount, SymbolId(1), ClientOrderId(id)});
    const uint32_t found =
        index.Find(hash, [&](uint32_t handle) { return id_of_handle[handle] == id; });
    const auto it = wanted.find(id);
    ASSERT_EQ(found, it == wanted.end() ? kNullHandle : it->second) << "step " << step;
    if (it != wanted.end()) {
      index.Erase(hash, found);
      wanted.erase(it);
    } else {
      wanted[id] = static_cast<uint32_t>(id_of_handle.size());
      index.Insert(hash, wanted[id]);
      id_of_handle.push_back(id);
    }
    ASSERT_EQ(index.size(), wanted.size());
  }
  ASSERT_GT(wanted.size(), 100u);
}

TEST(OrderIndex, IdsInRuns) {
  Compare(1, [](Random* random) { return random->Below(1'000); });
  Compare(2, [](Random* random) { return random->Below(20'000); });
}

TEST(OrderIndex, IdsFarApart) {
  Compare(3, [](Random* random) { return random->Below(3'000) << 40; });
  Compare(4, [](Random* random) { return random->Below(3'000) << 3; });
}

// Buckets fill evenly: what is told ahead of a search, which looks at one bucket, is mostly right.
TEST(OrderIndex, GuessesAreRight) {
  for (const uint64_t accounts : {1, 1'000}) {
    for (const uint64_t step : {1, 8, 1'000, 4'096}) {
      SCOPED_TRACE(std::to_string(accounts) + " accounts, ids in steps of " + std::to_string(step));
      OrderIndex index;
      const auto hash_of = [&](uint64_t i) {
        return OrderIndex::HashOf(
            {AccountId(1 + i % accounts), SymbolId(1), ClientOrderId(i / accounts * step)});
      };
      constexpr uint32_t kNames = 200'000;  // three a bucket
      for (uint32_t i = 0; i < kNames; ++i) index.Insert(hash_of(i), i);
      uint32_t right = 0;
      for (uint32_t i = 0; i < kNames; ++i) right += index.Guess(hash_of(i)) == i;
      EXPECT_GT(right, kNames / 100 * (accounts == 1 && step == 1 ? 99 : 85));
    }
  }
}

// Old tables of several huge pages are given back piece by piece, while all is found.
TEST(OrderIndex, LargeTables) {
  OrderIndex index;
  const auto hash_of = [](uint32_t id) { return OrderIndex::HashOf(id); };
  constexpr uint32_t kNames = 1'300'000;
  for (uint32_t id = 0; id < kNames; ++id) {
    index.Insert(hash_of(id), id);
    const uint32_t other = id / 2;
    ASSERT_EQ(index.Find(hash_of(other), [&](uint32_t handle) { return handle == other; }), other);
  }
  for (uint32_t id = 0; id < kNames; ++id) index.Erase(hash_of(id), id);
  EXPECT_EQ(index.size(), 0u);
}

// However many there are, none of them moves more than a few buckets, and all are found meanwhile.
TEST(OrderIndex, GrowsInSteps) {
  OrderIndex index;
  const auto hash_of = [](uint64_t id) {
    return OrderIndex::HashOf({kAccount, SymbolId(1), ClientOrderId(id * 5)});
  };
  const auto has = [&](uint64_t id) {
    const auto handle = static_cast<uint32_t>(id);
    return index.Find(hash_of(id), [&](uint32_t other) { return other == handle; }) == handle;
  };
  Random random(7);
  size_t before = 0;
  int growths = 0;
  for (uint64_t id = 0; id < 40'000; ++id) {
    index.Insert(hash_of(id), static_cast<uint32_t>(id));
    const size_t waiting = index.waiting();
    if (waiting > before) {
      ASSERT_EQ(before, 0u) << "the last growth has come to its end";
      // It had four entries a bucket.
      ASSERT_EQ(waiting, id / 4 - OrderIndex::kMovedAtOnce);
      ++growths;
    } else {
      ASSERT_LE(before - waiting, OrderIndex::kMovedAtOnce);
    }
    before = waiting;
    ASSERT_TRUE(has(id));
    ASSERT_TRUE(has(random.Below(id + 1)));
    if (waiting > 0 && id % 64 == 0) {
      for (uint64_t each = 0; each <= id; ++each) ASSERT_TRUE(has(each)) << each << " of " << id;
    }
  }
  EXPECT_GT(growths, 4);
  for (uint64_t id = 0; id < 40'000; ++id) index.Erase(hash_of(id), static_cast<uint32_t>(id));
  EXPECT_EQ(index.size(), 0u);
}

// Who fills one bucket after the other, and takes away all but what ran over, leaves traces
// everywhere: without more room nothing would end a search for what is not there.
TEST(OrderIndex, CrowdedBucketsAreGivenRoom) {
  constexpr uint32_t kTogether = 8;
  OrderIndex index;
  const auto buckets = static_cast<uint32_t>(index.buckets());
  const auto hash_of = [&](uint32_t bucket, uint32_t i) { return (i * buckets + bucket) << 1; };
  const auto handle_of = [&](uint32_t bucket, uint32_t i) { return bucket * kTogether + i; };
  for (uint32_t bucket = 0; bucket < buckets; ++bucket) {
    for (uint32_t i = 0; i < kTogether; ++i) {
      index.Insert(hash_of(bucket, i), handle_of(bucket, i));
    }
    for (uint32_t i = 0; i + 1 < kTogether; ++i) {
      index.Erase(hash_of(bucket, i), handle_of(bucket, i));
    }
  }
  EXPECT_EQ(index.size(), buckets) << "which alone is no reason to grow";
  EXPECT_EQ(index.buckets(), buckets);
  const auto is_none = [](uint32_t) { return false; };
  EXPECT_EQ(index.Find(hash_of(0, 0), is_none), kNullHandle) << "it ends";
  EXPECT_TRUE(index.FindOrInsert(hash_of(0, 0), is_none, [] { return 1'000'000u; }).second);
  EXPECT_EQ(index.buckets(), 2 * buckets);
  for (uint32_t bucket = 0; bucket < buckets; ++bucket) {
    const auto find = [&](uint32_t i) {
      return index.Find(hash_of(bucket, i),
                        [&](uint32_t handle) { return handle == handle_of(bucket, i); });
    };
    EXPECT_EQ(find(kTogether - 1), handle_of(bucket, kTogether - 1));
    EXPECT_EQ(find(0), kNullHandle);
  }
}

TEST(OrderIndex, AccountsDoNotShareHashes) {
  const auto hash = [](uint64_t account, uint64_t id) {
    return OrderIndex::HashOf({AccountId(account), SymbolId(1), ClientOrderId(id)});
  };
  uint32_t equal = 0;
  for (uint64_t account = 1; account <= 1'000; ++account) {
    equal += hash(account, 1) == hash(account + 1, 1);
    EXPECT_EQ(hash(account, 8) + 3, hash(account, 11)) << "near each other";
  }
  EXPECT_LT(equal, 3u);
}

// Names of one hash are told apart by what they are.
TEST(OrderTable, NamesOfOneHash) {
  const auto name = [](AccountId account) {
    return OrderName{account, SymbolId(1), ClientOrderId(1)};
  };
  std::map<uint32_t, AccountId> by_hash;
  uint32_t pairs = 0;
  for (uint64_t i = 1; pairs < 3; ++i) {
    ASSERT_LT(i, 1'000'000u) << "no two accounts share a hash";
    const AccountId account(i);
    const auto [it, fresh] = by_hash.emplace(OrderIndex::HashOf(name(account)), account);
    if (fresh) continue;
    ++pairs;
    OrderTable orders;
    const OrderHandle one = orders.Open(name(account));
    EXPECT_EQ(orders.Find(name(it->second)), kNullHandle);
    const OrderHandle other = orders.Open(name(it->second));
    ASSERT_NE(other, kNullHandle);
    EXPECT_EQ(orders.Find(name(account)), one);
    EXPECT_EQ(orders.Find(name(it->second)), other);
  }
}

}  // namespace
}  // namespace quorumbook::exchange
