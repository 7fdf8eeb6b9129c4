// Chance for the simulator: the same numbers on every machine, integers only.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "common/digest.h"

namespace quorumbook::sim {

// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // A stream of its own for one purpose, so that what one part draws does not move the others.
  Random(uint64_t seed, std::string_view purpose) : state_(Checksum64(purpose, seed)) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // 0 to bound - 1. REQUIRES: bound > 0. The bias is below bound / 2^64.
  uint64_t Below(uint64_t bound) {
    QB_CHECK(bound > 0);
    return Next() % bound;
  }
  int64_t Between(int64_t low, int64_t high) {  // both included
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
  }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  // True in `ppm` of a million cases.
  bool Chance(uint32_t ppm) { return ppm != 0 && Below(1'000'000) < ppm; }
  template <typename Container>
  auto& Pick(Container& from) {
    return from[Below(from.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace quorumbook::sim
