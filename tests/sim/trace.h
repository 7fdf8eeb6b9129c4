// A running hash of everything that happens: two runs of a seed must agree in it. And, when asked,
// one line a step.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/sim/event_queue.h"

namespace quorumbook::sim {

class Trace {
 public:
  explicit Trace(bool verbose) : verbose_(verbose) {}

  bool verbose() const { return verbose_; }
  uint64_t hash() const { return hash_; }

  void Note(uint64_t a, uint64_t b) {
    hash_ = (hash_ ^ a) * 0x9fb21c651e98df25;
    hash_ = (hash_ ^ hash_ >> 32 ^ b) * 0xd6e8feb86659fd93;
    hash_ ^= hash_ >> 32;
  }
  // For steps that the reader wants to see. Make the line only when verbose().
  void Line(SimTime now, const std::string& line) const {
    if (!verbose_) return;
    std::printf("%12.6f %s\n", static_cast<double>(now) / kSecond, line.c_str());
  }

 private:
  const bool verbose_;
  uint64_t hash_ = 0;
};

}  // namespace quorumbook::sim
