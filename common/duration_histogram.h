// How long things took, counted into fixed buckets: what a metric of latencies is made of.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quorumbook {

// Upper bounds of the buckets, from 10 us to 10 s; one more bucket holds what took longer.
inline constexpr std::array<std::chrono::nanoseconds, 19> kDurationBounds = {
    std::chrono::microseconds(10),  std::chrono::microseconds(25),   std::chrono::microseconds(50),
    std::chrono::microseconds(100), std::chrono::microseconds(250),  std::chrono::microseconds(500),
    std::chrono::milliseconds(1),   std::chrono::microseconds(2500), std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),  std::chrono::milliseconds(25),   std::chrono::milliseconds(50),
    std::chrono::milliseconds(100), std::chrono::milliseconds(250),  std::chrono::milliseconds(500),
    std::chrono::seconds(1),        std::chrono::milliseconds(2500), std::chrono::seconds(5),
    std::chrono::seconds(10)};

// Plain integers, not thread-safe: it lives where its durations are measured, and is copied to be
// read elsewhere. To add takes some nanoseconds.
class DurationHistogram {
 public:
  void Add(std::chrono::nanoseconds duration) {
    size_t bucket = 0;
    while (bucket < kDurationBounds.size() && duration > kDurationBounds[bucket]) ++bucket;
    ++counts_[bucket];
    sum_ += duration;
  }

  // Of each bucket by itself; the last one is of what is above every bound.
  const std::array<uint64_t, kDurationBounds.size() + 1>& counts() const { return counts_; }
  std::chrono::nanoseconds sum() const { return sum_; }

 private:
  std::array<uint64_t, kDurationBounds.size() + 1> counts_{};
  std::chrono::nanoseconds sum_{};
};

}  // namespace quorumbook
