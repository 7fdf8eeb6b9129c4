// What goes wrong: draws faults of the scenario's classes, and keeps a map of those that destroy
// data, so that of everything committed a safe majority stays whole: loss is never excusable.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/random.h"

namespace quorumbook::sim {

class Nemesis {
 public:
  explicit Nemesis(Cluster* cluster);

  void Start();
  // Leaves everything as it is: nothing more breaks, and nothing mends by itself.
  void Freeze() { frozen_ = true; }
  // Picks a majority of nodes whose data is whole and mends them and the links between them; the
  // rest stays as it is. REQUIRES: frozen.
  std::vector<int> HealQuorum();

 private:
  using Strike = void (Nemesis::*)();

  void Schedule(Fault fault, Strike strike);
  // Calls back later, unless frozen by then.
  void Later(SimTime delay, absl::AnyInvocable<void()> action);
  SimTime Draw(SimTime low, SimTime high) { return random_.Between(low, high); }
  void Fired(Fault fault, int number);

  int AnyNode();
  int AnyUp();  // 0: none
  ShardId AnyShard();
  // The same, but a leader if there is one in half of the cases.
  int LeaderOrAny();
  void CrashAndRestart(int number, Node::Loss loss, SimTime downtime);
  void CutForAWhile(const std::vector<std::pair<int, int>>& links, SimTime time);
  std::vector<NodeId> Whole();
  // Whether data of this node may be destroyed.
  bool MayDamage(int number);
  bool MayRot(int number);
  // Whether `members` are a quorum of everything that may be the configuration in force.
  bool IsQuorum(const std::vector<NodeId>& members);
  void Damaged(int number);
  // The node begins anew, with an empty disk and as somebody else.
  void BeginAnew(int number);

  void Clog();
  void OneWayPartition();
  void SplitPartition();
  void Bridge();
  void IsolatedLeader();
  void CrashNode();
  void CrashLeader();
  void CrashLoop();
  void CrashAgain(int number, int times);
  void Pause();
  void ClusterPowerLoss();
  void LostWrites();
  void TornWrite();
  void LogBitRot();
  void SnapshotBitRot();
  void MisdirectedWrite();
  void SlowDisk();
  void StalledDisk();
  void SyncError();
  void DiskFull();
  void ClockSkew();
  void ClockDrift();
  void ClockJump();
  void MembershipChange();
  void NodeReplaced();
  void LeadershipTransfer();
  void Drain();
  void SnapshotUnderLoad();

  Cluster& cluster_;
  Context& context_;
  Random random_;
  bool frozen_ = false;
  std::set<NodeId> damaged_;  // members whose data is not what it was
};

}  // namespace quorumbook::sim
