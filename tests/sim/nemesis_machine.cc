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
  if (!MayDamage(node) || extent.first >= extent.end) return;
  const uint64_t index =
      extent.first.value() + random_.Below(extent.end.value() - extent.first.value());
  RecordPlace place{RecordPlace::Kind::kEntry, shard, consensus::Index(index)};
  if (extent.hard_state && random_.OneIn(8)) place.kind = RecordPlace::Kind::kHardState;
  if (extent.log_start && random_.OneIn(8)) place.kind = RecordPlace::Kind::kLogStart;
  if (!cluster_.node(node).disk().FlipBit(place, random_.Next())) return;
  damaged_.insert(node);
  Fired(Fault::kLogBitRot, node);
}

void Nemesis::SnapshotBitRot() {
  const int node = AnyNode();
  const RecordPlace place{RecordPlace::Kind::kSnapshot, AnyShard(), {}};
  if (!MayDamage(node) || !cluster_.node(node).disk().FlipBit(place, random_.Next())) return;
  damaged_.insert(node);
  Fired(Fault::kSnapshotBitRot, node);
}

void Nemesis::MisdirectedWrite() {
  const int node = AnyNode();
  const ShardId shard = AnyShard();
  const storage::SimulatedDisk::Extent extent = cluster_.node(node).disk().extent(shard);
  if (!MayDamage(node) || extent.end.value() < extent.first.value() + 2) return;
  const uint64_t size = extent.end.value() - extent.first.value();
  const RecordPlace from{RecordPlace::Kind::kEntry, shard,
                         consensus::Index(extent.first.value() + random_.Below(size))};
  const RecordPlace to{RecordPlace::Kind::kEntry, shard,
                       consensus::Index(extent.first.value() + random_.Below(size))};
  if (!cluster_.node(node).disk().Misdirect(from, to)) return;
  damaged_.insert(node);
  Fired(Fault::kMisdirectedWrite, node);
}

void Nemesis::SlowDisk() {
  const int node = LeaderOrAny();
  cluster_.node(node).device().slowness = static_cast<uint32_t>(Draw(3, 100));
  Later(Draw(kSecond, 15 * kSecond), [this, node] { cluster_.node(node).device().slowness = 1; });
  Fired(Fault::kSlowDisk, node);
}

void Nemesis::StalledDisk() {
  const int node = LeaderOrAny();
  cluster_.node(node).device().stalled_until =
      context_.queue.now() + Draw(200 * kMillisecond, 10 * kSecond);
  Fired(Fault::kStalledDisk, node);
}

void Nemesis::SyncError() {
  const int node = AnyUp();
  if (node == 0) return;
  cluster_.node(node).disk().FailNextSync();
  Fired(Fault::kSyncError, node);
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
  Fired(Fault::kClockSkew, node);
}

// Within what lease reads allow: consensus::Options::clock_drift_percent.
void Nemesis::ClockDrift() {
  const int node = AnyNode();
  cluster_.node(node).clock().SetDrift(context_.queue.now(), Draw(-40'000, 40'000));
  Fired(Fault::kClockDrift, node);
}

void Nemesis::ClockJump() {
  const int node = AnyNode();
  cluster_.node(node).clock().JumpWall(Draw(-kHour, kHour));
  Fired(Fault::kClockJump, node);
}

std::vector<int> Nemesis::HealQuorum() {
  QB_CHECK(frozen_);
  std::vector<int> whole;
  for (int i = 1; i <= context_.scenario.nodes; ++i) {
    if (!damaged_.contains(i)) whole.push_back(i);
  }
  const size_t majority = static_cast<size_t>(context_.scenario.nodes) / 2 + 1;
  QB_CHECK(whole.size() >= majority);
  while (whole.size() > majority) {
    whole.erase(whole.begin() + static_cast<std::ptrdiff_t>(random_.Below(whole.size())));
  }
  cluster_.RestartOnly(whole);
  for (const int i : whole) {
    Node& node = cluster_.node(i);
    node.device() = Device{};
    node.disk().SetFull(false);
    for (const int j : whole) cluster_.network().Heal(i, j);
    // Its process starts anew, whatever state it is in: a sync that is to fail would end it.
    cluster_.Crash(i, Node::Loss::kNothing);
    cluster_.Restart(i);
  }
  return whole;
}

}  // namespace quorumbook::sim
