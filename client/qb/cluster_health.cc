#include "client/qb/cluster_health.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>

namespace quorumbook::qb {
namespace {

struct ShardCount {
  int voters = 0;    // of the configuration, as the leader knows it
  int replicas = 0;  // of those, that answer
  bool leader = false;
};

// Null when none is known.
const v1::ReplicaStatus* FindLeader(const std::vector<Client::NodeReport>& reports,
                                    uint32_t shard) {
  for (const Client::NodeReport& report : reports) {
    if (!report.status.ok()) continue;
    for (const v1::ReplicaStatus& replica : report.status->replicas()) {
      if (replica.shard() == shard && replica.role() == v1::ReplicaStatus::LEADER) return &replica;
    }
  }
  return nullptr;
}

bool Votes(const v1::ReplicaStatus* leader, uint32_t node) {
  if (leader == nullptr) return true;
  const auto& members = leader->members();
  return std::any_of(members.begin(), members.end(), [&](const v1::MemberStatus& member) {
    return member.node_id() == node && member.kind() == v1::MemberStatus::VOTER;
  });
}

ShardCount CountShard(const std::vector<Client::NodeReport>& reports, uint32_t shard) {
  const v1::ReplicaStatus* const leader = FindLeader(reports, shard);
  ShardCount count;
  count.leader = leader != nullptr;
  for (const Client::NodeReport& report : reports) {
    if (!Votes(leader, report.node.id())) continue;
    ++count.voters;
    if (!report.status.ok()) continue;
    for (const v1::ReplicaStatus& replica : report.status->replicas()) {
      count.replicas += replica.shard() == shard ? 1 : 0;
    }
  }
  return count;
}
std::string Summarize(const Health& health, int nodes, int reachable, const std::string& problem) {
  const std::string answer = absl::StrCat(reachable, " of ", nodes, " nodes answer");
  if (!health.available) return absl::StrCat("NOT AVAILABLE: ", problem, "; ", answer);
  const std::string loss =
      health.can_lose == 0
          ? std::string("none can be lost")
          : absl::StrCat(health.can_lose, health.complete ? "" : " more", " can be lost");
  return absl::StrCat(health.complete ? "healthy: " : "degraded: ", answer,
                      ", every shard has a leader, ", loss);
}

}  // namespace

Health Assess(const std::vector<Client::NodeReport>& reports, const std::vector<uint32_t>& shards) {
  const auto nodes = static_cast<int>(reports.size());
  const auto reachable = static_cast<int>(std::count_if(
      reports.begin(), reports.end(), [](const auto& report) { return report.status.ok(); }));
  Health health{.available = !shards.empty(),
                .complete = reachable == nodes,
                .can_lose = nodes,
                .summary = ""};
  std::string problem = shards.empty() ? "the cluster names no shards" : "";
  for (const uint32_t shard : shards) {
    const ShardCount count = CountShard(reports, shard);
    const int majority = count.voters / 2 + 1;
    health.can_lose = std::min(health.can_lose, std::max(0, count.replicas - majority));
    health.complete = health.complete && count.replicas == count.voters;
    if (count.leader && count.replicas >= majority) continue;
    health.available = false;
    if (!problem.empty()) problem += ", ";
    absl::StrAppend(&problem, "shard ", shard,
                    count.leader
                        ? absl::StrCat(" has ", count.replicas, " of ", count.voters, " voters")
                        : std::string(" has no leader"));
  }
  if (!health.available) health.can_lose = 0;
  health.summary = Summarize(health, nodes, reachable, problem);
  return health;
}

Agreement Compare(const std::vector<Client::NodeReport>& reports) {
  struct State {
    uint32_t node;
    std::string digests;
  };
  std::map<uint32_t, std::map<uint64_t, State>> states;  // by shard and applied index
  Agreement agreement{.comparable = true, .diverged = false, .summary = ""};
  int replicas = 0;
  std::string diverged;
  for (const Client::NodeReport& report : reports) {
    if (!report.status.ok()) continue;
    for (const v1::ReplicaStatus& replica : report.status->replicas()) {
      ++replicas;
      const State state{report.node.id(),
                        absl::StrCat(replica.state_digest(), " ", replica.market_digest())};
      const auto [found, added] =
          states[replica.shard()].try_emplace(replica.applied_index(), state);
      if (added || found->second.digests == state.digests) continue;
      agreement.diverged = true;
      absl::StrAppend(&diverged, diverged.empty() ? "" : ", ", "shard ", replica.shard(),
                      ": nodes ", found->second.node, " and ", state.node, " differ at index ",
                      replica.applied_index());
    }
  }
  for (const auto& [shard, by_index] : states) {
    if (by_index.size() > 1) agreement.comparable = false;
  }
  if (replicas == 0) agreement.comparable = false;
  if (agreement.diverged) {
    agreement.summary = "DIVERGED: " + diverged + "; stop trading and keep the data directories";
  } else if (!agreement.comparable) {
    agreement.summary =
        "digests can not be compared: replicas are at different indexes; ask again when no "
        "commands arrive, or with a longer --timeout";
  } else {
    agreement.summary =
        absl::StrCat("digests are equal on all ", replicas, " replicas that answer");
  }
  return agreement;
}

}  // namespace quorumbook::qb
