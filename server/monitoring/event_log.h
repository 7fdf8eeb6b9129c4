// What happened in the cluster, told by comparing what is known now with what was known before.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "server/monitoring/cluster_view.h"

namespace quorumbook::server {

inline constexpr size_t kMaxEvents = 1'024;
inline constexpr size_t kMaxElections = 64;  // of all shards
// Of each shard, the times of so many changes of its leader.
inline constexpr size_t kMaxChanges = 8;

struct ClusterEvent {
  uint64_t id = 0;  // rising, from 1
  int64_t time_ms = 0;
  std::string_view kind;
  std::string_view severity;  // info, warning or critical
  uint32_t node = 0;          // 0: of none
  uint32_t shard = 0;         // likewise
  std::string message;
};

struct Election {
  int64_t time_ms = 0;
  uint32_t shard = 0;
  uint64_t term = 0;
  uint32_t leader = 0;
};

class EventLog {
 public:
  // What is there at the first call is no event, but what others are compared with. The leader of a
  // shard that is found first is no election, nor is to lose sight of one and find it again in the
  // same term.
  void Observe(const ClusterView& view);
  // Something that is not seen in the view. `kind` and `severity` are literals.
  void Add(int64_t time_ms, std::string_view kind, std::string_view severity, uint32_t node,
           uint32_t shard, std::string message);

  // The clock was set: elections keep their distance from now. Events keep their times.
  void ShiftClock(int64_t step_ms);

  // Oldest first; the oldest are dropped.
  const std::deque<ClusterEvent>& events() const { return events_; }
  uint64_t last_id() const { return next_id_ - 1; }
  // Latest first.
  const std::deque<Election>& elections() const { return elections_; }
  // Leaders of the shard that were seen after the first one.
  uint64_t LeaderChanges(uint32_t shard) const;
  // Of them, those since `time_ms`, at most kMaxChanges.
  uint64_t LeaderChangesSince(uint32_t shard, int64_t time_ms) const;

 private:
  struct ReplicaFacts {
    int64_t started_ms = 0;
    uint64_t snapshots_taken = 0;
    uint64_t snapshots_installed = 0;
    std::map<std::pair<std::string, uint32_t>, uint64_t> evidence;  // by kind and culprit
  };
  struct ShardFacts {
    ShardLeader leader;
    std::string members;
    uint64_t leader_changes = 0;
    std::deque<int64_t> changes_ms;  // of the latest, latest first
  };
  void ObserveNode(const ClusterView& view, const NodeView& node);
  void ObserveReplica(int64_t now_ms, uint32_t node, int64_t started_ms,
                      const v1::ReplicaSample& replica);
  void ObserveShard(const ClusterView& view, uint32_t shard);
  void ObserveMembers(const ClusterView& view, uint32_t shard, ShardFacts* facts);

  uint64_t next_id_ = 1;
  std::deque<ClusterEvent> events_;
  std::deque<Election> elections_;
  std::map<uint32_t, bool> reachable_;
  std::map<uint32_t, bool> disk_full_;
  std::map<std::pair<uint32_t, uint32_t>, ReplicaFacts> replicas_;  // by node, shard
  std::map<uint32_t, ShardFacts> shards_;
};

}  // namespace quorumbook::server
