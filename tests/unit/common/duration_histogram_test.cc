// Into which bucket a duration falls.
#include "common/duration_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>

namespace quorumbook {
namespace {

using std::chrono::nanoseconds;

TEST(DurationHistogram, BoundsRise) {
  EXPECT_TRUE(std::ranges::is_sorted(kDurationBounds, std::less_equal<>()));
}

// A bound belongs to its own bucket, as Prometheus' `le` wants it.
TEST(DurationHistogram, ABucketEndsWithItsBound) {
  for (size_t i = 0; i < kDurationBounds.size(); ++i) {
    DurationHistogram histogram;
    histogram.Add(kDurationBounds[i]);
    histogram.Add(kDurationBounds[i] + nanoseconds(1));
    EXPECT_EQ(histogram.counts()[i], 1u) << i;
    EXPECT_EQ(histogram.counts()[i + 1], 1u) << i;
    EXPECT_EQ(histogram.sum(), 2 * kDurationBounds[i] + nanoseconds(1));
  }
}

TEST(DurationHistogram, NothingIsTooShortOrTooLong) {
  DurationHistogram histogram;
  histogram.Add(nanoseconds(0));
  histogram.Add(nanoseconds(-1));  // a clock that went back
  histogram.Add(std::chrono::hours(1));
  EXPECT_EQ(histogram.counts().front(), 2u);
  EXPECT_EQ(histogram.counts().back(), 1u);
  EXPECT_EQ(std::accumulate(histogram.counts().begin(), histogram.counts().end(), uint64_t{0}), 3u);
}

}  // namespace
}  // namespace quorumbook
