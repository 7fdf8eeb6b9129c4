// What a replica counted and measured, in the words of quorumbook/v1/monitoring.proto.
#pragma once

#include <string>

#include "common/duration_histogram.h"
#include "quorumbook/v1/monitoring.pb.h"
#include "server/replica/replica.h"
#include "server/shard_counters.h"

namespace quorumbook::server {

// Symbols of a shard that are told of one by one: those with the lowest ids.
inline constexpr size_t kSampledSymbols = 64;
// Price levels a side that are counted.
inline constexpr size_t kSampledLevels = 100;

void ToProto(const DurationHistogram& histogram, v1::Durations* out);

// Called where the replica lives.
// `inbox_refused`: groups that were refused as kBusy before they reached it.
void FillSample(const Replica& replica, uint64_t inbox_refused, v1::ReplicaSample* sample);
void FillSample(const ShardCounters& counters, const CommitTimer& timer, v1::ReplicaSample* sample);

// Names of kinds of evidence, as labels of metrics: "double_vote".
std::string EvidenceLabel(size_t kind);

}  // namespace quorumbook::server
