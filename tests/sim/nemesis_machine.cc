// The part of the nemesis that deals with disks and clocks, and with mending.
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "tests/sim/nemesis.h"

namespace quorumbook::sim {

using storage::RecordPlace;

void Nemesis::LogBitRot() {
  const int node = AnyNode();
  const ShardId shard = AnyShard();
  const storage::SimulatedDisk::Extent extent = cluster_.node(node).disk().extent(shard);
  if (!MayRot(node) || extent.first >= extent.end) return;
  const uint64_t index =
      extent.first.value() + random_.Below(extent.end.value() - extent.first.value());
  RecordPlace place{RecordPlace::Kind::kEntry, shard, consensus::Index(index)};
  if (extent.hard_state && random_.OneIn(8)) place.kind = RecordPlace::Kind::kHardState;
  if (extent.log_start && random_.OneIn(8)) place.kind = RecordPlace::Kind::kLogStart;
  if (!cluster_.node(node).disk().FlipBit(place, random_.Next())) return;
  Rots(node, Fault::kLogBitRot);
}

void Nemesis::SnapshotBitRot() {
  const int node = AnyNode();
  const RecordPlace place{RecordPlace::Kind::kSnapshot, AnyShard(), {}};
  if (!MayRot(node) || !cluster_.node(node).disk().FlipBit(place, random_.Next())) return;
  Rots(node, Fault::kSnapshotBitRot);
}

void Nemesis::MisdirectedWrite() {
  const int node = AnyNode();
  const ShardId shard = AnyShard();
  const storage::SimulatedDisk::Extent extent = cluster_.node(node).disk().extent(shard);
  if (!MayRot(node) || extent.end.value() < extent.first.value() + 2) return;
  const uint64_t size = extent.end.value() - extent.first.value();
  const RecordPlace from{RecordPlace::Kind::kEntry, shard,
                         consensus::Index(extent.first.value() + random_.Below(size))};
  const RecordPlace to{RecordPlace::Kind::kEntry, shard,
                       consensus::Index(extent.first.value() + random_.Below(size))};
  if (!cluster_.node(node).disk().Misdirect(from, to)) return;
  Rots(node, Fault::kMisdirectedWrite);
}

void Nemesis::SlowDisk() {
  const int node = LeaderOrAny();
  cluster_.node(node).device().slowness = static_cast<uint32_t>(Draw(3, 100));
  Later(Draw(kSecond, 15 * kSecond), [this, node] { cluster_.node(node).device().slowness = 1; });
  Line(Fault::kSlowDisk, node);
}

void Nemesis::StalledDisk() {
  const int node = LeaderOrAny();
  cluster_.node(node).device().stalled_until =
      context_.queue.now() + Draw(200 * kMillisecond, 10 * kSecond);
  Line(Fault::kStalledDisk, node);
}

void Nemesis::SyncError() {
  const int node = AnyUp();
  if (node == 0) return;
  cluster_.node(node).disk().FailNextSync();
  Line(Fault::kSyncError, node);
}

// That a write met it is counted where it does.
void Nemesis::DiskFull() {
  const int node = LeaderOrAny();
  cluster_.node(node).disk().SetFull(true);
  Later(Draw(100 * kMillisecond, 10 * kSecond),
        [this, node] { cluster_.node(node).disk().SetFull(false); });
}

void Nemesis::ClockSkew() {
  const int node = AnyNode();
  cluster_.node(node).clock().JumpWall(Draw(-5 * kSecond, 5 * kSecond));
  cluster_.node(node).ClockFault(Fault::kClockSkew);
  Line(Fault::kClockSkew, node);
}

// Within what lease reads allow: consensus::Options::clock_drift_percent.
void Nemesis::ClockDrift() {
  const int node = AnyNode();
  cluster_.node(node).clock().SetDrift(context_.queue.now(), Draw(-40'000, 40'000));
  cluster_.node(node).ClockFault(Fault::kClockDrift);
  Line(Fault::kClockDrift, node);
}

void Nemesis::ClockJump() {
  const int number = AnyNode();
  Node& node = cluster_.node(number);
  node.clock().JumpWall(Draw(-kHour, kHour));
  if (node.up() && !node.paused()) node.JumpSteadyClock(Draw(0, 3 * kSecond));
  node.ClockFault(Fault::kClockJump);
  Line(Fault::kClockJump, number);
}

// The map of faults. A member whose data is damaged counts until no configuration has it any more.
bool Nemesis::IsQuorum(const std::vector<NodeId>& members) {
  for (int i = 1; i <= cluster_.shards(); ++i) {
    if (!IsQuorumOf(ShardId(static_cast<uint64_t>(i)), members)) return false;
  }
  return true;
}

bool Nemesis::IsQuorumOf(ShardId shard, const std::vector<NodeId>& members) {
  const ShardChecks& checks = cluster_.checks(shard);
  for (const auto& [knower, known] : checks.members()) {
    const consensus::Configuration& configuration = known.configuration;
    const bool superseded = known.index < checks.members_index();
    if (configuration.empty() || superseded || damaged_.contains(knower)) continue;
    if (!HasMajority(configuration.voters, members)) return false;
    if (configuration.joint() && !HasMajority(configuration.voters_outgoing, members)) return false;
  }
  return true;
}

std::vector<NodeId> Nemesis::Whole() {
  std::vector<NodeId> whole;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    const NodeId member = cluster_.node(i).member();
    if (!damaged_.contains(member)) whole.push_back(member);
  }
  return whole;
}

bool Nemesis::MayDamage(int number) {
  const NodeId member = cluster_.node(number).member();
  for (int i = 1; i <= cluster_.shards(); ++i) {
    for (const auto& [knower, known] :
         cluster_.checks(ShardId(static_cast<uint64_t>(i))).members()) {
      if (known.configuration.IsLearner(member)) return false;  // it may be a voter soon
    }
  }
  std::vector<NodeId> whole = Whole();
  std::erase(whole, member);
  return IsQuorum(whole);
}

// Damage that is noticed later only: nobody else than a voter, or it could become one with it.
bool Nemesis::MayRot(int number) {
  for (int i = 1; i <= cluster_.shards(); ++i) {
    const ShardId shard(static_cast<uint64_t>(i));
    const int leader = cluster_.LeaderOf(shard);
    if (leader == 0 || !cluster_.node(leader).replica(shard)->configuration().IsVoter(
                           cluster_.node(number).member())) {
      return false;
    }
  }
  return MayDamage(number);
}

void Nemesis::Damaged(int number) { damaged_.insert(cluster_.node(number).member()); }

void Nemesis::Rots(int number, Fault fault) {
  Damaged(number);
  rotten_[cluster_.node(number).member()] = fault;
  Line(fault, number);
  if (!random_.OneIn(2)) return;
  Later(Draw(kMillisecond, 5 * kSecond), [this, number] {
    CrashAndRestart(number, Node::Loss::kNothing, Draw(10 * kMillisecond, kSecond));
  });
}

void Nemesis::BeginAnew(int number) {
  cluster_.node(number).Wipe();
  Later(Draw(100 * kMillisecond, 5 * kSecond), [this, number] { cluster_.Restart(number); });
}

std::vector<int> Nemesis::HealQuorum() {
  QB_CHECK(frozen_);
  std::vector<int> healed;
  std::vector<NodeId> members;
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    if (damaged_.contains(cluster_.node(i).member())) continue;
    healed.push_back(i);
    members.push_back(cluster_.node(i).member());
  }
  QB_CHECK(IsQuorum(members));
  // No more than it takes, whoever that is.
  for (uint64_t tries = 4 * healed.size(); tries > 0; --tries) {
    const auto place = static_cast<std::ptrdiff_t>(random_.Below(healed.size()));
    std::vector<NodeId> fewer = members;
    fewer.erase(fewer.begin() + place);
    if (!IsQuorum(fewer)) continue;
    members = fewer;
    healed.erase(healed.begin() + place);
  }
  cluster_.RestartOnly(healed);
  // A Byzantine leader is followed by those who have not found it out, and the others lag behind or
  // get no answers that are right: Raft does not tolerate it. So it does not go on for ever.
  for (int i = 1; i <= cluster_.nodes(); ++i) {
    const bool traitor = cluster_.node(i).member() == cluster_.traitor().member();
    if (traitor) cluster_.Crash(i, Node::Loss::kNothing);
  }
  for (const int i : healed) {
    Node& node = cluster_.node(i);
    node.device() = Device{};
    node.disk().SetFull(false);
    for (const int j : healed) cluster_.network().Heal(i, j);
  }
  // At times all processes start anew. Else those that work go on with all that they remember: what
  // is stuck in memory must come free by itself. But whose node forged, and has another disk and
  // new keys now, is heard again after a restart only.
  const bool all_anew = random_.OneIn(4) || cluster_.ForgerBeganAnew();
  for (const int i : healed) {
    Node& node = cluster_.node(i);
    const auto draining = draining_.find(i);
    const bool ends = draining != draining_.end() && draining->second == node.life();
    if (all_anew || node.paused() || ends) cluster_.Crash(i, Node::Loss::kNothing);
    cluster_.Restart(i);
  }
  return healed;
}

}  // namespace quorumbook::sim
