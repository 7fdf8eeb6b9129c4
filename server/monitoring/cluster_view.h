// What a node knows of all nodes: their samples of the last seconds, and whom it can not reach.
// Pure: time is told.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quorumbook/v1/monitoring.pb.h"
#include "server/monitoring/minute_rates.h"

namespace quorumbook::server {

// Samples kept a node: figures are "over 10 s". One has at most 48 KiB a shard, with all symbols,
// kinds and reasons that it can tell of.
inline constexpr size_t kWindowSamples = 11;
// Who was not heard of for longer is not reachable.
inline constexpr int64_t kUnreachableAfterMs = 3'000;

using SharedSample = std::shared_ptr<const v1::NodeSample>;

const v1::ReplicaSample* FindReplica(const v1::NodeSample& sample, uint32_t shard);
bool Leads(const v1::ReplicaSample& replica);
// Whom evidence is against, as a label: the node's number, or "unknown".
std::string CulpritLabel(const v1::EvidenceCount& evidence);

class NodeView {
 public:
  NodeView(uint32_t id, bool is_self, int64_t now_ms)
      : id_(id), is_self_(is_self), since_ms_(now_ms) {}

  // A sample arrived at `now_ms`, after a call that took `round_trip` seconds (0 of the own one).
  // Samples from before a restart of the node are forgotten. The same sample again is no news: a
  // node that answers and measures nothing is not reachable after a while either.
  void Add(SharedSample sample, int64_t now_ms, double round_trip_seconds);
  void ShiftClock(int64_t step_ms) {
    since_ms_ += step_ms;
    answered_ms_ += step_ms;
  }
  void Failed(std::string reason) { failure_ = std::move(reason); }

  uint32_t id() const { return id_; }
  bool is_self() const { return is_self_; }
  bool Reachable(int64_t now_ms) const {
    return !samples_.empty() && std::abs(now_ms - since_ms_) <= kUnreachableAfterMs;
  }
  // Whether it does, be it with old figures.
  bool Answers(int64_t now_ms) const {
    return is_self_ || std::abs(now_ms - answered_ms_) <= kUnreachableAfterMs;
  }
  // Why not; "" when nothing failed.
  const std::string& failure() const { return failure_; }
  // When a new sample of it came, or when this view began.
  int64_t since_ms() const { return since_ms_; }
  bool Seen() const { return !samples_.empty(); }

  // REQUIRES: Seen().
  const v1::NodeSample& latest() const { return *samples_.back(); }
  // The one before the latest, and the oldest of the window; null: there is but one.
  const v1::NodeSample* before() const {
    return samples_.size() < 2 ? nullptr : samples_[samples_.size() - 2].get();
  }
  const v1::NodeSample* window() const {
    return samples_.size() < 2 ? nullptr : samples_.front().get();
  }
  // Since the last restart of the node.
  const MinuteRates& minute() const { return minute_; }
  // Of the last call that was answered; none of the node itself.
  std::optional<double> round_trip_seconds() const { return round_trip_seconds_; }
  std::optional<double> clock_offset_seconds() const { return clock_offset_seconds_; }

  // How much faster a counter rose, a second, between the last two samples. None: not known yet.
  template <typename Counter>
  std::optional<double> PerSecond(Counter counter) const {
    const v1::NodeSample* const earlier = before();
    if (earlier == nullptr) return std::nullopt;
    const double seconds = static_cast<double>(latest().taken_ns() - earlier->taken_ns()) / 1e9;
    if (seconds <= 0) return std::nullopt;
    return (static_cast<double>(counter(latest())) - static_cast<double>(counter(*earlier))) /
           seconds;
  }

  // Of the replica's or node's histogram that `field` returns, what the window added.
  template <typename Field>
  v1::Durations WindowOf(uint32_t shard, Field field) const {
    v1::Durations none;
    const v1::ReplicaSample* const now = FindReplica(latest(), shard);
    if (now == nullptr) return none;
    const v1::ReplicaSample* const then =
        window() == nullptr ? nullptr : FindReplica(*window(), shard);
    return Difference(field(*now), then == nullptr ? nullptr : &field(*then));
  }
  v1::Durations StorageWindow(const v1::Durations& (v1::StorageSample::*field)() const) const;

 private:
  static v1::Durations Difference(const v1::Durations& later, const v1::Durations* earlier);

  const uint32_t id_;
  const bool is_self_;
  int64_t since_ms_;
  int64_t answered_ms_ = 0;
  std::string failure_ = "it has not answered yet";
  std::deque<SharedSample> samples_;
  MinuteRates minute_;
  std::optional<double> round_trip_seconds_;
  std::optional<double> clock_offset_seconds_;
};

struct ShardLeader {
  uint32_t node = 0;  // 0: none is known
  uint64_t term = 0;
};

class ClusterView {
 public:
  // `shards` and `nodes`: of the configuration, ascending. `self`: one of the nodes.
  ClusterView(std::string cluster_id, uint32_t self, const std::vector<uint32_t>& nodes,
              std::vector<uint32_t> shards, int64_t now_ms);

  void set_now_ms(int64_t now_ms) { now_ms_ = now_ms; }
  int64_t now_ms() const { return now_ms_; }
  // The clock that tells the time was set: what it said before is moved along.
  void ShiftClock(int64_t step_ms);
  const std::string& cluster_id() const { return cluster_id_; }
  uint32_t self() const { return self_; }
  const std::vector<uint32_t>& shards() const { return shards_; }
  const std::map<uint32_t, NodeView>& nodes() const { return nodes_; }
  // Null: no node of the configuration.
  NodeView* Find(uint32_t node);
  const NodeView* Find(uint32_t node) const;
  bool Reachable(uint32_t node) const;

  // Who leads by its own word in the latest term, among those that answer.
  ShardLeader LeaderOf(uint32_t shard) const;
  // The replica of the leader; null without one.
  const v1::ReplicaSample* LeadingReplica(uint32_t shard) const;
  // The members of the shard's group as its leader knows them, else as whoever knows the latest.
  std::vector<v1::MemberStatus> MembersOf(uint32_t shard) const;

 private:
  const std::string cluster_id_;
  const uint32_t self_;
  const std::vector<uint32_t> shards_;
  std::map<uint32_t, NodeView> nodes_;
  int64_t now_ms_;
};

}  // namespace quorumbook::server
