// The part of the nemesis that asks for life, not only for safety: while some links are cut and all
// else is well, whoever still forms a quorum has to go on.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>

#include "tests/sim/nemesis.h"

namespace quorumbook::sim {
namespace {

// Until leaders have found out who reaches whom, and how long they then must stay, in election
// timeouts.
constexpr int kSettleElections = 10;
constexpr int kWatchElections = 10;
constexpr uint64_t kTermsMax = 2;

}  // namespace

// Nothing is wrong but what the plot does, and the members of the shard are those that run.
bool Nemesis::IsCalm(ShardId shard) {
  const int leader = cluster_.LeaderOf(shard);
  if (leader == 0) return false;
  const consensus::Configuration& members = cluster_.node(leader).replica(shard)->configuration();
  if (members.joint() || !members.learners.empty()) return false;
  size_t voters = 0;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    Node& node = cluster_.node(i);
    const auto draining = draining_.find(i);
    const bool ends = draining != draining_.end() && draining->second == node.life();
    if (!node.up() || node.paused() || ends || node.replica(shard) == nullptr) return false;
    if (node.device().slowness > 1 || node.device().stalled_until > context_.queue.now() ||
        node.disk_full()) {
      return false;
    }
    for (int j = 1; j <= cluster_.nodes(); ++j) {
      if (!cluster_.network().IsWell(i, j, context_.queue.now())) return false;
    }
    if (!members.IsVoter(node.member())) continue;
    // Who still has a joint configuration in force asks for votes that the leader does not count.
    if (node.replica(shard)->configuration() != members) return false;
    ++voters;
  }
  return voters == members.voters.size();
}

// A bridge, which alone reaches both sides, or a leader that reaches nobody; empty: nobody but them
// would form a quorum.
std::vector<std::pair<int, int>> Nemesis::DrawSiege(ShardId shard) {
  const int leader = cluster_.LeaderOf(shard);
  const consensus::Configuration& members = cluster_.node(leader).replica(shard)->configuration();
  const bool bridge = random_.OneIn(2);
  const int middle = bridge ? AnyNode() : leader;
  const uint64_t sides = random_.Next();
  const auto side = [&](int number) { return bridge ? sides >> number & 1 : uint64_t{0}; };
  std::vector<std::pair<int, int>> links;
  std::array<std::vector<NodeId>, 2> together;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (bridge || i != middle) {
      for (uint64_t s = 0; s < 2; ++s) {
        if (i == middle || side(i) == s) together[s].push_back(cluster_.node(i).member());
      }
    }
    for (int j = 1; j <= cluster_.nodes(); ++j) {
      const bool apart = bridge ? i != middle && j != middle && side(i) != side(j)
                                : i != j && (i == middle || j == middle);
      if (apart) links.emplace_back(i, j);
    }
  }
  if (!HasMajority(members.voters, together[0]) && !HasMajority(members.voters, together[1])) {
    links.clear();
  }
  return links;
}

// Leaders must not depose each other for ever across a bridge (9.6), and must not wait for one that
// is cut off.
void Nemesis::Siege() {
  if (plot_ || cluster_.nodes() < 3 || cluster_.traitor().member() != NodeId()) return;
  const ShardId shard = AnyShard();
  const auto watch = std::make_shared<SiegeWatch>();
  const SimTime election = context_.scenario.election_timeout_max.count();
  plot_.emplace();
  sieging_ = true;
  cluster_.network().SetQuiet(true);
  std::deque<PlotStep> steps;
  steps.push_back({.when = [this, shard] { return IsCalm(shard); },
                   .act =
                       [this, shard, watch, election] {
                         CutInstead(DrawSiege(shard));
                         // So that a group may fall silent, and be woken across the bridge.
                         if (random_.OneIn(2)) HushClients(shard, true);
                         if (IsFollowed(shard)) watch->leader = cluster_.LeaderOf(shard);
                         watch->leader_term = HighestTerm(shard);
                         watch->begins_at = context_.queue.now() + kSettleElections * election;
                         watch->ends_at = watch->begins_at + kWatchElections * election;
                         for (int i = 1; i <= cluster_.nodes(); ++i) {
                           watch->lives.push_back(cluster_.node(i).life());
                         }
                         plot_->give_up_at = watch->ends_at + election;
                       }});
  steps.push_back({.when = [this, watch] { return context_.queue.now() >= watch->begins_at; },
                   .act = [this, shard, watch] { watch->term = HighestTerm(shard); }});
  steps.push_back({.when = [this, watch] { return context_.queue.now() >= watch->ends_at; },
                   .act = [this, shard, watch] { CheckSiege(shard, *watch); }});
  StartPlot(shard, std::move(steps));
}

uint64_t Nemesis::HighestTerm(ShardId shard) {
  uint64_t highest = 0;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    const consensus::Raft* const raft = RaftOf(shard, i);
    if (raft != nullptr) highest = std::max(highest, raft->term().value());
  }
  return highest;
}

bool Nemesis::IsFollowed(ShardId shard) {
  const int leader = cluster_.LeaderOf(shard);
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    const consensus::Raft& raft = *RaftOf(shard, i);
    const bool follows = raft.role() == consensus::Role::kFollower &&
                         raft.leader() == cluster_.node(leader).member();
    if (i != leader && raft.configuration().IsVoter(cluster_.node(i).member()) && !follows) {
      return false;
    }
  }
  return true;
}

bool Nemesis::ReachesQuorum(ShardId shard, int number) {
  std::vector<NodeId> reached;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    const bool cut = std::ranges::any_of(plot_->cuts, [&](const std::pair<int, int>& link) {
      return link == std::pair(i, number) || link == std::pair(number, i);
    });
    if (!cut) reached.push_back(cluster_.node(i).member());
  }
  return HasMajority(RaftOf(shard, number)->configuration().voters, reached);
}

void Nemesis::CheckSiege(ShardId shard, const SiegeWatch& watch) {
  if (plot_->cuts.empty()) return;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (cluster_.node(i).life() != watch.lives[static_cast<size_t>(i) - 1]) return;
  }
  Fired(Fault::kSiege, 0);
  const uint64_t terms = HighestTerm(shard) - watch.term;
  if (terms > kTermsMax && !context_.scenario.priorities) {
    context_.Fail(absl::StrCat("shard ", shard.value(), ": leaders replace each other while a ",
                               "quorum is connected: ", terms, " terms in ", kWatchElections,
                               " election timeouts"));
  }
  // Who does not reach a leader asks others, who must not help to replace it (9.6).
  if (!context_.scenario.priorities && watch.leader != 0 && ReachesQuorum(shard, watch.leader) &&
      HighestTerm(shard) != watch.leader_term) {
    context_.Fail(absl::StrCat("shard ", shard.value(), ": node ", watch.leader,
                               ", which led a quorum that it reaches, was replaced"));
  }
  for (const auto& client : cluster_.clients()) {
    if (client->shard() != shard || client->idle()) continue;
    if (client->completed_asked_at() >= watch.begins_at) continue;
    context_.Fail(absl::StrCat("a quorum is connected and does not serve: ", client->Describe()));
  }
}

}  // namespace quorumbook::sim
