// The tree of prices against std::set: random words, all nodes split and joined many times.
#include "exchange/price_tree.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "random_flow.h"

namespace quorumbook::exchange {
namespace {

std::vector<uint64_t> Down(const PriceTree& tree) {
  std::vector<uint64_t> words;
  tree.ForEachDown([&](uint64_t word) {
    words.push_back(word);
    return true;
  });
  return words;
}

// Keys from `key_of`; grows to `most`, then shrinks to nothing, again and again.
void Compare(uint64_t seed, size_t most, int steps, uint64_t (*key_of)(Random*)) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Slab<PriceNode> nodes;
  PriceTree tree(&nodes);
  std::set<uint64_t> wanted;  // words
  bool grows = true;
  int turns = 0;
  for (int step = 0; step < steps; ++step) {
    if (wanted.size() >= most || wanted.empty()) {
      turns += wanted.size() >= most;
      grows = wanted.empty();
      ASSERT_EQ(Down(tree), std::vector<uint64_t>(wanted.rbegin(), wanted.rend()));
    }
    const uint64_t key = key_of(&random) << PriceTree::kHandleBits;
    const auto it = wanted.lower_bound(key);
    const bool has = it != wanted.end() && *it <= (key | PriceTree::kHandleMask);
    const bool adds = random.Below(5) != 0 ? grows : !grows;
    if (adds || has) {
      const uint64_t word = key | random.Below(PriceTree::kHandleMask + 1);
      ASSERT_EQ(tree.FindOrInsert(word), has ? *it : 0) << "step " << step;
      if (!has) wanted.insert(word);
    }
    if (!adds && !wanted.empty()) {
      const auto victim = it == wanted.end() ? std::prev(it) : it;
      tree.Erase(*victim);
      wanted.erase(victim);
    }
    ASSERT_EQ(tree.size(), wanted.size());
    if (wanted.empty()) continue;
    ASSERT_EQ(tree.last(), *wanted.rbegin()) << "step " << step;
  }
  EXPECT_GT(turns, 1);
}

constexpr uint64_t kKeys = (uint64_t{1} << 40) - 2;

TEST(PriceTree, KeysAnywhere) {
  Compare(1, 20'000, 400'000, [](Random* random) { return 1 + random->Below(kKeys); });
}
TEST(PriceTree, KeysClose) {
  Compare(2, 3'000, 300'000, [](Random* random) { return 1 + random->Below(4'000); });
}
TEST(PriceTree, KeysAtTheEnd) {
  // Rises, and what is taken off is mostly near the end.
  static uint64_t next = 0;
  next = 1'000;
  Compare(3, 10'000, 300'000, [](Random* random) { return ++next - random->Below(40); });
}

TEST(PriceTree, StopsWhenTold) {
  Slab<PriceNode> nodes;
  PriceTree tree(&nodes);
  for (uint64_t key = 1; key <= 1'000; ++key) tree.FindOrInsert(key << PriceTree::kHandleBits);
  uint64_t visited = 0;
  tree.ForEachDown([&](uint64_t) { return ++visited < 200; });
  EXPECT_EQ(visited, 200u);
}

}  // namespace
}  // namespace quorumbook::exchange
