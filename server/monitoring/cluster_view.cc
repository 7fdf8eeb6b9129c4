#include "server/monitoring/cluster_view.h"

#include <utility>

#include "server/monitoring/durations.h"

namespace quorumbook::server {

const v1::ReplicaSample* FindReplica(const v1::NodeSample& sample, uint32_t shard) {
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    if (replica.status().shard() == shard) return &replica;
  }
  return nullptr;
}

bool Leads(const v1::ReplicaSample& replica) {
  return replica.status().role() == v1::ReplicaStatus::LEADER;
}

std::string CulpritLabel(const v1::EvidenceCount& evidence) {
  return evidence.culprit() == 0 ? "unknown" : std::to_string(evidence.culprit());
}

void NodeView::Add(SharedSample sample, int64_t now_ms, double round_trip_seconds) {
  if (!samples_.empty() && samples_.back()->started_ms() != sample->started_ms()) {
    samples_.clear();
    minute_.Clear();
  }
  answered_ms_ = now_ms;
  if (!is_self_) {
    round_trip_seconds_ = round_trip_seconds;
    clock_offset_seconds_ =
        static_cast<double>(sample->time_ms() - now_ms) / 1e3 + round_trip_seconds / 2;
  }
  if (!samples_.empty() && samples_.back()->taken_ns() == sample->taken_ns()) {
    if (!Reachable(now_ms)) failure_ = "it answers, but its figures stand still";
    return;
  }
  minute_.Add(*sample);
  samples_.push_back(std::move(sample));
  if (samples_.size() > kWindowSamples) samples_.pop_front();
  since_ms_ = now_ms;
  failure_.clear();
}

v1::Durations NodeView::Difference(const v1::Durations& later, const v1::Durations* earlier) {
  return Since(later, earlier);
}

v1::Durations NodeView::StorageWindow(const v1::Durations& (v1::StorageSample::*field)()
                                          const) const {
  return Since((latest().storage().*field)(),
               window() == nullptr ? nullptr : &(window()->storage().*field)());
}

ClusterView::ClusterView(std::string cluster_id, uint32_t self, const std::vector<uint32_t>& nodes,
                         std::vector<uint32_t> shards, int64_t now_ms)
    : cluster_id_(std::move(cluster_id)), self_(self), shards_(std::move(shards)), now_ms_(now_ms) {
  for (const uint32_t node : nodes) nodes_.emplace(node, NodeView(node, node == self, now_ms));
}

void ClusterView::ShiftClock(int64_t step_ms) {
  now_ms_ += step_ms;
  for (auto& [id, node] : nodes_) node.ShiftClock(step_ms);
}

NodeView* ClusterView::Find(uint32_t node) {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

const NodeView* ClusterView::Find(uint32_t node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

bool ClusterView::Reachable(uint32_t node) const {
  const NodeView* const view = Find(node);
  return view != nullptr && view->Reachable(now_ms_);
}

ShardLeader ClusterView::LeaderOf(uint32_t shard) const {
  ShardLeader leader;
  for (const auto& [id, node] : nodes_) {
    if (!node.Reachable(now_ms_)) continue;
    const v1::ReplicaSample* const replica = FindReplica(node.latest(), shard);
    if (replica == nullptr) continue;
    const uint64_t term = replica->status().term();
    if (Leads(*replica) && term >= leader.term) leader = {id, term};
    if (term > leader.term) leader = {0, term};
  }
  return leader;
}

const v1::ReplicaSample* ClusterView::LeadingReplica(uint32_t shard) const {
  const ShardLeader leader = LeaderOf(shard);
  return leader.node == 0 ? nullptr : FindReplica(Find(leader.node)->latest(), shard);
}

std::vector<v1::MemberStatus> ClusterView::MembersOf(uint32_t shard) const {
  const v1::ReplicaSample* best = LeadingReplica(shard);
  if (best == nullptr) {
    for (const auto& [id, node] : nodes_) {
      if (!node.Seen()) continue;
      const v1::ReplicaSample* const replica = FindReplica(node.latest(), shard);
      if (replica == nullptr) continue;
      if (best == nullptr || replica->status().last_index() > best->status().last_index()) {
        best = replica;
      }
    }
  }
  if (best == nullptr) return {};
  return {best->status().members().begin(), best->status().members().end()};
}

}  // namespace quorumbook::server
