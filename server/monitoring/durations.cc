#include "server/monitoring/durations.h"

#include <chrono>

#include "common/duration_histogram.h"

namespace quorumbook::server {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

double BoundSeconds(size_t bucket) {
  return std::chrono::duration<double>(kDurationBounds[bucket]).count();
}

}  // namespace

v1::Durations Since(const v1::Durations& later, const v1::Durations* earlier) {
  v1::Durations difference = later;
  if (earlier == nullptr || earlier->counts_size() != later.counts_size()) return difference;
  for (int i = 0; i < later.counts_size(); ++i) {
    difference.set_counts(i, later.counts(i) - earlier->counts(i));
  }
  difference.set_sum_ns(later.sum_ns() - earlier->sum_ns());
  return difference;
}

void AddTo(const v1::Durations& durations, v1::Durations* sum) {
  for (int i = 0; i < durations.counts_size(); ++i) {
    if (i == sum->counts_size()) sum->add_counts(0);
    sum->set_counts(i, sum->counts(i) + durations.counts(i));
  }
  sum->set_sum_ns(sum->sum_ns() + durations.sum_ns());
}

uint64_t Count(const v1::Durations& durations) {
  uint64_t count = 0;
  for (const uint64_t of_bucket : durations.counts()) count += of_bucket;
  return count;
}

std::optional<double> QuantileSeconds(const v1::Durations& durations, double q) {
  const uint64_t count = Count(durations);
  if (count == 0) return std::nullopt;
  const double rank = q * static_cast<double>(count);
  double below = 0;
  for (size_t i = 0; i < kDurationBounds.size(); ++i) {
    if (static_cast<int>(i) == durations.counts_size()) break;
    const auto here = static_cast<double>(durations.counts(static_cast<int>(i)));
    if (here > 0 && below + here >= rank) {
      const double from = i == 0 ? 0 : BoundSeconds(i - 1);
      return from + (BoundSeconds(i) - from) * (rank - below) / here;
    }
    below += here;
  }
  return BoundSeconds(kDurationBounds.size() - 1);
}

std::optional<double> MeanSeconds(const v1::Durations& durations) {
  const uint64_t count = Count(durations);
  if (count == 0) return std::nullopt;
  return static_cast<double>(durations.sum_ns()) / kNanosecondsPerSecond /
         static_cast<double>(count);
}

}  // namespace quorumbook::server
