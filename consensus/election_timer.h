// Randomized election timeouts (3.4), the same on every compiler for the same seed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "consensus/types.h"

namespace quorumbook::consensus {

class ElectionTimer {
 public:
  // REQUIRES: min < max.
  ElectionTimer(Duration min, Duration max, uint64_t seed) : min_(min), max_(max), state_(seed) {}

  void Restart(Instant now) { deadline_ = now + min_ + Below(max_ - min_); }

  // Where nobody has to be waited for. Only sooner than it is due, never later.
  //
  // The leader is known to be gone: whoever is first finds the others ready. A third of the least
  // timeout is some ten times what a vote takes to be written and told, so that two seldom are.
  void RestartWithoutLeader(Instant now) { BringForward(now + Below(min_ / 3)); }
  // An election is under way that nobody may win. Long enough for what others still may answer.
  void RestartAfterRefusal(Instant now) { BringForward(now + min_ / 4 + Below(min_ / 4)); }

  Instant deadline() const { return deadline_; }

 private:
  void BringForward(Instant deadline) { deadline_ = std::min(deadline_, deadline); }

  Duration Below(Duration width) {
    // The bias of the remainder is below 2^-30 for every width under 10 seconds.
    return Duration(static_cast<int64_t>(
        Random() % static_cast<uint64_t>(std::max<int64_t>(1, width.count()))));
  }

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
