#include "client/bench/expectation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quorumbook::bench {
namespace {

using testing::HasSubstr;

bool Holds(const std::string& text, const Metrics& metrics) {
  auto expectation = Expectation::Parse(text);
  EXPECT_TRUE(expectation.ok()) << expectation.status();
  return expectation.ok() && expectation->IsMet(metrics);
}

TEST(Expectation, DurationsHaveUnits) {
  const Metrics metrics = {{"p99", 2'000}, {"p99_9", 4'000'000}};
  EXPECT_TRUE(Holds("p99<=2000us", metrics));
  EXPECT_TRUE(Holds("p99 <= 2ms", metrics));
  EXPECT_FALSE(Holds("p99<1.999 ms", metrics));
  EXPECT_FALSE(Holds("p99<2ms", metrics));
  EXPECT_TRUE(Holds("p99_9>=4s", metrics));
  EXPECT_TRUE(Holds("p99.9>=4s", metrics));
  EXPECT_FALSE(Holds("p99_9>4s", metrics));
}

TEST(Expectation, NumbersHaveNone) {
  const Metrics metrics = {{"orders_per_second", 300'000}, {"errors", 0}};
  EXPECT_TRUE(Holds("orders_per_second>=300000", metrics));
  EXPECT_TRUE(Holds("orders_per_second>=3e5", metrics));
  EXPECT_FALSE(Holds("orders_per_second>300000", metrics));
  EXPECT_TRUE(Holds("errors<1", metrics));
}

TEST(Expectation, WhatWasNotMeasuredIsNotMet) {
  EXPECT_FALSE(Holds("cpu_us_per_order<=6", {}));
  EXPECT_FALSE(Holds("p99>=0us", {}));
}

TEST(Expectation, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"p99", "has none of <= >= < >"},
      {"p99<=2000", "not a time such as"},
      {"p99<=us", "not a time such as"},
      {"p99<=2000m", "not a time such as"},
      {"p98<=1ms", "'p98' is not known; there are p50, p90"},
      {"errors<=1us", "not a number"},
      {"orders>=", "not a number"},
      {"orders>=nan", "not a number"},
      {"orders>=-1", "not a number"},
      {"p99<==1ms", "not a time"},
      {"<=1ms", "'' is not known"},
      {"", "has none of"}};
  for (const auto& [text, message] : cases) {
    const absl::Status status = Expectation::Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace quorumbook::bench
