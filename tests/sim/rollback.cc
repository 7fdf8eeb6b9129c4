// The part of the nemesis that puts an older copy of a disk back, as an operator does who takes a
// backup for a disk, or a machine that is rolled back.
//
// What such a node said it had, and has not, Raft can not give back. So it happens only where
// everything that is forgotten is whole on a majority without it, and no vote is forgotten. What is
// asked for: the leader finds it out, nothing is lost, and the node gets it all again or, told so
// by its operator, begins anew.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>

#include "tests/sim/nemesis.h"

namespace quorumbook::sim {
namespace {

// Until it must be found out and have all again, in election timeouts.
constexpr int kFindElections = 10;

}  // namespace

struct Nemesis::Rollback {
  struct Shard {
    consensus::HardState vote;
    consensus::Index members;  // of the configuration that it knows
    consensus::Index end;      // behind its log
  };

  ShardId shard;
  int node = 0;
  uint64_t life = 0;
  std::shared_ptr<const storage::SimulatedDisk::Copy> copy;
  std::vector<Shard> shards;
  // Once it was put back.
  bool done = false;
  NodeId member;
  int leader = 0;
  uint64_t leader_life = 0;
  consensus::Term term;
  consensus::Index commit;
  consensus::Index had;
  SimTime ends_at = 0;
};

void Nemesis::RolledBackDisk() {
  const ShardId shard = AnyShard();
  const int leader = cluster_.LeaderOf(shard);
  if (plot_ || leader == 0 || cluster_.traitor().member() != NodeId()) return;
  std::vector<int> voters = Voters(shard, leader);
  std::erase(voters, leader);
  if (voters.empty()) return;
  const auto rollback = std::make_shared<Rollback>();
  rollback->shard = shard;
  rollback->node = random_.Pick(voters);
  plot_.emplace();
  // Else it is excused: by a leader that knows nothing of it, or does not hear it.
  sieging_ = true;
  cluster_.network().SetQuiet(true);
  std::deque<PlotStep> steps;
  steps.push_back({.when = [this, shard] { return IsCalm(shard); },
                   .act = [this, rollback] { CopyDisk(rollback.get()); }});
  steps.push_back({.when = [this, rollback] { return MayRollBack(*rollback); },
                   .act =
                       [this, rollback] {
                         rollback->ends_at =
                             context_.queue.now() + kSecond +
                             kFindElections * context_.scenario.election_timeout_max.count();
                         plot_->give_up_at = rollback->ends_at + kSecond;
                         Later(0, [this, rollback] {
                           if (MayRollBack(*rollback)) RollBack(rollback.get());
                         });
                       }});
  steps.push_back({.when = [this, rollback] { return context_.queue.now() >= rollback->ends_at; },
                   .act = [this, rollback] { CheckRollback(*rollback); }});
  StartPlot(shard, std::move(steps));
}

void Nemesis::CopyDisk(Rollback* rollback) {
  Node& node = cluster_.node(rollback->node);
  rollback->life = node.life();
  rollback->copy = node.disk().MakeCopy();
  for (int i = 1; i <= cluster_.shards(); ++i) {
    const ShardId shard(static_cast<uint64_t>(i));
    ShardChecks& checks = cluster_.checks(shard);
    const auto known = checks.members().find(node.member());
    rollback->shards.push_back(
        {.vote = checks.durable(node.member()).hard_state(),
         .members = known == checks.members().end() ? consensus::Index() : known->second.index,
         .end = node.disk().extent(shard).end});
  }
}

// Something that the leader knows it has would be forgotten; no vote, no configuration, and nothing
// that is not whole on a majority without it.
bool Nemesis::MayRollBack(const Rollback& rollback) {
  Node& node = cluster_.node(rollback.node);
  const NodeId member = node.member();
  if (node.life() != rollback.life || node.paused() || damaged_.contains(member)) return false;
  const int leader = cluster_.LeaderOf(rollback.shard);
  if (leader == 0 || leader == rollback.node) return false;
  const consensus::RaftStatus status = RaftOf(rollback.shard, leader)->status();
  const auto peer = std::ranges::find(status.peers, member, &consensus::PeerProgress::id);
  const consensus::Index end = rollback.shards[rollback.shard.value() - 1].end;
  if (peer == status.peers.end() || peer->match < end || !MayDamage(rollback.node)) return false;
  std::vector<NodeId> others = Whole();
  std::erase(others, member);
  for (int i = 1; i <= cluster_.shards(); ++i) {
    const ShardId shard(static_cast<uint64_t>(i));
    ShardChecks& checks = cluster_.checks(shard);
    const Rollback::Shard& then = rollback.shards[static_cast<size_t>(i) - 1];
    const consensus::HardState& now = checks.durable(member).hard_state();
    const auto known = checks.members().find(member);
    if (now.term != then.vote.term || now.vote != then.vote.vote ||
        known == checks.members().end() || known->second.index != then.members) {
      return false;
    }
    std::vector<NodeId> holders = checks.HoldersOfAllOf(member);
    std::erase_if(holders,
                  [&](NodeId holder) { return std::ranges::find(others, holder) == others.end(); });
    if (!IsQuorumOf(shard, holders)) return false;
  }
  return true;
}

void Nemesis::RollBack(Rollback* rollback) {
  const int number = rollback->node;
  const ShardId shard = rollback->shard;
  rollback->done = true;
  rollback->member = cluster_.node(number).member();
  rollback->leader = cluster_.LeaderOf(shard);
  rollback->leader_life = cluster_.node(rollback->leader).life();
  rollback->term = RaftOf(shard, rollback->leader)->term();
  rollback->commit = RaftOf(shard, rollback->leader)->commit();
  rollback->had = cluster_.checks(shard).durable(rollback->member).last();
  Line(Fault::kRolledBackDisk, number);
  Damaged(number);
  rolled_back_[rollback->member] = false;
  for (int i = 1; i <= cluster_.shards(); ++i) {
    cluster_.checks(ShardId(static_cast<uint64_t>(i))).RolledBack(rollback->member);
  }
  cluster_.Crash(number, random_.OneIn(2) ? Node::Loss::kNothing : Node::Loss::kAll);
  cluster_.node(number).PutBack(*rollback->copy);
  Later(Draw(10 * kMillisecond, kSecond), [this, number] { cluster_.Restart(number); });
}

// Who is found out goes on, and is brought up to date; or its operator hears of it, and lets it
// begin anew.
bool Nemesis::Forgot(NodeId member) {
  const auto rolled_back = rolled_back_.find(member);
  if (rolled_back == rolled_back_.end()) return false;
  if (std::exchange(rolled_back->second, true)) return true;
  context_.fired.Add(Fault::kRolledBackDisk);
  if (!random_.OneIn(2)) return true;
  Later(Draw(0, kSecond), [this, member] {
    for (int i = 1; i <= cluster_.nodes(); ++i) {
      if (cluster_.node(i).member() != member) continue;
      cluster_.Crash(i, Node::Loss::kNothing);
      BeginAnew(i);
    }
  });
  return true;
}

void Nemesis::CheckRollback(const Rollback& rollback) {
  const ShardId shard = rollback.shard;
  const consensus::Raft* const leader = rollback.done ? RaftOf(shard, rollback.leader) : nullptr;
  if (leader == nullptr || cluster_.node(rollback.leader).life() != rollback.leader_life ||
      !Leads(shard, rollback.leader) || leader->term() != rollback.term ||
      leader->commit() == rollback.commit) {
    return;
  }
  const std::string who = absl::StrCat("shard ", shard.value(), " node ", rollback.node);
  const bool has_again = cluster_.checks(shard).durable(rollback.member).last() >= rollback.had;
  // A snapshot that it was about to be sent anyway may have brought it all again, unasked.
  if (!has_again && !rolled_back_[rollback.member]) {
    return context_.Fail(absl::StrCat(
        who, " lacks entries that it had acknowledged, and its leader does not see it"));
  }
  const consensus::RaftStatus status = leader->status();
  const auto peer = std::ranges::find(status.peers, rollback.member, &consensus::PeerProgress::id);
  if (cluster_.node(rollback.node).member() != rollback.member ||
      !cluster_.node(rollback.node).up() || peer == status.peers.end() || peer->snapshotting) {
    return;
  }
  if (!has_again) {
    context_.Fail(absl::StrCat(who, " does not get again what it forgot"));
  }
}

}  // namespace quorumbook::sim
