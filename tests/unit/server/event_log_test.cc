// What is told of the cluster as it changes.
#include "server/monitoring/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/server/fake_cluster_view.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> KindsOf(const EventLog& log) {
  std::vector<std::string> kinds;
  for (const ClusterEvent& event : log.events()) kinds.emplace_back(event.kind);
  return kinds;
}

TEST(EventLog, TellsWhatChanged) {
  FakeClusterView fake;
  EventLog log;
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_THAT(KindsOf(log), IsEmpty()) << "what was there at first is no event";
  EXPECT_THAT(log.elections(), IsEmpty()) << "and its leader was not elected now";
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_THAT(KindsOf(log), IsEmpty()) << "nothing changed";

  fake.Lead(3, 6);
  fake.replica(1).set_snapshots_taken(1);
  v1::EvidenceCount* const evidence = fake.replica(1).add_evidence();
  evidence->set_kind("double_vote");
  evidence->set_culprit(2);
  evidence->set_count(1);
  fake.sample(3).mutable_storage()->set_disk_full(true);
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_THAT(KindsOf(log),
              ElementsAre("snapshot_taken", "evidence", "disk_full", "leader_changed"));
  EXPECT_EQ(log.LeaderChanges(7), 1u);
  ASSERT_EQ(log.elections().size(), 1u);
  EXPECT_EQ(log.elections().front().leader, 3u);
  EXPECT_EQ(log.events().back().id, log.last_id());
}

TEST(EventLog, TellsOfMembersAsTheLeaderHasThem) {
  FakeClusterView fake;
  EventLog log;
  fake.Pass();
  log.Observe(fake.view());
  v1::ReplicaStatus* const leader = fake.replica(2).mutable_status();
  leader->mutable_members(2)->set_kind(v1::MemberStatus::LEARNER);
  fake.replica(1).mutable_status()->mutable_members()->RemoveLast();  // it is behind
  fake.Pass();
  log.Observe(fake.view());
  ASSERT_THAT(KindsOf(log), ElementsAre("membership_changed"));
  EXPECT_EQ(log.events().back().message, "members of shard 7: node 1, node 2, node 3 (learner)");
  EXPECT_EQ(log.events().back().shard, 7u);
  leader->mutable_members(2)->set_kind(v1::MemberStatus::OUTGOING_VOTER);
  leader->mutable_members(0)->set_kind(v1::MemberStatus::INCOMING_VOTER);
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_EQ(log.events().back().message,
            "members of shard 7: node 1 (joining), node 2, node 3 (leaving)");
  leader->mutable_members()->SwapElements(0, 2);
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_EQ(log.events().size(), 2u) << "the same ones in another order";
}

TEST(EventLog, TellsOfSnapshotsThatAReplicaReceived) {
  FakeClusterView fake;
  EventLog log;
  fake.replica(3).set_snapshots_installed(4);
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_THAT(KindsOf(log), IsEmpty()) << "those were before";
  fake.replica(3).set_snapshots_installed(5);
  fake.Pass();
  log.Observe(fake.view());
  ASSERT_THAT(KindsOf(log), ElementsAre("snapshot_installed"));
  EXPECT_EQ(log.events().back().message, "node 3 took over a snapshot of shard 7");
  EXPECT_EQ(log.events().back().node, 3u);
  fake.sample(3).set_started_ms(FakeClusterView::kStartMs + 1);
  fake.replica(3).set_snapshots_installed(6);
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_EQ(log.events().size(), 1u) << "a restart counts anew";
}

TEST(EventLog, NodesThatGoAndComeBack) {
  FakeClusterView fake;
  EventLog log;
  fake.Pass();
  log.Observe(fake.view());
  fake.Pass(4, "13");
  log.Observe(fake.view());
  EXPECT_THAT(KindsOf(log), ElementsAre("node_down", "leader_lost"));
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_THAT(KindsOf(log), ElementsAre("node_down", "leader_lost", "node_up", "leader_seen"));
  EXPECT_EQ(log.LeaderChanges(7), 0u) << "it led all the time";
  EXPECT_THAT(log.elections(), IsEmpty());
  fake.Lead(2, 6);
  fake.Pass();
  log.Observe(fake.view());
  EXPECT_EQ(log.LeaderChanges(7), 1u) << "the same leader, elected anew";
}

TEST(EventLog, IsBounded) {
  EventLog log;
  for (size_t i = 0; i < kMaxEvents + 10; ++i) log.Add(1, "admin", "info", 0, 0, "x");
  EXPECT_EQ(log.events().size(), kMaxEvents);
  EXPECT_EQ(log.events().front().id, 11u);
}

}  // namespace
}  // namespace quorumbook::server
