// Counts of latencies in buckets whose width grows with the value, after HdrHistogram
// (hdrhistogram.org): any value is off by less than 1 in 128, in a fixed 36 KiB.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace quorumbook::bench {

class LatencyHistogram {
 public:
  // Nanoseconds, about 73 minutes. Larger values count as this one.
  static constexpr int64_t kMax = (int64_t{1} << 42) - 1;

  // Negative values count as 0.
  void Record(int64_t ns);
  void Merge(const LatencyHistogram& other);

  uint64_t count() const { return count_; }
  int64_t max() const { return max_; }  // exact; 0 when empty
  // The least value that at least this part (0 to 1) of all values does not exceed, rounded up to
  // its bucket's end but not beyond max(); 0 when empty.
  int64_t Quantile(double part) const;
  // Values whose buckets end at or below `ns`.
  uint64_t CountUpTo(int64_t ns) const;

 private:
  // A bucket is 2^shift wide; values below 2^(kPrecisionBits + 1) have buckets of their own.
  static constexpr int kPrecisionBits = 7;
  static constexpr int kMaxShift = 42 - kPrecisionBits - 1;
  static constexpr size_t kBuckets = (size_t{kMaxShift} + 2) << kPrecisionBits;

  static size_t BucketOf(int64_t ns);
  static int64_t EndOf(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace quorumbook::bench
