// Recordings of any form: made markets of every depth are relived as exactly as AMZN is.
#include "tests/unit/client/replay/made_market.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/client/replay/exchange_market.h"
#include "tests/unit/client/replay/wrong_market.h"

namespace quorumbook::replay {
namespace {

constexpr uint64_t kSeeds = 4;
constexpr int kUnseen = 500;
constexpr int kRecorded = 4'000;

class MadeMarketTest : public ::testing::TestWithParam<size_t> {};

std::string Differences(const VerifierCounts& counts) {
  std::string text;
  for (const std::string& line : counts.first_differences) text += line + "\n";
  return text;
}

TEST_P(MadeMarketTest, IsRelived) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    MadeMarket made(seed, GetParam());
    made.Run(kUnseen, kRecorded);
    ExchangeMarket market;
    const ReplayResult result = made.recording().Replay(
        [&](const v1::Command& command) { return market.Execute(command); });
    const VerifierCounts& counts = result.lobster->verified;
    EXPECT_EQ(result.lobster->levels, GetParam());
    EXPECT_EQ(result.tally.rejected, 0u);
    EXPECT_EQ(counts.event_errors, 0u) << Differences(counts);
    EXPECT_GT(counts.book_checks, 500u);
    EXPECT_EQ(counts.book_checks, made.visible_messages());
    EXPECT_EQ(counts.book_inner_mismatches, 0u) << Differences(counts);
    EXPECT_GT(counts.ioc_groups, 100u);
    EXPECT_GE(static_cast<double>(counts.ioc_fills_identical),
              0.99 * static_cast<double>(counts.ioc_groups))
        << Differences(counts);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, MadeMarketTest, ::testing::Values(1, 2, 5, 10, 30));

TEST(MadeMarket, IsExactWhereAllOfTheBookIsInView) {
  MadeMarket made(/*seed=*/9, /*levels=*/200);
  made.Run(kUnseen, kRecorded);
  ExchangeMarket market;
  const ReplayResult result =
      made.recording().Replay([&](const v1::Command& command) { return market.Execute(command); });
  const VerifierCounts& counts = result.lobster->verified;
  EXPECT_GT(counts.book_checks, 3'000u);
  EXPECT_EQ(counts.book_exact, counts.book_checks) << Differences(counts);
  EXPECT_GT(counts.ioc_groups, 100u);
  EXPECT_EQ(counts.ioc_fills_identical, counts.ioc_groups) << Differences(counts);
  EXPECT_EQ(result.lobster->planned.window_removals, 0u);
}

TEST(MadeMarket, LastInFirstOutIsFoundOut) {
  MadeMarket made(/*seed=*/9, /*levels=*/200);
  made.Run(kUnseen, kRecorded);
  LastInFirstOutMarket market;
  const ReplayResult result =
      made.recording().Replay([&](const v1::Command& command) { return market.Execute(command); });
  const VerifierCounts& counts = result.lobster->verified;
  EXPECT_LT(static_cast<double>(counts.ioc_fills_identical),
            0.95 * static_cast<double>(counts.ioc_groups));
}

}  // namespace
}  // namespace quorumbook::replay
