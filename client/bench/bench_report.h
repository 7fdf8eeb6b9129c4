// What a benchmark says at its end, for programs and for people.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "client/bench/expectation.h"
#include "client/bench/latency_histogram.h"
#include "client/bench/load_runner.h"

namespace quorumbook::bench {

// Orders that were answered in the window count. A value that needs a process or a disk that was
// not named, or that could not be read, is absent from the metrics and null in JSON.
Metrics MetricsOf(const LoadResult& result);

nlohmann::ordered_json ToJson(const LoadOptions& options, const LoadResult& result,
                              const std::vector<Expectation>& expectations);

// A line for each step 1, 2, 5, 10, ... of the values there are: "  500 us  ######  34.5 %".
void PrintHistogram(const LatencyHistogram& histogram, std::ostream& out);

}  // namespace quorumbook::bench
