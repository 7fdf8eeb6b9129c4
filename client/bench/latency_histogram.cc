#include "client/bench/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace quorumbook::bench {

size_t LatencyHistogram::BucketOf(int64_t ns) {
  const auto value = static_cast<uint64_t>(ns);
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - kPrecisionBits - 1);
  return (static_cast<size_t>(shift) << kPrecisionBits) + (value >> shift);
}

int64_t LatencyHistogram::EndOf(size_t bucket) {
  const size_t row = bucket >> kPrecisionBits;
  const size_t shift = row > 0 ? row - 1 : 0;
  const size_t leading = bucket - (shift << kPrecisionBits);
  return static_cast<int64_t>(((leading + 1) << shift) - 1);
}

void LatencyHistogram::Record(int64_t ns) {
  const int64_t value = std::clamp<int64_t>(ns, 0, kMax);
  ++counts_[BucketOf(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

int64_t LatencyHistogram::Quantile(double part) const {
  const auto rank =
      static_cast<uint64_t>(std::ceil(std::clamp(part, 0.0, 1.0) * static_cast<double>(count_)));
  uint64_t passed = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    passed += counts_[i];
    if (passed >= std::max<uint64_t>(rank, 1)) return std::min(EndOf(i), max_);
  }
  return max_;
}

uint64_t LatencyHistogram::CountUpTo(int64_t ns) const {
  uint64_t count = 0;
  for (size_t i = 0; i < kBuckets && EndOf(i) <= ns; ++i) count += counts_[i];
  return count;
}

}  // namespace quorumbook::bench
