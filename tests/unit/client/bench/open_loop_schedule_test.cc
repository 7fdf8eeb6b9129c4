#include "client/bench/open_loop_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace quorumbook::bench {
namespace {

TEST(OpenLoopSchedule, ConnectionsTakeTurns) {
  OpenLoopSchedule first(/*rate=*/1'000, 0, 2, /*start_ns=*/500);
  OpenLoopSchedule second(1'000, 1, 2, 500);
  EXPECT_EQ(first.due_ns(), 500);
  EXPECT_EQ(second.due_ns(), 1'000'500);
  first.Take();
  second.Take();
  EXPECT_EQ(first.due_ns(), 2'000'500);
  EXPECT_EQ(second.due_ns(), 3'000'500);
}

// 7 does not divide a second, so a sum of rounded distances would drift.
TEST(OpenLoopSchedule, KeepsItsRateForAnyTime) {
  constexpr uint64_t kRate = 7;
  OpenLoopSchedule schedule(kRate, 0, 1, 0);
  for (uint64_t i = 0; i < kRate * 100'000; ++i) schedule.Take();
  EXPECT_EQ(schedule.due_ns(), int64_t{100'000} * 1'000'000'000);
}

TEST(OpenLoopSchedule, AllConnectionsTogetherHaveTheRate) {
  std::vector<int64_t> due;
  for (uint32_t connection = 0; connection < 3; ++connection) {
    OpenLoopSchedule schedule(30'000, connection, 3, 0);
    for (; schedule.due_ns() < 1'000'000'000; schedule.Take()) due.push_back(schedule.due_ns());
  }
  std::sort(due.begin(), due.end());
  ASSERT_EQ(due.size(), 30'000u);
  for (size_t i = 1; i < due.size(); ++i) {
    ASSERT_GE(due[i] - due[i - 1], 33'333);
    ASSERT_LE(due[i] - due[i - 1], 33'334);
  }
}

}  // namespace
}  // namespace quorumbook::bench
