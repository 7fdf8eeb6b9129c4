// Groups in which nothing happens, and who rather leads: silence, waking, the grid of heartbeats,
// priorities.
#include <gtest/gtest.h>

#include "tests/unit/consensus/cluster.h"
#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ClusterOptions Quiet(uint64_t seed, size_t nodes = 3) {
  ClusterOptions options{.nodes = nodes, .seed = seed, .raft = {}, .network = {}, .disk = {}};
  options.raft.quiesce_after = milliseconds(200);
  return options;
}

bool IsSilent(Cluster& cluster) {
  for (NodeId node : cluster.nodes()) {
    if (cluster.up(node) && !cluster.raft(node).status().quiesced) return false;
  }
  return true;
}

bool FallsSilent(Cluster& cluster) {
  return cluster.RunUntil([&] { return cluster.Leader() && IsSilent(cluster); }, seconds(10));
}

bool Serves(Cluster& cluster, Duration limit) {
  const Index before = cluster.committed();
  const Instant end = cluster.now() + limit;
  while (cluster.committed() <= before.Next() && cluster.now() < end && !cluster.failure()) {
    for (NodeId node : cluster.nodes()) cluster.Propose(node, "order");
    cluster.RunFor(milliseconds(20));
  }
  return cluster.committed() > before.Next();
}

TEST(QuiescenceTest, IdleGroupIsSilentAndWakesForAProposal) {
  Cluster cluster(Quiet(1));
  ASSERT_TRUE(FallsSilent(cluster));
  const NodeId leader = *cluster.Leader();
  const uint64_t messages = cluster.messages_sent();
  cluster.RunFor(seconds(60));
  EXPECT_EQ(cluster.messages_sent(), messages);
  EXPECT_TRUE(Serves(cluster, milliseconds(100)));
  EXPECT_EQ(cluster.Leader(), leader);
  EXPECT_EQ(cluster.leaders_elected(), 1u);
  EXPECT_TRUE(FallsSilent(cluster));
}

// In silence nobody is heard, and nobody is gone for that.
TEST(QuiescenceTest, SilentLeaderHandsOver) {
  for (const bool named : {false, true}) {
    Cluster cluster(Quiet(7));
    ASSERT_TRUE(FallsSilent(cluster));
    cluster.RunFor(seconds(60));
    const NodeId leader = *cluster.Leader();
    const NodeId target(leader.value() % 3 + 1);
    ASSERT_TRUE(cluster.Transfer(leader, named ? target : NodeId()));
    EXPECT_TRUE(cluster.RunUntil([&] { return cluster.Leader() != leader; }, seconds(1)));
  }
}

TEST(QuiescenceTest, ReadWakesTheLeader) {
  Cluster cluster(Quiet(2));
  ASSERT_TRUE(FallsSilent(cluster));
  const uint64_t reads = cluster.reads_confirmed();
  ASSERT_TRUE(cluster.Read(*cluster.Leader()));
  EXPECT_TRUE(
      cluster.RunUntil([&] { return cluster.reads_confirmed() > reads; }, milliseconds(50)));
}

TEST(QuiescenceTest, LostLeaderIsReplacedWhenTheHostsSaySo) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(Quiet(seed));
    ASSERT_TRUE(FallsSilent(cluster)) << seed;
    cluster.Crash(*cluster.Leader());
    EXPECT_TRUE(Serves(cluster, seconds(2))) << seed;
    EXPECT_EQ(cluster.failure(), std::nullopt);
  }
}

// Nobody reports it, but a follower comes back and misses the leader.
TEST(QuiescenceTest, FollowerThatMissesTheLeaderWakesTheOthers) {
  Cluster cluster(Quiet(3));
  ASSERT_TRUE(FallsSilent(cluster));
  const NodeId leader = *cluster.Leader();
  const NodeId follower(leader.value() % 3 + 1);
  cluster.Crash(follower);
  cluster.Isolate(leader);
  cluster.RunFor(milliseconds(10));
  cluster.Restart(follower);
  EXPECT_TRUE(Serves(cluster, seconds(3)));
}

// It asks the other one, which hears the leader: the leader has to know that silence is over.
TEST(QuiescenceTest, FollowerThatCanNotReachASilentLeaderDoesNotHaveItReplaced) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(Quiet(seed));
    ASSERT_TRUE(FallsSilent(cluster));
    const NodeId leader = *cluster.Leader();
    const Term term = cluster.raft(leader).term();
    const NodeId lonely(leader.value() % 3 + 1);
    cluster.Crash(lonely);
    cluster.Block(lonely, leader);
    cluster.Block(leader, lonely);
    cluster.RunFor(milliseconds(10));
    ASSERT_TRUE(FallsSilent(cluster));
    cluster.Restart(lonely);
    cluster.RunFor(seconds(5));
    EXPECT_EQ(cluster.Leader(), leader) << seed;
    EXPECT_EQ(cluster.raft(leader).term(), term) << seed;
  }
}

// It restarts with its timer running; the silent leader answers.
TEST(QuiescenceTest, RestartedFollowerDoesNotReplaceASilentLeader) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(Quiet(seed));
    ASSERT_TRUE(FallsSilent(cluster));
    const NodeId leader = *cluster.Leader();
    const Term term = cluster.raft(leader).term();
    const NodeId follower(leader.value() % 3 + 1);
    cluster.Crash(follower);
    cluster.Restart(follower);
    cluster.RunFor(seconds(5));
    EXPECT_EQ(cluster.Leader(), leader) << seed;
    EXPECT_EQ(cluster.raft(leader).term(), term) << seed;
    EXPECT_TRUE(IsSilent(cluster)) << seed;
  }
}

TEST(QuiescenceTest, NoSilenceWhileAFollowerLacksEntries) {
  Cluster cluster(Quiet(5));
  ASSERT_TRUE(FallsSilent(cluster));
  const NodeId leader = *cluster.Leader();
  const NodeId behind(leader.value() % 3 + 1);
  cluster.Isolate(behind);
  EXPECT_TRUE(cluster.Propose(leader, "order"));
  cluster.RunFor(seconds(5));
  EXPECT_FALSE(cluster.raft(leader).status().quiesced);
  cluster.Heal();
  EXPECT_TRUE(FallsSilent(cluster));
  EXPECT_TRUE(cluster.AllAppliedEqually());
}

// Who takes care of the members looks at who is active, and is not called while nothing happens.
TEST(QuiescenceTest, NoSilenceBeforeItIsKnownWhoIsStillThere) {
  Cluster cluster(Quiet(6));
  ASSERT_TRUE(FallsSilent(cluster));
  const NodeId leader = *cluster.Leader();
  const NodeId lost(leader.value() % 3 + 1);
  cluster.Crash(lost);
  cluster.RunFor(milliseconds(10));
  ASSERT_FALSE(cluster.raft(leader).status().quiesced) << "it was told";
  ASSERT_TRUE(FallsSilent(cluster));
  for (const PeerProgress& peer : cluster.raft(leader).status().peers) {
    EXPECT_EQ(peer.active, peer.id != lost) << peer.id.value();
  }
}

// So that a host can send those of all its groups together.
TEST(HeartbeatTest, GroupsThatBeginAtOtherTimesBeatTogether) {
  for (int offset = 0; offset < 60; offset += 7) {
    Replica replica(GroupOf(3));
    replica.TickAfter(milliseconds(offset));
    replica.Elect();
    replica.TickToDeadline();
    for (int beat = 0; beat < 3; ++beat) {
      replica.Receive(kTwo, 1, AppendEntriesResponse{});
      replica.TickToDeadline();
      EXPECT_EQ(replica.now() % Options().heartbeat_interval, Duration::zero());
    }
  }
}

TEST(PriorityTest, LowPrioritySitsOutSomeTimeouts) {
  Options options = GroupOf(3);
  options.priority = 1;
  Replica replica(options);
  for (uint32_t timeout = options.priority; timeout < kPriorityMax; ++timeout) {
    replica.TickToDeadline();
    EXPECT_EQ(replica.raft().role(), Role::kFollower);
  }
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kPreCandidate);
  // Anew after it heard a leader.
  replica.Receive(kTwo, 1, AppendEntries{});
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
}

TEST(PriorityTest, LeaderHandsOverToOneThatShouldRatherLead) {
  ClusterOptions options{.nodes = 5, .seed = 2, .raft = {}, .network = {}, .disk = {}};
  options.random_priorities = true;  // node 3 has the highest
  Cluster cluster(options);
  cluster.Isolate(NodeId(3));
  ASSERT_TRUE(cluster.RunUntil([&] { return cluster.Leader().has_value(); }, seconds(10)));
  EXPECT_NE(cluster.Leader(), NodeId(3));
  cluster.Heal();
  EXPECT_TRUE(cluster.RunUntil([&] { return cluster.Leader() == NodeId(3); }, seconds(20)));
  cluster.Crash(NodeId(3));
  EXPECT_TRUE(Serves(cluster, seconds(5)));
  EXPECT_EQ(cluster.failure(), std::nullopt);
}

}  // namespace
}  // namespace quorumbook::consensus
