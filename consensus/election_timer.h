// Randomized election timeouts (3.4), the same on every compiler for the same seed.
#pragma once

#include <cstdint>

#include "consensus/types.h"

namespace quorumbook::consensus {

class ElectionTimer {
 public:
  // REQUIRES: min < max.
  ElectionTimer(Duration min, Duration max, uint64_t seed) : min_(min), max_(max), state_(seed) {}

  void Restart(Instant now) {
    const auto width = static_cast<uint64_t>((max_ - min_).count());
    // The bias of the remainder is below 2^-30 for every width under 10 seconds.
    deadline_ = now + min_ + Duration(static_cast<int64_t>(Random() % width));
  }
  Instant deadline() const { return deadline_; }

 private:
  // SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
  uint64_t Random() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  Duration min_;
  Duration max_;
  uint64_t state_;
  Instant deadline_{};
};

}  // namespace quorumbook::consensus
