// What is told to others is durable before (3.8), with several writes under way.
#include <gtest/gtest.h>

#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

using std::chrono::milliseconds;

RequestVote AsksForVote() { return {.last_log_index = Index(99), .last_log_term = Term(99)}; }
AppendEntriesResponse Accepts(uint64_t index) { return {.accepted = true, .index = Index(index)}; }

std::vector<uint64_t> AcknowledgedIndexes(Replica& replica) {
  std::vector<uint64_t> indexes;
  for (const auto& answer : replica.Take<AppendEntriesResponse>()) {
    if (answer.accepted) indexes.push_back(answer.index.value());
  }
  return indexes;
}

TEST(DurabilityTest, VoteIsToldOnceItIsDurable) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, AsksForVote());
  replica.Receive(kTwo, 1, AsksForVote());
  EXPECT_TRUE(replica.TakeMessages().empty());
  replica.Sync();
  EXPECT_EQ(replica.Take<RequestVoteResponse>().size(), 1u);
  EXPECT_EQ(replica.disk().hard_state().vote, kTwo);
  // From now on a repetition is answered at once.
  replica.Receive(kTwo, 1, AsksForVote());
  EXPECT_EQ(replica.Take<RequestVoteResponse>().size(), 1u);
}

TEST(DurabilityTest, VoteOfAnEarlierTermIsNotToldAnyMore) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, AsksForVote());
  replica.Receive(kThree, 2, AsksForVote());
  replica.SyncOne();
  EXPECT_TRUE(replica.TakeMessages().empty());
  replica.SyncOne();
  const std::vector<Message> messages = replica.TakeMessages();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].to, kThree);
  EXPECT_EQ(messages[0].term, Term(2));
}

TEST(DurabilityTest, RefusalOfAVoteNeedsNoWrite) {
  Replica replica(GroupOf(3), LogOfTerms({5}), 5);
  replica.Receive(kTwo, 6, RequestVote{});
  EXPECT_EQ(replica.Take<RequestVoteResponse>().size(), 1u);
}

TEST(DurabilityTest, EntriesAreAcknowledgedAsTheirWritesComplete) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1, 1});
  Replica replica(GroupOf(3), {}, 1);
  replica.Receive(kTwo, 1, AppendOf(log, 0, 1));
  replica.Receive(kTwo, 1, AppendOf(log, 1, 3));
  replica.Receive(kTwo, 1, AppendOf(log, 3, 4));
  EXPECT_TRUE(AcknowledgedIndexes(replica).empty());
  replica.SyncOne();
  EXPECT_EQ(AcknowledgedIndexes(replica), std::vector<uint64_t>{1});
  replica.Sync();
  EXPECT_EQ(AcknowledgedIndexes(replica), (std::vector<uint64_t>{3, 4}));
}

TEST(DurabilityTest, EntriesThatWereDurableAreAcknowledgedAgainAtOnce) {
  const std::vector<Entry> log = LogOfTerms({1, 1});
  Replica replica(GroupOf(3), log, 1);
  replica.Receive(kTwo, 1, AppendOf(log, 0, 2));
  EXPECT_EQ(AcknowledgedIndexes(replica), std::vector<uint64_t>{2});
}

// A follower whose disk is slow is not a dead one: heartbeats are answered with what is durable.
TEST(DurabilityTest, HeartbeatsAreAnsweredWhileTheDiskIsBusy) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1});
  Replica replica(GroupOf(3), LogOfTerms({1}), 1);
  replica.Receive(kTwo, 1, AppendOf(log, 1, 3));
  replica.Receive(kTwo, 1, AppendOf(log, 3, 3, 0, /*round=*/1));
  EXPECT_EQ(AcknowledgedIndexes(replica), std::vector<uint64_t>{1});
}

// The answer would bind it to a term that it might forget.
TEST(DurabilityTest, NothingIsAcknowledgedInATermThatIsNotDurable) {
  Replica replica(GroupOf(3), LogOfTerms({1}), 1);
  replica.Receive(kTwo, 2, AppendOf(LogOfTerms({1}), 1, 1, 0, /*round=*/1));
  EXPECT_TRUE(replica.TakeMessages().empty());
  replica.Sync();
  EXPECT_EQ(AcknowledgedIndexes(replica), std::vector<uint64_t>{1});
}

// Known bug: the completion of a write whose entries were replaced meanwhile is taken for the
// durability of those that replaced them.
TEST(DurabilityTest, ReplacedEntriesAreNotAcknowledgedWhenTheirWriteCompletes) {
  const std::vector<Entry> old_log = LogOfTerms({1, 1, 1});
  const std::vector<Entry> new_log = LogOfTerms({1, 2, 2});
  Replica replica(GroupOf(3), {}, 1);
  replica.Receive(kTwo, 1, AppendOf(old_log, 0, 3));
  replica.Receive(kThree, 2, AppendOf(new_log, 1, 3));
  replica.SyncOne();
  EXPECT_EQ(replica.raft().status().durable, Index(1));
  EXPECT_TRUE(AcknowledgedIndexes(replica).empty());
  replica.SyncOne();
  EXPECT_EQ(AcknowledgedIndexes(replica), std::vector<uint64_t>{3});
  EXPECT_EQ(replica.disk().Meta(Index(3)), MetaOf(new_log, 3));
}

TEST(DurabilityTest, DurableEntriesThatAreReplacedAreNotDurableAnyMore) {
  Replica replica(GroupOf(3), LogOfTerms({1, 1, 1}), 1);
  const std::vector<Entry> new_log = LogOfTerms({1, 2, 2});
  replica.Receive(kThree, 2, AppendOf(new_log, 1, 3));
  EXPECT_EQ(replica.raft().status().durable, Index(1));
  EXPECT_TRUE(AcknowledgedIndexes(replica).empty());
}

TEST(DurabilityTest, ChangesBetweenTwoOutputsMergeIntoOneWrite) {
  Replica replica(GroupOf(3), LogOfTerms({1}), 1);
  Raft& raft = replica.raft();
  const auto step = [&](NodeId from, uint64_t term, AppendEntries append) {
    raft.Step({.from = from, .to = kOne, .term = Term(term), .body = std::move(append)},
              replica.now());
  };
  step(kTwo, 2, AppendOf(LogOfTerms({1, 2, 2, 2}), 1, 4));
  step(kThree, 3, AppendOf(LogOfTerms({1, 2, 3}), 2, 3));
  Output output = raft.TakeOutput();
  ASSERT_TRUE(output.persist.has_value());
  EXPECT_EQ(output.persist->hard_state->term, Term(3));
  EXPECT_FALSE(output.persist->truncate_from.has_value());
  ASSERT_EQ(output.persist->entries.size(), 2u);
  EXPECT_EQ(output.persist->entries[1].term, Term(3));
  step(kTwo, 4, AppendOf(LogOfTerms({4, 4}), 0, 2));
  output = raft.TakeOutput();
  EXPECT_EQ(output.persist->truncate_from, Index(1));
  EXPECT_EQ(output.persist->entries.size(), 2u);
  EXPECT_EQ(output.persist->sequence, 2u);
}

TEST(DurabilityTest, CommitIndexRidesAlongAndIsUsedAtRestart) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1});
  Replica replica(GroupOf(3), {}, 1);
  replica.Receive(kTwo, 1, AppendOf(log, 0, 2, /*commit=*/2));
  replica.Sync();
  replica.CrashAndRestart();
  EXPECT_EQ(replica.raft().commit(), Index(2));
  EXPECT_EQ(replica.TakeCommitted().size(), 2u);
}

// The one that it needs has a long way to where the quorum stood before another died: that is
// progress, for nobody else could lead.
TEST(DurabilityTest, LeaderStaysWhileTheOneThatItNeedsCatchesUp) {
  Replica replica(GroupOf(3));
  replica.Elect();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(replica.Propose("a"), ProposeResult::kAccepted);
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(21));
  ASSERT_EQ(replica.Propose("waits"), ProposeResult::kAccepted);
  replica.Sync();
  for (uint64_t index = 1; index <= 22; ++index) {
    const Instant next = replica.now() + milliseconds(500);
    while (replica.now() < next) {
      ASSERT_EQ(replica.raft().role(), Role::kLeader) << index;
      replica.TickToDeadline();
      replica.Receive(kThree, 1, Accepts(index - 1));
    }
    replica.Receive(kThree, 1, Accepts(index));
  }
  EXPECT_EQ(replica.raft().commit(), Index(22));
}

// Without end it does not wait: the others may be able to commit without it.
TEST(DurabilityTest, LeaderThatWaitsTooLongForOneThatCatchesUpGivesWay) {
  const Options options = GroupOf(3);
  Replica replica(options);
  replica.Elect();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(replica.Propose("a"), ProposeResult::kAccepted);
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(201));
  ASSERT_EQ(replica.Propose("waits"), ProposeResult::kAccepted);
  replica.Sync();
  const Instant since = replica.now();
  uint64_t index = 0;
  while (replica.raft().role() == Role::kLeader) {
    ASSERT_LT(index, 200u);
    const Instant next = replica.now() + milliseconds(500);
    while (replica.now() < next && replica.raft().role() == Role::kLeader) {
      replica.Receive(kThree, 1, Accepts(index));
      replica.TickToDeadline();
    }
    replica.Receive(kThree, 1, Accepts(++index));
  }
  EXPECT_EQ(replica.now() - since, 20 * options.election_timeout_max);
}

// A stalled disk must not hold the cluster. First: nothing is committed.
TEST(DurabilityTest, LeaderThatCanNotCommitStepsDownAndFallsSilent) {
  const Options options = GroupOf(3);
  Replica replica(options);
  replica.Elect();
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(1));
  replica.TickAfter(milliseconds(5));
  replica.Propose("a");
  const Instant proposed = replica.now();
  // The followers answer heartbeats, and that is all: a majority of disks is stalled.
  while (replica.raft().role() == Role::kLeader) {
    ASSERT_LE(replica.now() - proposed, 2 * options.election_timeout_max);
    replica.Receive(kTwo, 1, Accepts(1));
    replica.Receive(kThree, 1, Accepts(1));
    replica.TickToDeadline();
  }
  EXPECT_EQ(replica.now() - proposed, 2 * options.election_timeout_max);
  replica.TakeMessages();
  replica.TickAfter(milliseconds(200));
  EXPECT_TRUE(replica.TakeMessages().empty());
  // The others go first: who still hears one of its last heartbeats begins to wait anew.
  replica.Sync();
  for (int timeout = 0; timeout < 2; ++timeout) {
    replica.TickToDeadline();
    EXPECT_EQ(replica.raft().role(), Role::kFollower);
  }
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kPreCandidate);
}

// Slow is not stalled.
TEST(DurabilityTest, LeaderStaysWhileTheQuorumGetsFurther) {
  Replica replica(GroupOf(3));
  replica.Elect();
  replica.Sync();
  for (uint64_t index = 1; index < 20; ++index) {
    replica.Propose("a");
    replica.Sync();
    replica.TickAfter(milliseconds(550));
    replica.Receive(kTwo, 1, Accepts(index));
    EXPECT_EQ(replica.raft().role(), Role::kLeader);
  }
}

TEST(DurabilityTest, IdleLeaderStays) {
  Replica replica(GroupOf(3));
  replica.Elect();
  replica.Sync();
  for (int tick = 0; tick < 200; ++tick) {
    replica.Receive(kTwo, 1, Accepts(1));
    replica.TickToDeadline();
  }
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
}

// Second: the others commit without this disk, and can lead without it.
TEST(DurabilityTest, LeaderWhoseDiskStallsHandsOverWhileTheOthersCommit) {
  const Options options = GroupOf(3);
  Replica replica(options);
  replica.Elect();
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(1));
  replica.Receive(kThree, 1, Accepts(1));
  replica.Propose("a");
  const Instant stalled = replica.now();
  uint64_t index = 2;
  while (replica.Take<TimeoutNow>().empty()) {
    ASSERT_LE(replica.now() - stalled, 2 * options.election_timeout_max);
    replica.Receive(kTwo, 1, Accepts(index));
    replica.Receive(kThree, 1, Accepts(index));
    EXPECT_EQ(replica.raft().commit(), Index(index));
    if (replica.Propose("b") == ProposeResult::kAccepted) ++index;
    replica.TickToDeadline();
  }
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
}

// Known bug: a node whose disk stalls campaigns again and again, cannot tell its votes, and by the
// terms that it enters keeps the others from winning.
TEST(DurabilityTest, NodeWhoseDiskStallsDoesNotCampaign) {
  Replica replica(GroupOf(3), {}, 1);
  replica.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1));
  replica.TickToDeadline();
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_TRUE(replica.TakeMessages().empty());
  EXPECT_GT(replica.raft().deadline(), replica.now());
  replica.Sync();
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kPreCandidate);
}

// Known bug: a candidate with pre-votes of such nodes enters term after term without winning.
TEST(DurabilityTest, NodeWhoseDiskStallsGrantsNoPreVote) {
  Replica replica(GroupOf(3), {}, 1);
  replica.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1));
  replica.TickToDeadline();
  replica.TakeMessages();
  const auto asked = [&] {
    replica.Receive(
        kThree, 2,
        RequestVote{.last_log_index = Index(1), .last_log_term = Term(1), .pre_vote = true});
    const std::vector<RequestVoteResponse> answers = replica.Take<RequestVoteResponse>();
    EXPECT_EQ(answers.size(), 1u);
    return !answers.empty() && answers[0].granted;
  };
  EXPECT_FALSE(asked());
  replica.Sync();
  EXPECT_TRUE(asked());
}

TEST(DurabilityTest, CandidateWaitsForItsOwnVoteInsteadOfEnteringAnotherTerm) {
  Replica replica(GroupOf(3));
  replica.TickToDeadline();
  replica.Receive(kTwo, 1, RequestVoteResponse{.pre_vote = true, .granted = true});
  for (int timeout = 0; timeout < 5; ++timeout) replica.TickToDeadline();
  EXPECT_EQ(replica.raft().term(), Term(1));
  replica.TakeMessages();
  replica.Sync();
  EXPECT_EQ(replica.Take<RequestVote>().size(), 2u);
}

}  // namespace
}  // namespace quorumbook::consensus
