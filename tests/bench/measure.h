// How the engine benchmark measures: contestants in turn, in one process.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "contestants.h"

namespace quorumbook::bench {

struct Measured {
  double ns_per_op = 0;                // median of the rounds
  double ratio = 0;                    // to the first contestant: median of the rounds' ratios
  double p50 = 0, p99 = 0, p99_9 = 0;  // ns of a single operation, the clock's own cost included
  Trades trades;
};

using Contestants = std::vector<std::unique_ptr<Contestant>>;

// Processor time an operation. In each round the contestants take turns at pieces of the flow, so
// that a slow moment of the machine does not fall on one alone. Sets ns_per_op and ratio.
void MeasureThroughput(const Contestants& contestants, size_t operations, int rounds,
                       std::vector<Measured>* measured);

// Time of each operation by itself: of every one the median of the rounds, so that what else the
// machine does meanwhile does not count, while what the operation itself is slow at does.
// Sets the percentiles and the trades. REQUIRES: contestants that run single operations.
void MeasureLatency(const Contestants& contestants, size_t operations, int rounds,
                    std::vector<Measured>* measured);

}  // namespace quorumbook::bench
