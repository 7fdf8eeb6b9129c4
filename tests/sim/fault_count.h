// How often each class of fault really happened: what a seed draws and what it meets are two
// things.
#pragma once

#include <array>
#include <cstdint>

#include "tests/sim/scenario.h"

namespace quorumbook::sim {

class FaultCount {
 public:
  void Add(Fault fault, uint64_t times = 1) { counts_[static_cast<size_t>(fault)] += times; }
  uint64_t of(Fault fault) const { return counts_[static_cast<size_t>(fault)]; }
  void Merge(const FaultCount& other) {
    for (size_t i = 0; i < kFaults; ++i) counts_[i] += other.counts_[i];
  }

 private:
  std::array<uint64_t, kFaults> counts_{};
};

}  // namespace quorumbook::sim
