// Reads by a lease (6.4.1), and everything that ends one.
#include <gtest/gtest.h>

#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

using std::chrono::milliseconds;

AppendEntriesResponse Accepts(uint64_t index, uint64_t round, bool clock_trusted = true) {
  return {.accepted = true, .index = Index(index), .round = round, .clock_trusted = clock_trusted};
}

Options Leased() {
  Options options = GroupOf(3);
  options.lease_reads = true;
  return options;
}

// The host has watched the clock for long enough.
void TrustClock(Replica& replica) {
  replica.Do([&](Raft& raft) { raft.SetClockTrusted(true, replica.now()); });
}

Replica Trusting() {
  Replica replica(Leased());
  TrustClock(replica);
  return replica;
}

// Answers of kTwo to a round of heartbeats that is sent now.
void Renew(Replica& replica, bool clock_trusted = true) {
  replica.TakeMessages();
  replica.TickToDeadline();
  const auto heartbeats = replica.Take<AppendEntries>();
  ASSERT_FALSE(heartbeats.empty());
  const uint64_t last = replica.raft().status().last.value();
  replica.Receive(kTwo, 1, Accepts(last, heartbeats[0].round, clock_trusted));
}

// Leads, and every promise that a lease takes was made.
Replica Promised(Replica replica) {
  replica.Elect();
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(1, 0));
  Renew(replica);
  return replica;
}

Replica LeaderWithLease() { return Promised(Trusting()); }

bool ReadsAtOnce(Replica& replica) {
  EXPECT_TRUE(replica.Read(7));
  const bool served = !replica.TakeReads().empty();
  return served;
}

// 6.4.1: "once the leader's heartbeats are acknowledged by a majority of the cluster, the leader
// would extend its lease to start + election timeout / clock drift bound".
TEST(LeaseTest, ReadsNeedNoRoundForAnElectionTimeoutLessTheDrift) {
  Replica replica = LeaderWithLease();
  EXPECT_TRUE(replica.raft().status().leased);
  EXPECT_TRUE(ReadsAtOnce(replica));
  EXPECT_TRUE(replica.Take<AppendEntries>().empty());
  replica.TickAfter(milliseconds(269));
  EXPECT_TRUE(ReadsAtOnce(replica));
  replica.TickAfter(milliseconds(1));  // 300 ms less a tenth
  EXPECT_FALSE(ReadsAtOnce(replica));
}

// From when the round was sent: the answer may have taken long.
TEST(LeaseTest, CountsFromTheSendingOfTheRound) {
  Replica replica = LeaderWithLease();
  replica.TakeMessages();
  replica.TickToDeadline();
  const uint64_t round = replica.Take<AppendEntries>().at(0).round;
  replica.TickAfter(milliseconds(200));
  replica.Receive(kTwo, 1, Accepts(1, round));
  replica.TickAfter(milliseconds(69));
  EXPECT_TRUE(replica.raft().status().leased);
  replica.TickAfter(milliseconds(1));
  EXPECT_FALSE(replica.raft().status().leased);
}

TEST(LeaseTest, NoneBeforeTheFirstCommitOfTheTerm) {
  Replica replica(Leased(), LogOfTerms({1}), 1);
  TrustClock(replica);
  replica.Elect();
  replica.Sync();
  replica.TakeMessages();
  replica.TickToDeadline();
  const uint64_t round = replica.Take<AppendEntries>().at(0).round;
  replica.Receive(kTwo, 2, Accepts(1, round));
  EXPECT_FALSE(ReadsAtOnce(replica));
}

TEST(LeaseTest, NoneOnceLeadershipWasOffered) {
  Replica replica = LeaderWithLease();
  ASSERT_TRUE(replica.Transfer(kTwo));
  EXPECT_FALSE(replica.raft().status().leased);
  // Also when that came to nothing: the offer may still be under way.
  while (replica.Propose("a") == ProposeResult::kTransferring) Renew(replica);
  Renew(replica);
  EXPECT_FALSE(replica.raft().status().leased);
}

TEST(LeaseTest, NoneWhileTheClockIsNotTrusted) {
  Replica replica = LeaderWithLease();
  replica.Do([&](Raft& raft) { raft.SetClockTrusted(false, replica.now()); });
  EXPECT_FALSE(ReadsAtOnce(replica));
  replica.Do([&](Raft& raft) { raft.SetClockTrusted(true, replica.now()); });
  Renew(replica);
  EXPECT_TRUE(ReadsAtOnce(replica));
  replica.Do([&](Raft& raft) { raft.Tick(replica.now() - milliseconds(5)); });
  EXPECT_FALSE(replica.raft().status().leased);
}

// A process may start on a machine that was just suspended, or whose clock is being corrected.
TEST(LeaseTest, NoneBeforeTheClockWasWatched) {
  Replica leader = Promised(Replica(Leased()));
  EXPECT_FALSE(leader.raft().status().leased);
  EXPECT_FALSE(ReadsAtOnce(leader));
  TrustClock(leader);
  EXPECT_FALSE(leader.raft().status().leased);
  Renew(leader);
  EXPECT_TRUE(leader.raft().status().leased);

  Replica follower(Leased());
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1, 0, /*round=*/1));
  follower.Sync();
  EXPECT_FALSE(follower.Take<AppendEntriesResponse>().back().clock_trusted);
  TrustClock(follower);
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 1, 1, 0, /*round=*/2));
  EXPECT_TRUE(follower.Take<AppendEntriesResponse>().back().clock_trusted);
}

// How long ago a round was sent is not known once the clock has leapt: while a clock that went back
// makes up for it, an old lease would last for ever.
TEST(LeaseTest, NoneFromRoundsBeforeTheClockWasTrustedAgain) {
  for (const bool told : {false, true}) {
    Replica replica = LeaderWithLease();
    replica.TickToDeadline();
    const uint64_t before = replica.Take<AppendEntries>().at(0).round;
    replica.Do([&](Raft& raft) {
      if (told) raft.SetClockTrusted(false, replica.now());
      raft.Tick(replica.now() - milliseconds(5));
    });
    replica.Do([&](Raft& raft) { raft.SetClockTrusted(true, replica.now()); });
    EXPECT_FALSE(replica.raft().status().leased);
    replica.Receive(kTwo, 1, Accepts(1, before));
    EXPECT_FALSE(replica.raft().status().leased);
    Renew(replica);
    EXPECT_TRUE(replica.raft().status().leased);
  }
}

// A clock that goes back by itself is as little to be trusted as one that is said to have leapt.
TEST(LeaseTest, AfterAClockWentBackAFollowerWaitsOutItsPromise) {
  Replica follower(Leased());
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1));
  follower.TickAfter(milliseconds(299));
  follower.Do([&](Raft& raft) { raft.Tick(follower.now() - milliseconds(200)); });
  follower.TickAfter(milliseconds(299));
  EXPECT_EQ(follower.raft().role(), Role::kFollower);
  const RequestVote request{.last_log_index = Index(9), .last_log_term = Term(9)};
  follower.Receive(kThree, 2, request);
  EXPECT_EQ(follower.raft().term(), Term(1));
}

// An answer proves that its own round arrived with a clock that is trusted, and no later one that
// was answered while it was not.
TEST(LeaseTest, LateAnswerProlongsItForItsOwnRoundOnly) {
  Replica replica = LeaderWithLease();
  replica.TickToDeadline();
  const uint64_t first = replica.Take<AppendEntries>().at(0).round;
  replica.TickAfter(milliseconds(150));
  const uint64_t second = replica.Take<AppendEntries>().at(0).round;
  ASSERT_GT(second, first);
  replica.Receive(kTwo, 1, Accepts(1, second, /*clock_trusted=*/false));
  replica.Receive(kTwo, 1, Accepts(1, first));
  replica.TickAfter(milliseconds(120));  // 270 ms after the first
  EXPECT_FALSE(replica.raft().status().leased);
}

TEST(LeaseTest, FollowerWhoseClockIsNotTrustedGivesNone) {
  Replica replica = Trusting();
  replica.Elect();
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(1, 0));
  Renew(replica, /*clock_trusted=*/false);
  EXPECT_FALSE(replica.raft().status().leased);
  Renew(replica);
  EXPECT_TRUE(replica.raft().status().leased);

  Replica follower = Trusting();
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1, 0, /*round=*/1));
  follower.TickAfter(milliseconds(299));
  follower.Do([&](Raft& raft) { raft.SetClockTrusted(false, follower.now()); });
  follower.Sync();
  EXPECT_FALSE(follower.Take<AppendEntriesResponse>().back().clock_trusted);
  // The jump may have skipped what it promised to wait.
  follower.TickAfter(milliseconds(1));
  follower.Receive(kThree, 2, RequestVote{.last_log_index = Index(9), .last_log_term = Term(9)});
  EXPECT_EQ(follower.raft().term(), Term(1));
}

// 6.4.1 rests on clocks. What it heard while its own was not trusted, it may answer when it is
// again, and then somebody counts on the promise: so it is waited out anew.
TEST(LeaseTest, PromiseBeginsAnewWhenTheClockIsTrustedAgain) {
  Replica follower = Trusting();
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1));
  follower.Do([&](Raft& raft) { raft.SetClockTrusted(false, follower.now()); });
  follower.TickAfter(milliseconds(300));
  follower.Do([&](Raft& raft) { raft.SetClockTrusted(true, follower.now()); });
  const RequestVote request{.last_log_index = Index(9), .last_log_term = Term(9)};
  follower.TickAfter(milliseconds(299));
  follower.Do([&](Raft& raft) { raft.SetClockTrusted(true, follower.now()); });  // nothing new
  follower.Receive(kThree, 2, request);
  EXPECT_EQ(follower.raft().term(), Term(1));
  follower.TickAfter(milliseconds(1));
  follower.Receive(kThree, 2, request);
  EXPECT_EQ(follower.raft().term(), Term(2));
}

// It would break its promise by itself: its election timer has leapt as well.
TEST(LeaseTest, AfterALeapAFollowerWaitsBeforeItCampaigns) {
  Replica follower = Trusting();
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1));
  follower.Sync();
  for (int leap = 0; leap < 2; ++leap) {
    follower.Do(
        [&](Raft& raft) { raft.SetClockTrusted(false, follower.now() + std::chrono::seconds(1)); });
    follower.TickAfter(std::chrono::seconds(1));
    EXPECT_EQ(follower.raft().role(), Role::kFollower);
    EXPECT_TRUE(follower.Take<RequestVote>().empty());
    follower.Receive(kThree, 2, RequestVote{.last_log_index = Index(9), .last_log_term = Term(9)});
    EXPECT_EQ(follower.raft().term(), Term(1));
  }
}

// A restart that finds no term does not wait, so that nobody is told before there is one.
TEST(LeaseTest, NoPromiseBeforeTheFirstTermIsDurable) {
  Replica voter(Leased());
  voter.Do([&](Raft& raft) { raft.SetClockTrusted(true, voter.now()); });
  voter.Receive(kTwo, 1, AppendOf(LogOfTerms({1, 1}), 1, 2, /*commit=*/0, /*round=*/1));
  auto answers = voter.Take<AppendEntriesResponse>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].accepted || answers[0].clock_trusted);
  voter.Sync();
  voter.Receive(kTwo, 1, AppendOf(LogOfTerms({1, 1}), 1, 2, /*commit=*/0, /*round=*/2));
  answers = voter.Take<AppendEntriesResponse>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].clock_trusted);
}

// A leader may count on what was promised just before a crash.
TEST(LeaseTest, VoterThatRestartsKeepsItsPromise) {
  Replica follower(Leased());
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1));
  follower.Sync();
  follower.CrashAndRestart();
  const RequestVote request{.last_log_index = Index(9), .last_log_term = Term(9)};
  follower.Receive(kThree, 2, request);
  EXPECT_EQ(follower.raft().term(), Term(1));
  follower.TickAfter(milliseconds(299));
  follower.Receive(kThree, 2, request);
  EXPECT_EQ(follower.raft().term(), Term(1));
  follower.TickAfter(milliseconds(1));
  follower.Receive(kThree, 2, request);
  EXPECT_EQ(follower.raft().term(), Term(2));
}

// ... and one that learns of a higher term in between.
TEST(LeaseTest, PromiseOutlivesTheTermInWhichItWasGiven) {
  Replica follower(Leased());
  follower.Receive(kTwo, 1, AppendOf(LogOfTerms({1}), 0, 1));
  follower.Receive(kThree, 5, RequestVoteResponse{.pre_vote = true});
  EXPECT_EQ(follower.raft().term(), Term(5));
  follower.Receive(kThree, 6, RequestVote{.last_log_index = Index(9), .last_log_term = Term(9)});
  EXPECT_EQ(follower.raft().term(), Term(5));
}

// ... and whose connection to the leader ends: others may still reach it, and read there.
TEST(LeaseTest, PromiseOutlivesTheConnectionToTheLeader) {
  Replica follower(Leased());
  follower.Receive(kTwo, 1, AppendEntries{});
  follower.Sync();
  follower.TakeMessages();
  follower.raft().PeerLost(kTwo, follower.now());
  follower.Receive(
      kThree, 2, RequestVote{.last_log_index = Index(), .last_log_term = Term(), .pre_vote = true});
  EXPECT_TRUE(follower.TakeMessages().empty());
  const Duration wait = follower.raft().deadline() - follower.now();
  EXPECT_GE(wait, milliseconds(300));
  EXPECT_LT(wait, milliseconds(400));
}

}  // namespace
}  // namespace quorumbook::consensus
