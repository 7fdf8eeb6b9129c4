// The counters whose rates alerts look at, over the last minute: what Prometheus calls
// rate(...[1m]). Pure: time is that of the samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "quorumbook/v1/monitoring.pb.h"

namespace quorumbook::server {

inline constexpr int64_t kMinuteNs = 60'000'000'000;
// Samples kept, one a second: 48 bytes a shard each, so 3 KiB a shard of a node.
inline constexpr size_t kMinuteSamples = 61;

class MinuteRates {
 public:
  struct OfNode {
    uint64_t grpc_errors = 0;
    uint64_t write_stalls = 0;
  };
  struct OfShard {
    uint32_t shard = 0;
    uint64_t cut = 0;       // subscribers
    uint64_t failed = 0;    // proposals; or refused, but for what a change of leaders explains
    uint64_t accepted = 0;  // commands
    uint64_t rejected = 0;
  };

  // REQUIRES: taken_ns of the samples rises.
  void Add(const v1::NodeSample& sample);
  void Clear() { points_.clear(); }

  // How much it rose in the last minute, or in the part of it that is known. None: not known yet.
  std::optional<double> Rise(uint64_t OfNode::* counter) const;
  std::optional<double> Rise(uint32_t shard, uint64_t OfShard::* counter) const;
  // A second, of a whole minute: one that is known in part counts as if nothing was before.
  std::optional<double> PerSecond(uint64_t OfNode::* counter) const;
  std::optional<double> PerSecond(uint32_t shard, uint64_t OfShard::* counter) const;

 private:
  struct Point {
    int64_t taken_ns = 0;
    OfNode node;
    std::vector<OfShard> shards;

    const OfShard* Find(uint32_t shard) const;
  };

  std::deque<Point> points_;  // the oldest is at most a minute before the latest
};

}  // namespace quorumbook::server
