#include "tests/sim/nemesis.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace quorumbook::sim {

Nemesis::Nemesis(Cluster* cluster)
    : cluster_(*cluster),
      context_(cluster->context()),
      random_(cluster->context().scenario.seed, "nemesis") {}

void Nemesis::Start() {
  cluster_.SetOnDamage([this](int number) {
    if (!damaged_.contains(cluster_.node(number).member())) {
      context_.Fail(absl::StrCat("node ", number, ": data is damaged though nothing damaged it"));
    }
    const auto rotten = rotten_.find(cluster_.node(number).member());
    if (rotten != rotten_.end()) {
      context_.fired.Add(rotten->second);
      rotten_.erase(rotten);
    }
    BeginAnew(number);
  });
  // It does not count as one that is whole.
  if (cluster_.traitor().member() != NodeId()) damaged_.insert(cluster_.traitor().member());
  Schedule(Fault::kMembershipChange, &Nemesis::MembershipChange);
  Schedule(Fault::kNodeReplaced, &Nemesis::NodeReplaced);
  Schedule(Fault::kClog, &Nemesis::Clog);
  Schedule(Fault::kBlackHole, &Nemesis::BlackHole);
  Schedule(Fault::kSlowLink, &Nemesis::SlowLink);
  Schedule(Fault::kOneWayPartition, &Nemesis::OneWayPartition);
  Schedule(Fault::kSplitPartition, &Nemesis::SplitPartition);
  Schedule(Fault::kBridge, &Nemesis::Bridge);
  Schedule(Fault::kIsolatedLeader, &Nemesis::IsolatedLeader);
  Schedule(Fault::kCrash, &Nemesis::CrashNode);
  Schedule(Fault::kLeaderCrash, &Nemesis::CrashLeader);
  Schedule(Fault::kCrashLoop, &Nemesis::CrashLoop);
  Schedule(Fault::kPause, &Nemesis::Pause);
  Schedule(Fault::kClusterPowerLoss, &Nemesis::ClusterPowerLoss);
  Schedule(Fault::kLostWrites, &Nemesis::LostWrites);
  Schedule(Fault::kTornWrite, &Nemesis::TornWrite);
  Schedule(Fault::kLogBitRot, &Nemesis::LogBitRot);
  Schedule(Fault::kSnapshotBitRot, &Nemesis::SnapshotBitRot);
  Schedule(Fault::kMisdirectedWrite, &Nemesis::MisdirectedWrite);
  Schedule(Fault::kRolledBackDisk, &Nemesis::RolledBackDisk);
  Schedule(Fault::kSlowDisk, &Nemesis::SlowDisk);
  Schedule(Fault::kStalledDisk, &Nemesis::StalledDisk);
  Schedule(Fault::kSyncError, &Nemesis::SyncError);
  Schedule(Fault::kDiskFull, &Nemesis::DiskFull);
  Schedule(Fault::kClockSkew, &Nemesis::ClockSkew);
  Schedule(Fault::kClockDrift, &Nemesis::ClockDrift);
  Schedule(Fault::kClockJump, &Nemesis::ClockJump);
  Schedule(Fault::kLeadershipTransfer, &Nemesis::LeadershipTransfer);
  Schedule(Fault::kDrain, &Nemesis::Drain);
  Schedule(Fault::kSnapshotUnderLoad, &Nemesis::SnapshotUnderLoad);
  Schedule(Fault::kLonelyNode, &Nemesis::LonelyNode);
  Schedule(Fault::kStaleLeader, &Nemesis::StaleLeader);
  Schedule(Fault::kStrandedCandidate, &Nemesis::StrandedCandidate);
  Schedule(Fault::kDisputedEntry, &Nemesis::DisputedEntry);
  Schedule(Fault::kDisputedMembers, &Nemesis::DisputedMembers);
  Schedule(Fault::kSiege, &Nemesis::Siege);
  cluster_.SetOnForgotten([this](NodeId member) { return Forgot(member); });
  cluster_.SetOnStep([this] { ContinuePlot(); });
  // The moment at which most of a store changes.
  cluster_.SetOnSnapshot([this](int number) {
    if (!context_.scenario.has(Fault::kLostWrites) || sieging_ || !random_.OneIn(2)) return;
    Later(Draw(0, context_.scenario.sync_time), [this, number] {
      CrashAndRestart(number, Node::Loss::kSome, Draw(10 * kMillisecond, kSecond));
    });
  });
}

void Nemesis::Schedule(Fault fault, Strike strike) {
  const SimTime mean = context_.scenario.fault(fault);
  if (mean == 0) return;
  Later(Draw(1, 2 * mean), [this, fault, strike] {
    if (!sieging_) (this->*strike)();
    Schedule(fault, strike);
  });
}

void Nemesis::Later(SimTime delay, absl::AnyInvocable<void()> action) {
  context_.queue.After(delay, [this, action = std::move(action)]() mutable {
    if (!frozen_) action();
  });
}

void Nemesis::Fired(Fault fault, int number) {
  context_.fired.Add(fault);
  Line(fault, number);
}

void Nemesis::Line(Fault fault, int number) {
  if (!context_.trace.verbose()) return;
  cluster_.Line(absl::StrCat("fault: ", NameOf(fault).data(),
                             number == 0 ? "" : absl::StrCat(", node ", number)));
}

int Nemesis::AnyNode() {
  return 1 + static_cast<int>(random_.Below(static_cast<uint64_t>(cluster_.nodes())));
}

int Nemesis::AnyUp() {
  std::vector<int> up;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (cluster_.node(i).up()) up.push_back(i);
  }
  return up.empty() ? 0 : random_.Pick(up);
}

ShardId Nemesis::AnyShard() {
  return ShardId(1 + random_.Below(static_cast<uint64_t>(cluster_.shards())));
}

int Nemesis::LeaderOrAny() {
  const int leader = random_.OneIn(2) ? cluster_.LeaderOf(AnyShard()) : 0;
  return leader != 0 ? leader : AnyNode();
}

void Nemesis::CrashAndRestart(int number, Node::Loss loss, SimTime downtime) {
  cluster_.Crash(number, loss);
  Later(downtime, [this, number] { cluster_.Restart(number); });
}

void Nemesis::CutForAWhile(const std::vector<std::pair<int, int>>& links, SimTime time,
                           std::optional<Fault> why) {
  for (const auto& [from, to] : links) cluster_.network().Cut(from, to, true, why);
  Later(time, [this, links] {
    for (const auto& [from, to] : links) cluster_.network().Cut(from, to, false);
  });
}

// The network.

void Nemesis::Clog() {
  const int from = AnyNode();
  const int to = AnyNode();
  if (from == to) return;
  cluster_.network().Clog(from, to, context_.queue.now() + Draw(kMillisecond, 3 * kSecond));
  Line(Fault::kClog, from);
}

// Who speaks through it is heard, and gets nothing done. That packets were lost is counted where
// they are.
void Nemesis::BlackHole() {
  const int node = LeaderOrAny();
  const uint64_t largest = random_.Below(256);
  for (int i = 1; i <= cluster_.nodes(); ++i) cluster_.network().LoseLarger(node, i, largest);
  Later(Draw(kSecond, 30 * kSecond), [this, node] {
    for (int i = 1; i <= cluster_.nodes(); ++i) {
      cluster_.network().LoseLarger(node, i, Network::kAnySize);
    }
  });
}

// Large snapshots take their time, and what is small waits behind them. That something had to wait
// is counted where it does.
void Nemesis::SlowLink() {
  const int node = LeaderOrAny();
  const uint64_t bytes_per_second = uint64_t{16'384} << random_.Below(8);
  const auto set = [this, node](uint64_t bandwidth) {
    for (int i = 1; i <= cluster_.nodes(); ++i) {
      cluster_.network().SetBandwidth(node, i, bandwidth);
    }
  };
  set(bytes_per_second);
  Later(Draw(kSecond, 30 * kSecond), [set] { set(0); });
}

void Nemesis::OneWayPartition() {
  const int node = LeaderOrAny();
  const bool out = random_.OneIn(2);
  std::vector<std::pair<int, int>> links;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (i == node || random_.OneIn(3)) continue;
    links.emplace_back(out ? node : i, out ? i : node);
  }
  if (links.empty()) return;
  CutForAWhile(links, Draw(100 * kMillisecond, 10 * kSecond), Fault::kOneWayPartition);
  Line(Fault::kOneWayPartition, node);
}

void Nemesis::SplitPartition() {
  std::vector<std::pair<int, int>> links;
  const uint64_t side = random_.Next();
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    for (int j = 1; j <= cluster_.nodes(); ++j) {
      if ((side >> i & 1) != (side >> j & 1)) links.emplace_back(i, j);
    }
  }
  if (links.empty()) return;
  CutForAWhile(links, Draw(100 * kMillisecond, 15 * kSecond), Fault::kSplitPartition);
  Line(Fault::kSplitPartition, 0);
}

// Two halves that only one node reaches both of: without pre-vote and check-quorum they depose
// each other's leaders for ever.
void Nemesis::Bridge() {
  if (cluster_.nodes() < 3) return;
  const int bridge = AnyNode();
  std::vector<std::pair<int, int>> links;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    for (int j = 1; j <= cluster_.nodes(); ++j) {
      if (i != bridge && j != bridge && i % 2 != j % 2) links.emplace_back(i, j);
    }
  }
  if (links.empty()) return;
  CutForAWhile(links, Draw(kSecond, 20 * kSecond), Fault::kBridge);
  Line(Fault::kBridge, bridge);
}

void Nemesis::IsolatedLeader() {
  const int leader = cluster_.LeaderOf(AnyShard());
  if (leader == 0 || cluster_.nodes() == 1) return;
  std::vector<std::pair<int, int>> links;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (i == leader) continue;
    links.emplace_back(leader, i);
    links.emplace_back(i, leader);
  }
  CutForAWhile(links, Draw(100 * kMillisecond, 10 * kSecond), Fault::kIsolatedLeader);
  Line(Fault::kIsolatedLeader, leader);
}

// A follower is cut off until the others have dropped the entries that it needs; that it then was
// sent a snapshot is counted where it is restored.
void Nemesis::SnapshotUnderLoad() {
  const int node = AnyNode();
  std::vector<std::pair<int, int>> links;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (i != node) links.emplace_back(i, node);
  }
  CutForAWhile(links, Draw(5 * kSecond, 20 * kSecond));
}

// Processes.

void Nemesis::CrashNode() {
  const int node = AnyUp();
  if (node == 0) return;
  Fired(Fault::kCrash, node);
  CrashAndRestart(node, Node::Loss::kNothing, Draw(10 * kMillisecond, 10 * kSecond));
}

void Nemesis::CrashLeader() {
  const int leader = cluster_.LeaderOf(AnyShard());
  if (leader == 0) return;
  for (int i = 1; context_.scenario.one_down && i <= cluster_.nodes(); ++i) {
    if (!cluster_.node(i).up()) return;
  }
  Fired(Fault::kLeaderCrash, leader);
  CrashAndRestart(leader, random_.OneIn(2) ? Node::Loss::kNothing : Node::Loss::kSome,
                  Draw(10 * kMillisecond, 10 * kSecond));
}

void Nemesis::CrashLoop() { CrashAgain(AnyNode(), static_cast<int>(Draw(3, 10))); }

void Nemesis::CrashAgain(int number, int times) {
  if (cluster_.node(number).up()) Fired(Fault::kCrashLoop, number);
  cluster_.Crash(number, random_.OneIn(2) ? Node::Loss::kNothing : Node::Loss::kSome);
  Later(Draw(kMillisecond, kSecond), [this, number, times] {
    cluster_.Restart(number);
    if (times == 1) return;
    Later(Draw(0, kSecond), [this, number, times] { CrashAgain(number, times - 1); });
  });
}

void Nemesis::Pause() {
  const int node = LeaderOrAny();
  if (!cluster_.node(node).up()) return;
  Line(Fault::kPause, node);
  cluster_.node(node).PauseUntil(context_.queue.now() + Draw(10 * kMillisecond, 5 * kSecond));
}

void Nemesis::ClusterPowerLoss() {
  if (AnyUp() != 0) Fired(Fault::kClusterPowerLoss, 0);
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    CrashAndRestart(i, random_.OneIn(2) ? Node::Loss::kAll : Node::Loss::kTorn,
                    Draw(kSecond, 3 * kSecond));
  }
}

void Nemesis::LostWrites() {
  const int node = AnyUp();
  if (node == 0) return;
  CrashAndRestart(node, random_.OneIn(2) ? Node::Loss::kAll : Node::Loss::kSome,
                  Draw(10 * kMillisecond, 5 * kSecond));
}

void Nemesis::TornWrite() {
  const int node = AnyUp();
  if (node == 0) return;
  CrashAndRestart(node, Node::Loss::kTorn, Draw(10 * kMillisecond, 5 * kSecond));
}

// Not such that too few would be left whose data is whole.
void Nemesis::MembershipChange() {
  const ShardId shard = AnyShard();
  const int leader = cluster_.LeaderOf(shard);
  if (leader == 0 || cluster_.node(leader).paused()) return;
  const int number = AnyNode();
  const NodeId member = cluster_.node(number).member();
  const consensus::Configuration& members = cluster_.node(leader).replica(shard)->configuration();
  const bool is_member = members.Contains(member);
  std::vector<NodeId> voters = members.voters;
  std::erase(voters, member);
  if (is_member ? !HasMajority(voters, Whole()) : damaged_.contains(member)) return;
  // Who was taken out comes back with an empty disk only, and may have to be asked for again. An
  // operator may not know that, and is refused.
  if (members.IsRetired(member) && random_.OneIn(2)) return ReplaceNode(number);
  Line(Fault::kMembershipChange, number);
  const NodeId node(static_cast<uint64_t>(number));
  cluster_.node(leader).replica(shard)->Call(
      [node, is_member, context = &context_](server::Replica& replica) {
        replica.ChangeMember(
            node, !is_member,
            [context](const server::Refusal* refusal, const consensus::Configuration&) {
              if (refusal == nullptr) context->fired.Add(Fault::kMembershipChange);
            });
      });
}

// The machine of a node is exchanged for another with an empty disk.
void Nemesis::NodeReplaced() { ReplaceNode(AnyNode()); }

void Nemesis::ReplaceNode(int node) {
  if (!MayDamage(node)) return;
  Fired(Fault::kNodeReplaced, node);
  Damaged(node);
  cluster_.Crash(node, Node::Loss::kAll);
  BeginAnew(node);
}

void Nemesis::LeadershipTransfer() {
  const ShardId shard = AnyShard();
  const int leader = cluster_.LeaderOf(shard);
  if (leader == 0) return;
  Line(Fault::kLeadershipTransfer, leader);
  const NodeId target = random_.OneIn(2) ? NodeId() : NodeId(static_cast<uint64_t>(AnyNode()));
  cluster_.node(leader).replica(shard)->Call(
      [target, context = &context_](server::Replica& replica) {
        replica.TransferLeadership(target, [context](const server::Refusal* refusal, NodeId) {
          if (refusal == nullptr) context->fired.Add(Fault::kLeadershipTransfer);
        });
      });
}

// A planned restart, as of an upgrade.
void Nemesis::Drain() {
  const int node = LeaderOrAny();
  if (!cluster_.node(node).up()) return;
  Line(Fault::kDrain, node);
  for (int i = 1; i <= cluster_.shards(); ++i) {
    cluster_.node(node)
        .replica(ShardId(static_cast<uint64_t>(i)))
        ->Call([](server::Replica& replica) { replica.Drain([] {}); });
  }
  draining_[node] = cluster_.node(node).life();
  // A process that was told to stop does so, whatever else happens.
  context_.queue.After(4 * kSecond, [this, node, life = cluster_.node(node).life()] {
    if (cluster_.node(node).life() != life) return;
    context_.fired.Add(Fault::kDrain);
    CrashAndRestart(node, Node::Loss::kNothing, Draw(10 * kMillisecond, kSecond));
  });
}

}  // namespace quorumbook::sim
