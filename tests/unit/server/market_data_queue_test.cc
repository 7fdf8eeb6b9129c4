// What waits for a slow subscriber.
#include "server/market_data_queue.h"

#include <gtest/gtest.h>

namespace quorumbook::server {
namespace {

SharedUpdate Update(const std::string& text) { return std::make_shared<const std::string>(text); }

TEST(MarketDataQueue, KeepsTheOrder) {
  MarketDataQueue queue(true);
  EXPECT_TRUE(queue.empty());
  queue.Push(Update("a"), true);
  queue.Push(Update("b"), false);
  EXPECT_EQ(*queue.Pop(), "a");
  EXPECT_EQ(*queue.Pop(), "b");
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.wants_snapshot());
}

TEST(MarketDataQueue, ConflatesAtTheBoundUntilASnapshotComes) {
  MarketDataQueue queue(true);
  EXPECT_EQ(queue.behind(), 0u);
  for (size_t i = 0; i < kMaxPendingUpdates; ++i) EXPECT_TRUE(queue.Push(Update("x"), false));
  EXPECT_FALSE(queue.wants_snapshot());
  EXPECT_EQ(queue.TakeDropped(), 0u);
  EXPECT_EQ(queue.behind(), kMaxPendingUpdates);
  EXPECT_TRUE(queue.Push(Update("one too many"), false));
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.wants_snapshot());
  EXPECT_EQ(queue.behind(), kMaxPendingUpdates) << "nothing waits any more, and it is far behind";
  EXPECT_TRUE(queue.Push(Update("lost"), false));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.TakeDropped(), kMaxPendingUpdates + 2);
  EXPECT_EQ(queue.TakeDropped(), 0u) << "said once";
  EXPECT_TRUE(queue.Push(Update("whole"), true));
  EXPECT_TRUE(queue.Push(Update("next"), false));
  EXPECT_FALSE(queue.wants_snapshot());
  EXPECT_EQ(queue.behind(), 2u);
  EXPECT_EQ(*queue.Pop(), "whole");
  EXPECT_EQ(*queue.Pop(), "next");
}

// Who is slow again before the snapshot was taken needs another one: it is dropped with the rest.
TEST(MarketDataQueue, AsksForEachSnapshotOnce) {
  MarketDataQueue queue(true);
  EXPECT_FALSE(queue.BeginRefresh());
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i <= kMaxPendingUpdates; ++i) queue.Push(Update("x"), false);
    EXPECT_FALSE(queue.refreshing());
    EXPECT_TRUE(queue.BeginRefresh()) << round;
    EXPECT_FALSE(queue.BeginRefresh()) << "it is under way";
    EXPECT_TRUE(queue.refreshing());
    queue.Push(Update("whole"), true);
    EXPECT_FALSE(queue.refreshing());
  }
}

TEST(MarketDataQueue, ASnapshotTakesThePlaceOfWhatWaits) {
  MarketDataQueue queue(true);
  queue.Push(Update("a"), false);
  queue.Push(Update("whole"), true);
  EXPECT_EQ(queue.TakeDropped(), 1u);
  EXPECT_EQ(*queue.Pop(), "whole");
  EXPECT_TRUE(queue.empty());
}

TEST(MarketDataQueue, CutsAtTheBoundWhatMayNotBeConflated) {
  MarketDataQueue queue(false);
  const SharedUpdate half = Update(std::string(kMaxPendingBytes / 2, 'x'));
  EXPECT_TRUE(queue.Push(half, false));
  EXPECT_TRUE(queue.Push(half, false));
  EXPECT_FALSE(queue.Push(Update("x"), false));
  EXPECT_EQ(queue.TakeDropped(), 1u);
  queue.Pop();  // what is taken makes room
  EXPECT_TRUE(queue.Push(half, false));
  // Many small ones are no matter, nor is a large one of which nothing was left waiting.
  queue.Clear();
  EXPECT_TRUE(queue.Push(Update(std::string(2 * kMaxPendingBytes, 'x')), false));
  EXPECT_FALSE(queue.Push(Update("x"), false));
  queue.Clear();
  for (size_t i = 0; i < 10 * kMaxPendingUpdates; ++i) EXPECT_TRUE(queue.Push(Update("x"), false));
}

}  // namespace
}  // namespace quorumbook::server
