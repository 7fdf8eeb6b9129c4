// Whether a node works, and whether it serves: what /livez and /readyz say, check by check.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "server/monitoring/cluster_view.h"
#include "server/monitoring/http_message.h"

namespace quorumbook::server {

struct ReadinessCheck {
  std::string name;
  bool ok = false;
  std::string detail;
};

// Whether this process works, whose last sample is so old. Says nothing of leaders and peers.
std::vector<ReadinessCheck> CheckLiveness(std::chrono::steady_clock::duration sample_age);
// What stands in the way of serving. `waiting_for`: what the founding of the cluster waits for; "":
// it is founded.
std::vector<ReadinessCheck> CheckReadiness(const ClusterView& view, bool stopping,
                                           const std::string& waiting_for);
// The part of it that is about a shard: its name is "shard N".
ReadinessCheck CheckShard(const ClusterView& view, uint32_t shard);

// As Kubernetes writes its own: one line a check, the verdict last. 503 unless all of them hold.
HttpResponse ProbeResponse(const char* name, const std::vector<ReadinessCheck>& checks,
                           const HttpRequest& request);

}  // namespace quorumbook::server
