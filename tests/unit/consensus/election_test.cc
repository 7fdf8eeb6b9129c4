// Elections, by the sentences of the thesis.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

const RequestVoteResponse kPreVote{.pre_vote = true, .granted = true};
const RequestVoteResponse kVote{.pre_vote = false, .granted = true};

RequestVote Asks(const SnapshotMeta& last, bool pre_vote = false) {
  return {.last_log_index = last.index, .last_log_term = last.term, .pre_vote = pre_vote};
}

// 3.4: "A server remains in follower state as long as it receives valid RPCs from a leader".
TEST(ElectionTest, FollowerStaysOneWhileItHearsFromALeader) {
  Replica replica(GroupOf(3));
  for (int heartbeat = 0; heartbeat < 20; ++heartbeat) {
    replica.Receive(kTwo, 1, AppendEntries{});
    replica.TickAfter(std::chrono::milliseconds(250));
  }
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_EQ(replica.raft().leader(), kTwo);
  EXPECT_EQ(replica.raft().term(), Term(1));
}

// 3.4: "If a follower receives no communication over a period of time called the election timeout,
// then it assumes there is no viable leader"; 9.6: and first asks whether it could win.
TEST(ElectionTest, FollowerAsksForPreVotesAfterTheTimeoutWithoutEnteringANewTerm) {
  Replica replica(GroupOf(3), LogOfTerms({1, 1, 2}), 2);
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kPreCandidate);
  EXPECT_EQ(replica.raft().term(), Term(2));
  const std::vector<Message> messages = replica.TakeMessages();
  ASSERT_EQ(messages.size(), 2u);
  for (const Message& message : messages) {
    const auto& request = std::get<RequestVote>(message.body);
    EXPECT_TRUE(request.pre_vote);
    EXPECT_EQ(message.term, Term(3));
    EXPECT_EQ(request.last_log_index, Index(3));
    EXPECT_EQ(request.last_log_term, Term(2));
  }
}

// 3.4: "a follower increments its current term and transitions to candidate state. It then votes
// for itself and issues RequestVote RPCs".
TEST(ElectionTest, CandidateVotesForItselfDurablyBeforeItAsksOthers) {
  Replica replica(GroupOf(3));
  replica.TickToDeadline();
  replica.Receive(kTwo, 1, kPreVote);
  EXPECT_EQ(replica.raft().role(), Role::kCandidate);
  EXPECT_EQ(replica.raft().term(), Term(1));
  EXPECT_EQ(replica.raft().status().vote, kOne);
  replica.TakeMessages();
  replica.Sync();
  EXPECT_EQ(replica.disk().hard_state(),
            (HardState{.term = Term(1), .vote = kOne, .commit = Index()}));
  EXPECT_EQ(replica.Take<RequestVote>().size(), 2u);
}

// 3.4: "A candidate wins an election if it receives votes from a majority of the servers in the
// full cluster for the same term".
TEST(ElectionTest, CandidateWinsWithAMajorityAndNotBefore) {
  for (const uint64_t voters : {2, 3, 4, 5, 6, 7}) {
    Replica replica(GroupOf(voters));
    replica.TickToDeadline();
    for (uint64_t voter = 2; voter <= voters / 2 + 1; ++voter) {
      EXPECT_EQ(replica.raft().role(), Role::kPreCandidate) << voters;
      replica.Receive(NodeId(voter), 1, kPreVote);
    }
    replica.Sync();
    for (uint64_t voter = 2; voter <= voters / 2 + 1; ++voter) {
      EXPECT_EQ(replica.raft().role(), Role::kCandidate) << voters;
      replica.Receive(NodeId(2), 1, kVote);  // repeats of one voter do not count
      replica.Receive(NodeId(voter), 1, kVote);
    }
    EXPECT_EQ(replica.raft().role(), Role::kLeader) << voters;
  }
}

TEST(ElectionTest, OwnVoteCountsOnlyOnceItIsDurable) {
  Replica replica(GroupOf(3));
  replica.TickToDeadline();
  replica.Receive(kTwo, 1, kPreVote);
  replica.Receive(kTwo, 1, kVote);
  EXPECT_EQ(replica.raft().role(), Role::kCandidate);
  replica.Sync();
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
}

TEST(ElectionTest, AloneItElectsItselfAtItsTimeoutAndCommits) {
  Replica replica(GroupOf(1));
  replica.TickToDeadline();
  replica.Sync();
  ASSERT_EQ(replica.raft().role(), Role::kLeader);
  ASSERT_EQ(replica.Propose("a"), ProposeResult::kAccepted);
  EXPECT_EQ(replica.raft().commit(), Index(1));
  replica.Sync();
  EXPECT_EQ(replica.raft().commit(), Index(2));
  EXPECT_EQ(replica.raft().deadline(), Instant::max());
  EXPECT_TRUE(replica.TakeMessages().empty());
}

// 3.4: "Each server will vote for at most one candidate in a given term, on a first-come-
// first-served basis".
TEST(ElectionTest, VoterVotesOnceInATerm) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, Asks({}));
  replica.Receive(kThree, 1, Asks({}));
  replica.Receive(kTwo, 1, Asks({}));
  replica.Sync();
  int granted = 0;
  for (const Message& message : replica.TakeMessages()) {
    if (!std::get<RequestVoteResponse>(message.body).granted) continue;
    EXPECT_EQ(message.to, kTwo);
    ++granted;
  }
  EXPECT_EQ(granted, 1);
  replica.CrashAndRestart();
  replica.Receive(kThree, 1, Asks({}));
  replica.Receive(kTwo, 1, Asks({}));
  replica.Sync();
  const std::vector<Message> again = replica.TakeMessages();
  ASSERT_EQ(again.size(), 2u);
  EXPECT_FALSE(std::get<RequestVoteResponse>(again[0].body).granted);
  EXPECT_TRUE(std::get<RequestVoteResponse>(again[1].body).granted);
}

// 3.4: "If the leader's term [...] is at least as large as the candidate's current term, then the
// candidate recognizes the leader as legitimate and returns to follower state."
TEST(ElectionTest, CandidateYieldsToALeaderOfItsTerm) {
  Replica replica(GroupOf(3));
  replica.TickToDeadline();
  replica.Receive(kTwo, 1, kPreVote);
  replica.Receive(kThree, 1, AppendEntries{});
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_EQ(replica.raft().leader(), kThree);
}

// 3.4: "election timeouts are chosen randomly from a fixed interval".
TEST(ElectionTest, TimeoutsAreDrawnAnewFromTheInterval) {
  const Options options = GroupOf(3);
  Replica replica(options);
  std::set<Duration> drawn;
  for (int round = 0; round < 200; ++round) {
    const Duration timeout = replica.raft().deadline() - replica.now();
    EXPECT_GE(timeout, options.election_timeout_min);
    EXPECT_LT(timeout, options.election_timeout_max);
    drawn.insert(timeout);
    replica.TickToDeadline();
  }
  EXPECT_GT(drawn.size(), 190u);
  EXPECT_LT(*drawn.begin(), std::chrono::milliseconds(330));
  EXPECT_GT(*drawn.rbegin(), std::chrono::milliseconds(570));
}

// 3.3: "If a candidate or leader discovers that its term is out of date, it immediately reverts to
// follower state."
TEST(ElectionTest, LeaderRevertsToFollowerWhenItsTermIsOutOfDate) {
  Replica replica(GroupOf(3));
  replica.Elect();
  replica.Receive(kThree, 7, AppendEntriesResponse{});
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_EQ(replica.raft().term(), Term(7));
}

// 3.6.1: "the voter denies its vote if its own log is more up-to-date than that of the candidate".
TEST(ElectionTest, VoterDeniesItsVoteToALessCompleteLog) {
  struct Case {
    uint64_t term;
    uint64_t index;
    bool granted;
  };
  // The voter's log ends with index 3, term 2.
  for (const Case& c : {Case{3, 1, true}, Case{2, 3, true}, Case{2, 4, true}, Case{2, 2, false},
                        Case{1, 9, false}}) {
    for (const bool pre_vote : {false, true}) {
      Replica replica(GroupOf(3), LogOfTerms({1, 1, 2}), 2);
      replica.Receive(kTwo, 5,
                      Asks({.index = Index(c.index), .term = Term(c.term), .chain = {}}, pre_vote));
      replica.Sync();
      const auto answers = replica.Take<RequestVoteResponse>();
      ASSERT_EQ(answers.size(), 1u);
      EXPECT_EQ(answers[0].granted, c.granted) << "term " << c.term << " index " << c.index;
      EXPECT_EQ(answers[0].pre_vote, pre_vote);
      EXPECT_EQ(replica.raft().term(), pre_vote ? Term(2) : Term(5));
    }
  }
}

// 4.2.3: "if a server receives a RequestVote request within the minimum election timeout of
// hearing from a current leader, it does not update its term or grant its vote."
TEST(ElectionTest, VoterIgnoresCandidatesWhileALeaderIsAtWork) {
  for (const bool pre_vote : {false, true}) {
    Replica replica(GroupOf(3));
    replica.Receive(kTwo, 1, AppendEntries{});
    replica.Sync();
    replica.TakeMessages();
    replica.TickAfter(std::chrono::milliseconds(299));
    replica.Receive(kThree, 4, Asks({}, pre_vote));
    EXPECT_EQ(replica.raft().term(), Term(1));
    EXPECT_TRUE(replica.TakeMessages().empty());
    replica.TickAfter(std::chrono::milliseconds(1));
    replica.Receive(kThree, 4, Asks({}, pre_vote));
    replica.Sync();
    EXPECT_EQ(replica.Take<RequestVoteResponse>().size(), 1u);
  }
}

// The end of the connection to its leader is as good as the time-out: it campaigns soon, and helps
// another who does.
TEST(ElectionTest, FollowerThatLostItsLeaderCampaignsSoonAndHelpsOthers) {
  std::set<Duration> waits;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Options options = GroupOf(3);
    options.seed = seed;
    Replica replica(options);
    replica.Receive(kTwo, 1, AppendEntries{});
    replica.Sync();
    replica.TakeMessages();
    const Instant before = replica.raft().deadline();
    replica.raft().PeerLost(kThree, replica.now());  // somebody else
    EXPECT_EQ(replica.raft().deadline(), before);
    replica.Receive(kThree, 2, Asks({}, /*pre_vote=*/true));
    EXPECT_TRUE(replica.TakeMessages().empty());

    replica.raft().PeerLost(kTwo, replica.now());
    waits.insert(replica.raft().deadline() - replica.now());
    replica.Receive(kThree, 2, Asks({}, /*pre_vote=*/true));
    const auto answers = replica.Take<RequestVoteResponse>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(answers[0].granted);
  }
  EXPECT_GE(*waits.begin(), Duration::zero());
  EXPECT_LT(*waits.rbegin(), GroupOf(3).election_timeout_min / 3);
  EXPECT_GT(waits.size(), 15u);  // not all at the same time
}

// A false alarm: the connection broke, the leader is there.
TEST(ElectionTest, FollowerThatLostItsLeaderFollowsItAgain) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, AppendEntries{});
  replica.raft().PeerLost(kTwo, replica.now());
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kPreCandidate);
  replica.Receive(kTwo, 1, AppendEntries{});
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_EQ(replica.raft().leader(), kTwo);
  EXPECT_EQ(replica.raft().term(), Term(1));
  EXPECT_GE(replica.raft().deadline() - replica.now(), GroupOf(3).election_timeout_min);
}

// With a vote refused two campaign, and neither may win: 3.4 waits for a timeout, which is long.
TEST(ElectionTest, CandidateThatIsRefusedTriesAgainBeforeItsTimeout) {
  Replica replica(GroupOf(3));
  replica.TickToDeadline();
  replica.Receive(kTwo, 1, kPreVote);
  replica.Sync();
  EXPECT_GE(replica.raft().deadline() - replica.now(), GroupOf(3).election_timeout_min);
  replica.Receive(kTwo, 1, RequestVoteResponse{});
  EXPECT_EQ(replica.raft().role(), Role::kCandidate);  // the third may still vote for it
  const Duration wait = replica.raft().deadline() - replica.now();
  EXPECT_GE(wait, GroupOf(3).election_timeout_min / 4);
  EXPECT_LT(wait, GroupOf(3).election_timeout_min / 2);
}

// 4.2.3: "with a special flag [...] 'I have permission to disrupt the leader - it told me to!'"
TEST(ElectionTest, VoterListensToACandidateThatTheLeaderSent) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, AppendEntries{});
  replica.Receive(
      kThree, 2,
      RequestVote{.last_log_index = Index(), .last_log_term = Term(), .leadership_transfer = true});
  replica.Sync();
  const auto answers = replica.Take<RequestVoteResponse>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].granted);
}

// 9.6: "a candidate only increments its term if it first learns from a majority of the cluster
// that they would be willing to grant the candidate their votes".
TEST(ElectionTest, IsolatedNodeDoesNotRaiseItsTerm) {
  Replica replica(GroupOf(5));
  for (int timeout = 0; timeout < 10; ++timeout) {
    replica.TickToDeadline();
    replica.Receive(kTwo, 1, kPreVote);
  }
  EXPECT_EQ(replica.raft().term(), Term(0));
  EXPECT_EQ(replica.raft().role(), Role::kPreCandidate);
}

TEST(ElectionTest, PreCandidateWithAnOldTermLearnsTheNewOneAndTriesAgain) {
  Replica replica(GroupOf(3), LogOfTerms({1}), 1);
  replica.TickToDeadline();
  replica.Receive(kTwo, 6, RequestVoteResponse{.pre_vote = true});
  EXPECT_EQ(replica.raft().term(), Term(6));
  replica.Sync();
  replica.TakeMessages();
  replica.TickToDeadline();
  const std::vector<Message> messages = replica.TakeMessages();
  ASSERT_FALSE(messages.empty());
  EXPECT_EQ(messages[0].term, Term(7));
}

TEST(ElectionTest, PreCandidateThatAMajorityRefusesWaitsForItsNextTimeout) {
  Replica replica(GroupOf(3), LogOfTerms({1}), 1);
  replica.TickToDeadline();
  replica.Receive(kTwo, 1, RequestVoteResponse{.pre_vote = true});
  replica.Receive(kThree, 1, RequestVoteResponse{.pre_vote = true});
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_GT(replica.raft().deadline(), replica.now());
}

// 6.2: "a leader in Raft steps down if an election timeout elapses without a successful round of
// heartbeats to a majority of its cluster".
TEST(ElectionTest, LeaderWithoutWordFromAMajorityStepsDown) {
  Replica replica(GroupOf(5));
  replica.Elect();
  replica.Sync();
  const AppendEntriesResponse all{.accepted = true, .index = Index(1)};
  for (int round = 0; round < 10; ++round) {
    replica.TickAfter(std::chrono::milliseconds(300));
    replica.Receive(kTwo, 1, all);
    replica.Receive(kThree, 1, all);  // with the leader a majority of five
  }
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
  replica.TickAfter(std::chrono::milliseconds(300));
  replica.Receive(kTwo, 1, all);
  replica.TickAfter(std::chrono::milliseconds(299));
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
  EXPECT_EQ(replica.raft().deadline(), replica.now() + std::chrono::milliseconds(1));
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_EQ(replica.raft().term(), Term(1));
}

}  // namespace
}  // namespace quorumbook::consensus
