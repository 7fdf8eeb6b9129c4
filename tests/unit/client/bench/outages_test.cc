#include "client/bench/outages.h"

#include <gtest/gtest.h>

namespace quorumbook::bench {
namespace {

TEST(Outages, JoinsWhatOverlaps) {
  const std::vector<Outage> joined =
      JoinOutages({{100, 200}, {10, 20}, {150, 180}, {190, 250}, {250, 260}, {300, 310}});
  ASSERT_EQ(joined.size(), 3u);
  EXPECT_EQ(joined[0].from_ns, 10);
  EXPECT_EQ(joined[1].from_ns, 100);
  EXPECT_EQ(joined[1].to_ns, 260);
  EXPECT_EQ(joined[2].length_ns(), 10);
  EXPECT_TRUE(JoinOutages({}).empty());
}

}  // namespace
}  // namespace quorumbook::bench
