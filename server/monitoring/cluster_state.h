// All that a node knows of the cluster, as its HTTP pages show it. Lives on the thread of the HTTP
// server.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "server/monitoring/cluster_json.h"
#include "server/monitoring/readiness.h"
#include "server/monitoring/sampler.h"

namespace quorumbook::server {

class ClusterState {
 public:
  ClusterState(const MonitorEnvironment& environment, int64_t now_ms);

  // Once a second: judges what arrived since. Returns whether there is news of alerts: some are
  // pending or fire, or the last one is over. After a pause of this process nothing is judged until
  // the others could answer again: it was not they who were silent.
  bool Update(int64_t now_ms);

  // The wall clock was set by so much since the last Update.
  void ShiftClock(int64_t step_ms);

  // As of readiness.h, of this node now.
  std::vector<ReadinessCheck> Readiness() const {
    return CheckReadiness(view_, stopping_, environment_.shards->waiting_for());
  }
  ReadinessCheck ReadinessOf(uint32_t shard) const { return CheckShard(view_, shard); }
  std::vector<ReadinessCheck> Liveness() const {
    return CheckLiveness(std::chrono::steady_clock::now() - own_at_);
  }

  // A sample of this node: every replica answered.
  void AddOwn(SharedSample sample, int64_t now_ms);

  void SetStopping() { stopping_ = true; }

  ClusterView& view() { return view_; }
  const ClusterView& view() const { return view_; }
  const History& history() const { return history_; }
  EventLog& events() { return events_; }
  const EventLog& events() const { return events_; }
  const AlertEngine& alerts() const { return alerts_; }
  const Health& health() const { return health_; }
  const std::vector<NodeAddresses>& addresses() const { return addresses_; }
  // The last sample of this node; null before the first.
  const v1::NodeSample* own_sample() const;

 private:
  void AddToHistory(int64_t now_ms);

  const MonitorEnvironment environment_;
  std::vector<NodeAddresses> addresses_;
  ClusterView view_;
  History history_;
  EventLog events_;
  AlertEngine alerts_;
  Health health_;
  int64_t updated_ms_ = 0;  // 0: never
  bool stopping_ = false;
  std::chrono::steady_clock::time_point own_at_ = std::chrono::steady_clock::now();
};

}  // namespace quorumbook::server
