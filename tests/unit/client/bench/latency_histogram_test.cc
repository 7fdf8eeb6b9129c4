#include "client/bench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace quorumbook::bench {
namespace {

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  EXPECT_EQ(histogram.CountUpTo(LatencyHistogram::kMax), 0u);
}

// Every quantile of a sorted sample, against the sample itself.
TEST(LatencyHistogram, QuantilesAreWithinOneIn128) {
  constexpr uint64_t kSeed = 7;
  std::mt19937_64 random(kSeed);
  LatencyHistogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const int bits = static_cast<int>(random() % 42);
    values.push_back(static_cast<int64_t>(random() & ((uint64_t{1} << bits) - 1)));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double part : {0.0001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(part * static_cast<double>(values.size())));
    const int64_t exact = values[rank - 1];
    const int64_t got = histogram.Quantile(part);
    EXPECT_GE(got, exact) << "part " << part << ", seed " << kSeed;
    EXPECT_LE(got, exact + exact / 128) << "part " << part << ", seed " << kSeed;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.Quantile(1), values.back());
}

TEST(LatencyHistogram, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (int64_t value = 0; value < 256; ++value) histogram.Record(value);
  for (int64_t value = 0; value < 256; ++value) {
    EXPECT_EQ(histogram.CountUpTo(value), static_cast<uint64_t>(value + 1));
  }
}

TEST(LatencyHistogram, ClampsWhatIsOutOfBounds) {
  LatencyHistogram histogram;
  histogram.Record(-5);
  EXPECT_EQ(histogram.Quantile(1), 0);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.max(), LatencyHistogram::kMax);
  EXPECT_EQ(histogram.CountUpTo(LatencyHistogram::kMax), 2u);
}

TEST(LatencyHistogram, MergesAsIfRecordedTogether) {
  LatencyHistogram together;
  LatencyHistogram even;
  LatencyHistogram odd;
  for (int64_t value = 1; value < 1'000'000; value += 37) {
    together.Record(value);
    (value % 2 == 0 ? even : odd).Record(value);
  }
  even.Merge(odd);
  EXPECT_EQ(even.count(), together.count());
  EXPECT_EQ(even.max(), together.max());
  for (double part = 0; part <= 1; part += 0.01) {
    EXPECT_EQ(even.Quantile(part), together.Quantile(part));
  }
}

}  // namespace
}  // namespace quorumbook::bench
