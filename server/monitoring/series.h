// The figures of a node that are kept for 5 minutes, each computed from its samples.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "server/monitoring/cluster_view.h"

namespace quorumbook::server {

struct Series {
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  // None: nothing to say. REQUIRES: the node was seen.
  std::optional<double> (*value)(const ClusterView& view, const NodeView& node);
};

const std::vector<Series>& AllSeries();
// By name. None also when the node is not reachable. REQUIRES: there is such a series.
std::optional<double> SeriesValue(const ClusterView& view, uint32_t node, std::string_view name);

// Over all shards that the node leads, in its window.
std::optional<double> LeaderQuantile(const NodeView& node,
                                     const v1::Durations& (v1::ReplicaSample::*field)() const,
                                     double q);
// Of one replica, against its leader. None without one.
std::optional<uint64_t> LagEntries(const ClusterView& view, const v1::ReplicaSample& replica);

}  // namespace quorumbook::server
