#include "server/monitoring/event_log.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <vector>

namespace quorumbook::server {
namespace {

// In order of node: that of the members is not the same before and after a change.
std::string MembersText(std::vector<v1::MemberStatus> members) {
  std::ranges::stable_sort(members, {}, &v1::MemberStatus::node_id);
  std::string text;
  for (const v1::MemberStatus& member : members) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", "node ", member.node_id());
    if (member.kind() == v1::MemberStatus::LEARNER) text += " (learner)";
    if (member.kind() == v1::MemberStatus::OUTGOING_VOTER) text += " (leaving)";
    if (member.kind() == v1::MemberStatus::INCOMING_VOTER) text += " (joining)";
  }
  return text;
}

}  // namespace

void EventLog::Add(int64_t time_ms, std::string_view kind, std::string_view severity, uint32_t node,
                   uint32_t shard, std::string message) {
  events_.push_back({next_id_++, time_ms, kind, severity, node, shard, std::move(message)});
  if (events_.size() > kMaxEvents) events_.pop_front();
}

uint64_t EventLog::LeaderChanges(uint32_t shard) const {
  const auto found = shards_.find(shard);
  return found == shards_.end() ? 0 : found->second.leader_changes;
}

uint64_t EventLog::LeaderChangesSince(uint32_t shard, int64_t time_ms) const {
  const auto found = shards_.find(shard);
  if (found == shards_.end()) return 0;
  const std::deque<int64_t>& changes = found->second.changes_ms;
  return static_cast<uint64_t>(
      std::ranges::count_if(changes, [time_ms](int64_t when) { return when >= time_ms; }));
}

void EventLog::ShiftClock(int64_t step_ms) {
  for (Election& election : elections_) election.time_ms += step_ms;
  for (auto& [shard, facts] : shards_) {
    for (int64_t& when : facts.changes_ms) when += step_ms;
  }
}

void EventLog::Observe(const ClusterView& view) {
  for (const auto& [id, node] : view.nodes()) ObserveNode(view, node);
  for (const uint32_t shard : view.shards()) ObserveShard(view, shard);
}

void EventLog::ObserveNode(const ClusterView& view, const NodeView& node) {
  const int64_t now = view.now_ms();
  const uint32_t id = node.id();
  const bool up = node.Reachable(now);
  const auto known = reachable_.find(id);
  if (known == reachable_.end()) {
    // Who never answered yet may still be starting: it is told of when it comes, or goes again.
    if (!node.Seen()) return;
    reachable_[id] = up;
  } else if (known->second != up) {
    known->second = up;
    if (up) {
      Add(now, "node_up", "info", id, 0, absl::StrCat("node ", id, " answers again"));
    } else {
      Add(now, "node_down", "critical", id, 0, absl::StrCat("node ", id, " does not answer"));
    }
  }
  if (!up) return;
  const v1::NodeSample& sample = node.latest();
  const bool full = sample.storage().disk_full();
  if (disk_full_[id] != full) {
    disk_full_[id] = full;
    if (full) {
      Add(now, "disk_full", "critical", id, 0, absl::StrCat("the disk of node ", id, " is full"));
    } else {
      Add(now, "disk_space_again", "info", id, 0,
          absl::StrCat("the disk of node ", id, " has space again"));
    }
  }
  for (const v1::ReplicaSample& replica : sample.replicas()) {
    ObserveReplica(now, id, sample.started_ms(), replica);
  }
}

void EventLog::ObserveReplica(int64_t now_ms, uint32_t node, int64_t started_ms,
                              const v1::ReplicaSample& replica) {
  const uint32_t shard = replica.status().shard();
  const auto [item, first] = replicas_.try_emplace({node, shard});
  ReplicaFacts& facts = item->second;
  const bool restarted = facts.started_ms != started_ms;
  if (!first && !restarted && replica.snapshots_taken() > facts.snapshots_taken) {
    Add(now_ms, "snapshot_taken", "info", node, shard,
        absl::StrCat("node ", node, " took a snapshot of shard ", shard, ", ",
                     replica.snapshot_bytes(), " bytes"));
  }
  if (!first && !restarted && replica.snapshots_installed() > facts.snapshots_installed) {
    Add(now_ms, "snapshot_installed", "info", node, shard,
        absl::StrCat("node ", node, " took over a snapshot of shard ", shard));
  }
  if (restarted) facts.evidence.clear();
  for (const v1::EvidenceCount& evidence : replica.evidence()) {
    uint64_t& known = facts.evidence[{evidence.kind(), evidence.culprit()}];
    if (evidence.count() > known) {
      const std::string whom = evidence.culprit() == 0 ? "a node that can not be told"
                                                       : absl::StrCat("node ", evidence.culprit());
      Add(now_ms, "evidence", "critical", evidence.culprit(), shard,
          absl::StrCat("node ", node, " has evidence of a fault of ", whom, " in shard ", shard,
                       ": ", evidence.kind()));
    }
    known = evidence.count();
  }
  facts.started_ms = started_ms;
  facts.snapshots_taken = replica.snapshots_taken();
  facts.snapshots_installed = replica.snapshots_installed();
}

void EventLog::ObserveShard(const ClusterView& view, uint32_t shard) {
  const auto [item, first] = shards_.try_emplace(shard);
  ShardFacts& facts = item->second;
  const ShardLeader now = view.LeaderOf(shard);
  if (now.node != 0 && now.term != facts.leader.term) {
    if (facts.leader.term != 0) {
      ++facts.leader_changes;
      facts.changes_ms.push_front(view.now_ms());
      if (facts.changes_ms.size() > kMaxChanges) facts.changes_ms.pop_back();
      Add(view.now_ms(), "leader_changed", "info", now.node, shard,
          absl::StrCat("node ", now.node, " leads shard ", shard, " in term ", now.term));
      elections_.push_front({view.now_ms(), shard, now.term, now.node});
      if (elections_.size() > kMaxElections) elections_.pop_back();
    }
    facts.leader = now;
  } else if (now.node != 0 && facts.leader.node == 0) {
    Add(view.now_ms(), "leader_seen", "info", now.node, shard,
        absl::StrCat("node ", now.node, " is seen to lead shard ", shard,
                     " again, in the same term"));
    facts.leader = now;
  } else if (now.node == 0 && facts.leader.node != 0) {
    Add(view.now_ms(), "leader_lost", "warning", facts.leader.node, shard,
        absl::StrCat("shard ", shard, " has no leader, it was node ", facts.leader.node));
    facts.leader.node = 0;
  }
  ObserveMembers(view, shard, &facts);
}

void EventLog::ObserveMembers(const ClusterView& view, uint32_t shard, ShardFacts* facts) {
  if (view.LeadingReplica(shard) == nullptr) return;  // nobody knows for sure
  std::string members = MembersText(view.MembersOf(shard));
  if (members == facts->members) return;
  if (!facts->members.empty()) {
    Add(view.now_ms(), "membership_changed", "info", 0, shard,
        absl::StrCat("members of shard ", shard, ": ", members));
  }
  facts->members = std::move(members);
}

}  // namespace quorumbook::server
