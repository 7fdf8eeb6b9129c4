#include "client/qb/cluster_health.h"

#include <gtest/gtest.h>

namespace quorumbook::qb {
namespace {

struct Replica {
  v1::ReplicaStatus::Role role = v1::ReplicaStatus::FOLLOWER;
  uint64_t applied = 10;
  std::string digest = "d";
};

// One node with one replica of shard 1.
Client::NodeReport Node(uint32_t id, const Replica& replica = {}) {
  Client::NodeReport report{.node = {}, .status = v1::NodeStatus()};
  report.node.set_id(id);
  v1::ReplicaStatus* status = report.status->add_replicas();
  status->set_shard(1);
  status->set_role(replica.role);
  status->set_applied_index(replica.applied);
  status->set_state_digest(replica.digest);
  return report;
}
Client::NodeReport Leader(uint32_t id, const std::vector<uint32_t>& voters = {1, 2, 3}) {
  Client::NodeReport report = Node(id, {.role = v1::ReplicaStatus::LEADER});
  for (const uint32_t voter : voters) {
    v1::MemberStatus* member = report.status->mutable_replicas(0)->add_members();
    member->set_node_id(voter);
    member->set_kind(v1::MemberStatus::VOTER);
  }
  return report;
}
Client::NodeReport Unreachable(uint32_t id) {
  Client::NodeReport report{.node = {}, .status = absl::UnavailableError("connection refused")};
  report.node.set_id(id);
  return report;
}

TEST(HealthTest, AllNodesAnswer) {
  const Health health = Assess({Leader(1), Node(2), Node(3)}, {1});
  EXPECT_TRUE(health.available);
  EXPECT_TRUE(health.complete);
  EXPECT_EQ(health.can_lose, 1);
  EXPECT_EQ(health.summary,
            "healthy: 3 of 3 nodes answer, every shard has a leader, 1 can be lost");
}

TEST(HealthTest, ANodeIsMissing) {
  const Health health = Assess({Leader(1), Unreachable(2), Node(3)}, {1});
  EXPECT_TRUE(health.available);
  EXPECT_FALSE(health.complete);
  EXPECT_EQ(health.can_lose, 0);
  EXPECT_EQ(health.summary,
            "degraded: 2 of 3 nodes answer, every shard has a leader, none can be lost");
}

TEST(HealthTest, FiveNodesLoseTwo) {
  const Client::NodeReport leader = Leader(1, {1, 2, 3, 4, 5});
  EXPECT_EQ(Assess({leader, Node(2), Node(3), Node(4), Node(5)}, {1}).can_lose, 2);
  EXPECT_EQ(Assess({leader, Node(2), Node(3), Node(4), Unreachable(5)}, {1}).can_lose, 1);
}

TEST(HealthTest, NoLeader) {
  const Health health = Assess({Node(1), Node(2), Node(3)}, {1});
  EXPECT_FALSE(health.available);
  EXPECT_EQ(health.can_lose, 0);
  EXPECT_EQ(health.summary, "NOT AVAILABLE: shard 1 has no leader; 3 of 3 nodes answer");
}

TEST(HealthTest, ALeaderWithoutAMajority) {
  const Health health = Assess({Leader(1), Unreachable(2), Unreachable(3)}, {1});
  EXPECT_FALSE(health.available);
  EXPECT_EQ(health.summary, "NOT AVAILABLE: shard 1 has 1 of 3 voters; 1 of 3 nodes answer");
}

TEST(HealthTest, OnlyVotersCount) {
  Client::NodeReport leader = Leader(1, {1, 2});
  v1::MemberStatus* learner = leader.status->mutable_replicas(0)->add_members();
  learner->set_node_id(3);
  learner->set_kind(v1::MemberStatus::LEARNER);
  EXPECT_EQ(Assess({leader, Node(2), Node(3)}, {1}).can_lose, 0);
  EXPECT_FALSE(Assess({leader, Unreachable(2), Node(3)}, {1}).available);
  EXPECT_TRUE(Assess({Leader(1, {1}), Node(2), Node(3)}, {1}).available);
}

TEST(HealthTest, EveryShardCounts) {
  const Health health = Assess({Leader(1), Node(2), Node(3)}, {1, 2});
  EXPECT_FALSE(health.available);
  EXPECT_NE(health.summary.find("shard 2 has no leader"), std::string::npos) << health.summary;
  EXPECT_FALSE(Assess({Leader(1)}, {}).available);
}

TEST(AgreementTest, EqualDigests) {
  const Agreement agreement = Compare({Leader(1), Node(2), Unreachable(3)});
  EXPECT_TRUE(agreement.comparable);
  EXPECT_FALSE(agreement.diverged);
  EXPECT_EQ(agreement.summary, "digests are equal on all 2 replicas that answer");
}

TEST(AgreementTest, DifferentDigestsAtOneIndex) {
  const Agreement agreement =
      Compare({Leader(1), Node(2), Node(3, {.applied = 10, .digest = "other"})});
  EXPECT_TRUE(agreement.diverged);
  EXPECT_NE(agreement.summary.find("shard 1: nodes 1 and 3 differ at index 10"), std::string::npos)
      << agreement.summary;
}

TEST(AgreementTest, DifferentIndexesSayNothing) {
  const Agreement agreement =
      Compare({Leader(1), Node(2, {.applied = 11, .digest = "other"}), Node(3)});
  EXPECT_FALSE(agreement.comparable);
  EXPECT_FALSE(agreement.diverged);
  EXPECT_FALSE(Compare({Unreachable(1)}).comparable);
}

}  // namespace
}  // namespace quorumbook::qb
