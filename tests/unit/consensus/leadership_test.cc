// Reads that a leader confirms (6.4), and leadership that it hands over (3.10).
#include <gtest/gtest.h>

#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

using std::chrono::milliseconds;

AppendEntriesResponse Accepts(uint64_t index, uint64_t round = 0) {
  return {.accepted = true, .index = Index(index), .round = round};
}

// A leader of term 1 whose no-op is committed and known everywhere.
Replica SettledLeader(uint64_t voters = 3) {
  Replica replica(GroupOf(voters));
  replica.Elect();
  replica.Sync();
  for (uint64_t voter = 2; voter <= voters; ++voter) replica.Receive(NodeId(voter), 1, Accepts(1));
  replica.TakeMessages();
  return replica;
}

// 6.4, 2 to 4: "it needs to make sure it has not been superseded [...] it issues a new round of
// heartbeats and waits for their acknowledgments from a majority".
TEST(ReadIndexTest, ReadIsConfirmedByARoundThatStartedAfterIt) {
  Replica replica = SettledLeader(5);
  ASSERT_TRUE(replica.Read(7));
  const auto heartbeats = replica.Take<AppendEntries>();
  ASSERT_EQ(heartbeats.size(), 4u);
  const uint64_t round = heartbeats[0].round;
  replica.Receive(kTwo, 1, Accepts(1, round));
  replica.Receive(kThree, 1, Accepts(1, round - 1));  // an answer to an older question
  replica.Receive(kTwo, 1, Accepts(1, round));
  EXPECT_TRUE(replica.TakeReads().empty());
  replica.Receive(kFour, 1, Accepts(1, round));
  const std::vector<ReadReady> reads = replica.TakeReads();
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].id, 7u);
  EXPECT_EQ(reads[0].index, Index(1));
}

// 6.4, 1: "If the leader has not yet marked an entry from its current term committed, it waits".
TEST(ReadIndexTest, ReadWaitsForTheFirstCommitOfTheTerm) {
  Replica replica(GroupOf(3), LogOfTerms({1, 1}), 1);
  replica.Elect();
  replica.Sync();
  ASSERT_TRUE(replica.Read(7));
  replica.Receive(kTwo, 2, Accepts(2, 99));
  EXPECT_TRUE(replica.TakeReads().empty());
  replica.TakeMessages();
  replica.Receive(kTwo, 2, Accepts(3));
  EXPECT_EQ(replica.raft().commit(), Index(3));
  EXPECT_TRUE(replica.TakeReads().empty());
  const uint64_t round = replica.Take<AppendEntries>().back().round;
  replica.Receive(kTwo, 2, Accepts(3, round));
  const std::vector<ReadReady> reads = replica.TakeReads();
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].index, Index(3));
}

TEST(ReadIndexTest, ReadsThatArriveDuringARoundShareTheNext) {
  Replica replica = SettledLeader();
  replica.Read(1);
  const uint64_t first = replica.Take<AppendEntries>()[0].round;
  for (uint64_t id = 2; id <= 9; ++id) replica.Read(id);
  EXPECT_TRUE(replica.TakeMessages().empty());
  replica.Receive(kTwo, 1, Accepts(1, first));
  EXPECT_EQ(replica.TakeReads().size(), 1u);
  const auto next = replica.Take<AppendEntries>();
  ASSERT_EQ(next.size(), 2u);
  replica.Receive(kThree, 1, Accepts(1, first));
  EXPECT_TRUE(replica.TakeReads().empty());
  replica.Receive(kThree, 1, Accepts(1, next[0].round));
  EXPECT_EQ(replica.TakeReads().size(), 8u);
}

TEST(ReadIndexTest, LostRoundIsMadeUpForByTheNextHeartbeat) {
  Replica replica = SettledLeader();
  replica.Read(1);
  replica.TakeMessages();
  replica.TickToDeadline();
  const uint64_t round = replica.Take<AppendEntries>()[0].round;
  replica.Receive(kTwo, 1, Accepts(1, round));
  EXPECT_EQ(replica.TakeReads().size(), 1u);
}

TEST(ReadIndexTest, RefusalConfirmsLeadershipAsWell) {
  Replica replica = SettledLeader();
  replica.Read(1);
  const uint64_t round = replica.Take<AppendEntries>()[0].round;
  replica.Receive(kTwo, 1, AppendEntriesResponse{.index = Index(1), .round = round});
  EXPECT_EQ(replica.TakeReads().size(), 1u);
}

TEST(ReadIndexTest, ReadsFailWhenLeadershipIsLost) {
  Replica replica = SettledLeader();
  replica.Read(1);
  replica.Read(2);
  replica.Receive(kTwo, 3, AppendEntries{});
  EXPECT_EQ(replica.TakeFailedReads(), (std::vector<uint64_t>{1, 2}));
  EXPECT_FALSE(replica.Read(3));
  replica.Receive(kTwo, 1, Accepts(1, 99));
  EXPECT_TRUE(replica.TakeReads().empty());
}

TEST(ReadIndexTest, AloneReadsAreConfirmedAtOnce) {
  Replica replica(GroupOf(1));
  replica.TickToDeadline();
  replica.SyncOne();
  ASSERT_EQ(replica.raft().role(), Role::kLeader);
  EXPECT_TRUE(replica.Read(1));
  EXPECT_TRUE(replica.TakeReads().empty());
  replica.Sync();
  EXPECT_EQ(replica.TakeReads().size(), 1u);
  replica.Read(2);
  EXPECT_EQ(replica.TakeReads().size(), 1u);
}

// 3.10: "The prior leader stops accepting new client requests. [It] fully updates the target
// server's log [...and] sends a TimeoutNow request".
TEST(TransferTest, TargetIsBroughtUpToDateAndToldToCampaign) {
  Replica replica = SettledLeader();
  replica.Propose("a");
  ASSERT_TRUE(replica.Transfer(kThree));
  EXPECT_TRUE(replica.Take<TimeoutNow>().empty());
  EXPECT_EQ(replica.Propose("b"), ProposeResult::kTransferring);
  replica.Receive(kTwo, 1, Accepts(2));
  EXPECT_TRUE(replica.Take<TimeoutNow>().empty());
  replica.Receive(kThree, 1, Accepts(2));
  const std::vector<Message> messages = replica.TakeMessages();
  ASSERT_FALSE(messages.empty());
  EXPECT_TRUE(std::holds_alternative<TimeoutNow>(messages[0].body));
  EXPECT_EQ(messages[0].to, kThree);
}

TEST(TransferTest, TimeoutNowIsRepeatedWithTheHeartbeats) {
  Replica replica = SettledLeader();
  replica.Transfer(kTwo);
  EXPECT_EQ(replica.Take<TimeoutNow>().size(), 1u);
  replica.TickToDeadline();
  EXPECT_EQ(replica.Take<TimeoutNow>().size(), 1u);
}

// 3.10: "If leadership transfer does not complete after about an election timeout, the prior
// leader aborts the transfer and resumes accepting client requests."
TEST(TransferTest, LeaderResumesWhenTheTargetDoesNotTakeOver) {
  const Options options = GroupOf(3);
  Replica replica = SettledLeader();
  replica.Transfer(kTwo);
  const Instant begun = replica.now();
  while (replica.now() - begun < options.election_timeout_max) {
    EXPECT_EQ(replica.Propose("a"), ProposeResult::kTransferring);
    replica.Receive(kTwo, 1, Accepts(1));
    replica.TickToDeadline();
  }
  EXPECT_EQ(replica.Propose("a"), ProposeResult::kAccepted);
}

TEST(TransferTest, WithoutATargetTheMostAdvancedActiveFollowerIsTaken) {
  Replica replica = SettledLeader(5);
  replica.Propose("a");
  replica.Receive(kThree, 1, Accepts(2));
  replica.TakeMessages();
  EXPECT_TRUE(replica.Transfer(NodeId()));
  const std::vector<Message> messages = replica.TakeMessages();
  ASSERT_FALSE(messages.empty());
  EXPECT_EQ(messages[0].to, kThree);
}

// It would stop proposals for an election timeout, for nothing.
TEST(TransferTest, NothingIsHandedToWhoIsNotHeard) {
  Replica replica = SettledLeader();
  for (int beat = 0; beat < 12; ++beat) {
    replica.TickToDeadline();
    replica.Receive(kThree, 1, Accepts(1));
  }
  ASSERT_EQ(replica.raft().role(), Role::kLeader);
  EXPECT_FALSE(replica.Transfer(kTwo));
  EXPECT_EQ(replica.Propose("a"), ProposeResult::kAccepted);
  EXPECT_TRUE(replica.Transfer(kThree));
}

TEST(TransferTest, ThereMustBeSuchAFollower) {
  Replica replica = SettledLeader();
  EXPECT_FALSE(replica.Transfer(kOne));
  EXPECT_FALSE(replica.Transfer(NodeId(9)));
  Replica alone(GroupOf(1));
  alone.Elect();
  EXPECT_FALSE(alone.Transfer(NodeId()));
  Replica follower(GroupOf(3));
  EXPECT_FALSE(follower.Transfer(kTwo));
}

// 3.10: "it starts a new election (incrementing its term and becoming a candidate)".
TEST(TransferTest, TargetCampaignsAtOnceWithoutPreVote) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, AppendEntries{});
  replica.Receive(kTwo, 1, TimeoutNow{});
  EXPECT_EQ(replica.raft().role(), Role::kCandidate);
  EXPECT_EQ(replica.raft().term(), Term(2));
  replica.Sync();
  const auto requests = replica.Take<RequestVote>();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_TRUE(requests[0].leadership_transfer);
  EXPECT_FALSE(requests[0].pre_vote);
  // A repetition belongs to the past.
  replica.Receive(kTwo, 1, TimeoutNow{});
  EXPECT_EQ(replica.raft().term(), Term(2));
}

TEST(TransferTest, OnlyTheLeaderCanAskForACampaign) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, AppendEntries{});
  replica.Receive(kThree, 1, TimeoutNow{});
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
}

}  // namespace
}  // namespace quorumbook::consensus
