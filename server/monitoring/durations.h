// Quantiles of durations that were counted into buckets.
#pragma once

#include <optional>

#include "quorumbook/v1/monitoring.pb.h"

namespace quorumbook::server {

// What was added between two copies of one histogram. `earlier` may be null: all of it.
v1::Durations Since(const v1::Durations& later, const v1::Durations* earlier);
void AddTo(const v1::Durations& durations, v1::Durations* sum);

uint64_t Count(const v1::Durations& durations);
// By linear interpolation within a bucket, as Prometheus does it; beyond the last bound, that
// bound. None of nothing. REQUIRES: 0 < q < 1.
std::optional<double> QuantileSeconds(const v1::Durations& durations, double q);
std::optional<double> MeanSeconds(const v1::Durations& durations);

}  // namespace quorumbook::server
