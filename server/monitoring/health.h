// One sentence about the cluster, and why.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/monitoring/cluster_view.h"

namespace quorumbook::server {

struct Health {
  enum class Verdict : uint8_t { kHealthy, kDegraded, kUnavailable, kFounding };
  Verdict verdict = Verdict::kHealthy;
  std::string sentence;
  std::vector<std::string> reasons;  // most important first
  uint32_t voters = 0;               // nodes that vote in some shard
  uint32_t voters_reachable = 0;
  uint32_t can_lose = 0;  // any of them may fail now, with every shard going on
  std::vector<uint32_t> shards_without_leader;
  uint32_t alerts_firing = 0;
};

const char* VerdictName(Health::Verdict verdict);

// `firing`: names of the alerts that fire. `waiting_for`: what the founding of the cluster waits
// for;
// "" when it is founded.
Health Judge(const ClusterView& view, const std::vector<std::string>& firing,
             const std::string& waiting_for);

}  // namespace quorumbook::server
