#include "server/monitoring/health.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <limits>
#include <set>

namespace quorumbook::server {
namespace {

const char* Plural(uint32_t count) { return count == 1 ? "" : "s"; }

std::vector<uint32_t> VotersOf(const ClusterView& view, uint32_t shard) {
  std::set<uint32_t> voters;  // a node can be listed twice while it is replaced
  for (const v1::MemberStatus& member : view.MembersOf(shard)) {
    if (member.kind() != v1::MemberStatus::LEARNER) voters.insert(member.node_id());
  }
  return {voters.begin(), voters.end()};
}

class Judgement {
 public:
  Judgement(const ClusterView& view, Health* health) : view_(view), health_(*health) {}

  void JudgeShards() {
    std::set<uint32_t> voters;
    uint32_t can_lose = std::numeric_limits<uint32_t>::max();
    for (const uint32_t shard : view_.shards()) {
      const std::vector<uint32_t> of_shard = VotersOf(view_, shard);
      voters.insert(of_shard.begin(), of_shard.end());
      const auto reachable = static_cast<uint32_t>(
          std::count_if(of_shard.begin(), of_shard.end(),
                        [this](uint32_t node) { return view_.Reachable(node); }));
      const auto working = static_cast<uint32_t>(
          std::count_if(of_shard.begin(), of_shard.end(),
                        [this, shard](uint32_t node) { return Works(node, shard); }));
      const auto majority = static_cast<uint32_t>(of_shard.size() / 2 + 1);
      can_lose = std::min(can_lose, working > majority ? working - majority : 0);
      JudgeShard(shard, reachable, majority, static_cast<uint32_t>(of_shard.size()));
      NameIdle(shard, of_shard);
    }
    health_.voters = static_cast<uint32_t>(voters.size());
    health_.voters_reachable =
        static_cast<uint32_t>(std::count_if(voters.begin(), voters.end(), [this](uint32_t node) {
          return std::all_of(view_.shards().begin(), view_.shards().end(), [&](uint32_t shard) {
            const std::vector<uint32_t> of_shard = VotersOf(view_, shard);
            const bool votes = std::find(of_shard.begin(), of_shard.end(), node) != of_shard.end();
            return !votes || Works(node, shard);
          });
        }));
    health_.can_lose = view_.shards().empty() ? 0 : can_lose;
  }

  void JudgeNodes() {
    for (const auto& [id, node] : view_.nodes()) {
      if (!node.Reachable(view_.now_ms())) {
        Add(absl::StrCat("node ", id, " does not answer"));
        continue;
      }
      for (const v1::ReplicaSample& replica : node.latest().replicas()) {
        if (!replica.status().fenced()) continue;
        Add(absl::StrCat("node ", id, " is fenced off in shard ", replica.status().shard()));
      }
      if (node.latest().storage().disk_full())
        Add(absl::StrCat("the disk of node ", id, " is full"));
    }
  }

  bool unavailable() const { return unavailable_; }

 private:
  // Whether the voter's vote and disk count towards a commit now.
  bool Works(uint32_t node, uint32_t shard) const {
    if (!view_.Reachable(node)) return false;
    const v1::NodeSample& sample = view_.Find(node)->latest();
    const v1::ReplicaSample* const replica = FindReplica(sample, shard);
    if (replica == nullptr || replica->status().fenced() || sample.storage().disk_full()) {
      return false;
    }
    const v1::ReplicaSample* const leader = view_.LeadingReplica(shard);
    if (leader == nullptr) return true;
    return std::none_of(leader->followers().begin(), leader->followers().end(),
                        [node](const v1::FollowerSample& follower) {
                          return follower.node_id() == node && !follower.active();
                        });
  }

  void Add(std::string reason) { health_.reasons.push_back(std::move(reason)); }

  // Who is there and does not work for another reason than those that JudgeNodes names.
  void NameIdle(uint32_t shard, const std::vector<uint32_t>& voters) {
    for (const uint32_t node : voters) {
      if (!view_.Reachable(node) || Works(node, shard)) continue;
      const v1::NodeSample& sample = view_.Find(node)->latest();
      const v1::ReplicaSample* const replica = FindReplica(sample, shard);
      const bool named =
          sample.storage().disk_full() || (replica != nullptr && replica->status().fenced());
      if (!named) Add(absl::StrCat("node ", node, " does not follow the leader of shard ", shard));
    }
  }

  void JudgeShard(uint32_t shard, uint32_t reachable, uint32_t majority, uint32_t voters) {
    const bool leader = view_.LeaderOf(shard).node != 0;
    if (voters == 0) {
      unavailable_ = true;
      health_.shards_without_leader.push_back(shard);
      return Add(absl::StrCat("nothing is known of shard ", shard, " yet"));
    }
    if (!leader) health_.shards_without_leader.push_back(shard);
    if (reachable < majority) {
      unavailable_ = true;
      Add(absl::StrCat("shard ", shard, " has ", reachable, " of ", voters,
                       " voters, fewer than a majority"));
    } else if (!leader) {
      unavailable_ = true;
      Add(absl::StrCat("shard ", shard, " has no leader"));
    }
  }

  const ClusterView& view_;
  Health& health_;
  bool unavailable_ = false;
};

}  // namespace

const char* VerdictName(Health::Verdict verdict) {
  switch (verdict) {
    case Health::Verdict::kHealthy:
      return "healthy";
    case Health::Verdict::kDegraded:
      return "degraded";
    case Health::Verdict::kUnavailable:
      return "unavailable";
    case Health::Verdict::kFounding:
      return "founding";
  }
  return "";
}

Health Judge(const ClusterView& view, const std::vector<std::string>& firing,
             const std::string& waiting_for) {
  Health health;
  health.alerts_firing = static_cast<uint32_t>(firing.size());
  if (!waiting_for.empty()) {
    health.verdict = Health::Verdict::kFounding;
    health.reasons = {"the cluster waits for " + waiting_for};
    health.sentence = "Founding: the cluster waits for " + waiting_for;
    return health;
  }
  Judgement judgement(view, &health);
  judgement.JudgeShards();
  judgement.JudgeNodes();
  if (!firing.empty()) {
    health.reasons.push_back(absl::StrCat("alert", Plural(health.alerts_firing),
                                          " firing: ", absl::StrJoin(firing, ", ")));
  }
  if (judgement.unavailable()) {
    health.verdict = Health::Verdict::kUnavailable;
  } else if (!health.reasons.empty()) {
    health.verdict = Health::Verdict::kDegraded;
  }
  const std::string figures =
      absl::StrCat(health.voters_reachable, " of ", health.voters, " voters, can lose ",
                   health.can_lose, " node", Plural(health.can_lose));
  switch (health.verdict) {
    case Health::Verdict::kHealthy:
      health.sentence = "Healthy: " + figures;
      break;
    case Health::Verdict::kDegraded:
      health.sentence = "Degraded: " + health.reasons.front() + "; " + figures;
      break;
    default:
      health.sentence = "Unavailable: " + health.reasons.front();
      break;
  }
  return health;
}

}  // namespace quorumbook::server
