// What goes wrong: draws faults of the scenario's classes, and keeps a map of those that destroy
// data, so that of everything committed a safe majority stays whole: loss is never excusable.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/random.h"

namespace quorumbook::sim {

// What is done at a moment for which one waits: `when` is asked after each step of a replica and
// each beat, and must not change anything.
struct PlotStep {
  std::function<bool()> when;
  std::function<void()> act;
};
struct Plot {
  std::deque<PlotStep> steps;
  SimTime give_up_at = 0;
  std::vector<std::pair<int, int>> cuts;
  // Where and of which shard everybody reads meanwhile; 0: nowhere.
  int watched = 0;
  ShardId shard;
};

class Nemesis {
 public:
  explicit Nemesis(Cluster* cluster);

  void Start();
  // Leaves everything as it is: nothing more breaks, and nothing mends by itself.
  void Freeze();
  // Picks a majority of nodes whose data is whole and mends them and the links between them; the
  // rest stays as it is. Processes that work go on, in three of four seeds. REQUIRES: frozen.
  std::vector<int> HealQuorum();

 private:
  using Strike = void (Nemesis::*)();

  void Schedule(Fault fault, Strike strike);
  // Calls back later, unless frozen by then.
  void Later(SimTime delay, absl::AnyInvocable<void()> action);
  SimTime Draw(SimTime low, SimTime high) { return random_.Between(low, high); }
  void Line(Fault fault, int number);
  // Line, and counts it: for those whose effect is certain.
  void Fired(Fault fault, int number);

  int AnyNode();
  int AnyUp();  // 0: none
  ShardId AnyShard();
  // The same, but a leader if there is one in half of the cases.
  int LeaderOrAny();
  void CrashAndRestart(int number, Node::Loss loss, SimTime downtime);
  void CutForAWhile(const std::vector<std::pair<int, int>>& links, SimTime time,
                    std::optional<Fault> why = std::nullopt);
  std::vector<NodeId> Whole();
  // Whether data of this node may be destroyed.
  bool MayDamage(int number);
  bool MayRot(int number);
  // Whether `members` are a quorum of everything that may be the configuration in force.
  bool IsQuorum(const std::vector<NodeId>& members);
  bool IsQuorumOf(ShardId shard, const std::vector<NodeId>& members);
  void Damaged(int number);
  // Its data rots, which counts when it is found. In half of the cases the node starts anew soon,
  // so that what only lay there is read.
  void Rots(int number, Fault fault);
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
  void BlackHole();
  void SlowLink();
  void ClockSkew();
  void ClockDrift();
  void ClockJump();
  void MembershipChange();
  void NodeReplaced();
  void ReplaceNode(int node);
  void LeadershipTransfer();
  void Drain();
  void SnapshotUnderLoad();

  // plots.cc.
  void StartPlot(ShardId shard, std::deque<PlotStep> steps);
  void ContinuePlot();
  void BeatPlot();
  void EndPlot();
  // Instead of what the plot has cut so far: only nodes of one group reach each other.
  void Separate(const std::vector<std::vector<int>>& groups);
  void CutInstead(std::vector<std::pair<int, int>> cuts);
  std::vector<int> AllBut(std::vector<int> nodes);
  std::vector<int> Voters(ShardId shard, int leader);
  const consensus::Raft* RaftOf(ShardId shard, int node);
  bool Leads(ShardId shard, int node);
  void HushClients(ShardId shard, bool quiet);
  void ReconnectClients(ShardId shard, int node);
  void CallSoon(ShardId shard, int node, std::function<void(server::Replica&)> use);
  void ChangeMembersSoon(ShardId shard, int leader, int leaving);
  void LonelyNode();
  void CheckLonely(int number, uint64_t life, const std::vector<consensus::Term>& terms);
  void StaleLeader();
  void StrandedCandidate();
  void DisputedEntry();
  void DisputedMembers();

  // siege.cc.
  struct SiegeWatch {
    SimTime begins_at = 0;
    SimTime ends_at = 0;
    uint64_t term = 0;  // the highest when it begins
    std::vector<uint64_t> lives;
    int leader = 0;  // when the links were cut, if all voters followed it
    uint64_t leader_term = 0;
  };
  void Siege();
  // Whether all voters follow the leader.
  bool IsFollowed(ShardId shard);
  // Over links that the plot has not cut.
  bool ReachesQuorum(ShardId shard, int number);
  void CheckSiege(ShardId shard, const SiegeWatch& watch);
  bool IsCalm(ShardId shard);
  std::vector<std::pair<int, int>> DrawSiege(ShardId shard);
  uint64_t HighestTerm(ShardId shard);

  // rollback.cc.
  struct Rollback;
  void RolledBackDisk();
  void CopyDisk(Rollback* rollback);
  bool MayRollBack(const Rollback& rollback);
  void RollBack(Rollback* rollback);
  // `member` is said to have forgotten what it acknowledged. Returns whether that is so.
  bool Forgot(NodeId member);
  void CheckRollback(const Rollback& rollback);

  Cluster& cluster_;
  Context& context_;
  Random random_;
  bool frozen_ = false;
  bool sieging_ = false;                // nothing else is to happen
  std::set<NodeId> damaged_;            // members whose data is not what it was
  std::map<NodeId, Fault> rotten_;      // by what, until it is found
  std::map<NodeId, bool> rolled_back_;  // whether they were found out
  std::optional<Plot> plot_;            // one at a time
  std::map<int, uint64_t> draining_;    // which life of a node was told to end
};

}  // namespace quorumbook::sim
