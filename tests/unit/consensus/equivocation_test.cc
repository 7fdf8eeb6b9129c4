// Replicas that contradict what they said before: leaders that write two entries for one index,
// followers that lack what they acknowledged, senders of what is not sound.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/digest.h"
#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

AppendEntriesResponse Accepts(uint64_t index, uint64_t round = 0) {
  return {.accepted = true, .index = Index(index), .round = round};
}

AppendEntriesResponse Refuses(uint64_t index, uint64_t hint, uint64_t round) {
  return {.accepted = false,
          .index = Index(index),
          .hint_index = Index(hint),
          .hint_term = Term(1),
          .round = round};
}

// A log of term 1 whose entries from `from` on are others than those of LogOfTerms.
std::vector<Entry> OtherFrom(uint64_t from, uint64_t length) {
  std::vector<Entry> log = LogOfTerms(std::vector<uint64_t>(length, 1));
  for (Entry& entry : log) {
    if (entry.index < Index(from)) continue;
    entry.payload = Text("other");
    const Digest previous = MetaOf(log, entry.index.value() - 1).chain;
    entry.chain = Chain(previous, entry.term, entry.index, entry.type, entry.bytes());
  }
  return log;
}

void ExpectEvidence(Replica& replica, Evidence::Kind kind, NodeId culprit, uint64_t index) {
  const std::vector<Evidence> evidence = replica.TakeEvidence();
  ASSERT_EQ(evidence.size(), 1u);
  EXPECT_EQ(evidence[0].kind, kind);
  EXPECT_EQ(evidence[0].culprit, culprit);
  EXPECT_EQ(evidence[0].index, Index(index));
}

// Node 1 leads term 1 of three; its log has five entries, which node 2 has acknowledged.
Replica LeaderOfFive(Options options = GroupOf(3)) {
  Replica leader(options);
  leader.Elect();
  for (const char* text : {"a", "b", "c", "d"}) {
    EXPECT_EQ(leader.Propose(text), ProposeResult::kAccepted);
  }
  leader.Sync();
  leader.Receive(kTwo, 1, Accepts(5));
  EXPECT_EQ(leader.raft().commit(), Index(5));
  leader.TakeMessages();
  return leader;
}

PeerProgress ProgressOf(Replica& leader, NodeId id) {
  for (const PeerProgress& peer : leader.raft().status().peers) {
    if (peer.id == id) return peer;
  }
  return {};
}

uint64_t RoundOfHeartbeat(Replica& leader) {
  leader.TickToDeadline();
  return leader.Take<AppendEntries>().back().round;
}

// An older copy of its disk was put back: who it is has not changed, what it has did.
TEST(EvidenceTest, WhoRefusesWhatItAcknowledgedIsNamed) {
  Replica leader = LeaderOfFive();
  const uint64_t round = RoundOfHeartbeat(leader);
  leader.Receive(kTwo, 1, Refuses(5, /*hint=*/3, round));
  ExpectEvidence(leader, Evidence::Kind::kForgotAcknowledged, kTwo, 5);
  EXPECT_EQ(ProgressOf(leader, kTwo).match, Index(0));
  EXPECT_EQ(leader.raft().commit(), Index(5));
  // It is brought up to date.
  bool sent = false;
  for (const AppendEntries& append : leader.Take<AppendEntries>()) {
    if (append.prev_index != Index(3)) continue;
    ASSERT_EQ(append.entries.size(), 2u);
    sent = true;
    leader.Receive(kTwo, 1, Accepts(5, append.round));
  }
  EXPECT_TRUE(sent);
  EXPECT_EQ(ProgressOf(leader, kTwo).match, Index(5));
  EXPECT_TRUE(leader.TakeEvidence().empty());
}

// The older copy is as long, with a tail that the leader's entries had displaced.
TEST(EvidenceTest, WhoHasAnOlderTailThanItAcknowledgedIsNamed) {
  Replica leader(GroupOf(3), LogOfTerms({1, 1, 1}), /*term=*/1);
  leader.Elect();
  ASSERT_EQ(leader.Propose("a"), ProposeResult::kAccepted);
  leader.Sync();
  leader.Receive(kTwo, 2, Accepts(5));
  ASSERT_EQ(leader.raft().commit(), Index(5));
  const uint64_t round = RoundOfHeartbeat(leader);
  leader.Receive(kTwo, 2, Refuses(5, /*hint=*/5, round));
  ExpectEvidence(leader, Evidence::Kind::kForgotAcknowledged, kTwo, 5);
  EXPECT_EQ(ProgressOf(leader, kTwo).match, Index(0));
  EXPECT_EQ(leader.Take<AppendEntries>().back().prev_index, Index(3));
}

// It says nothing about what is on its disk now.
TEST(EvidenceTest, WhatWasAcknowledgedBeforeForgettingDoesNotCount) {
  Replica leader = LeaderOfFive();
  const uint64_t before = RoundOfHeartbeat(leader);
  leader.Receive(kTwo, 1, Refuses(5, /*hint=*/3, before));
  leader.Receive(kTwo, 1, Accepts(5, before));  // late, of the time before
  EXPECT_EQ(ProgressOf(leader, kTwo).match, Index(0));
  ASSERT_EQ(leader.Propose("e"), ProposeResult::kAccepted);
  leader.Sync();
  EXPECT_EQ(leader.raft().commit(), Index(5));
}

// Sent before the leader knew of the acknowledgement, so that it may have been on its way.
TEST(EvidenceTest, RefusalsThatAreOnlyLateForgetNothing) {
  Replica leader(GroupOf(3));
  leader.Elect();
  leader.Propose("a");
  leader.Sync();
  const uint64_t round = RoundOfHeartbeat(leader);
  leader.Receive(kTwo, 1, Accepts(2, round));
  leader.Receive(kTwo, 1, Refuses(2, /*hint=*/0, round));
  leader.Receive(kTwo, 1, Refuses(2, /*hint=*/0, round - 1));
  EXPECT_TRUE(leader.TakeEvidence().empty());
  EXPECT_EQ(ProgressOf(leader, kTwo).match, Index(2));
}

TEST(EvidenceTest, LeaderThatSendsTwoEntriesForOneIndexIsNamed) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1});
  const std::vector<Entry> other = OtherFrom(/*from=*/2, 3);
  for (const bool as_previous : {false, true}) {
    Replica follower(GroupOf(3));
    follower.Receive(kTwo, 1, AppendOf(log, 0, 2));
    follower.Receive(kTwo, 1, as_previous ? AppendOf(other, 2, 3) : AppendOf(other, 1, 3));
    ExpectEvidence(follower, Evidence::Kind::kDivergedLog, kTwo, 2);
    EXPECT_EQ(follower.raft().EntryMeta(Index(2)), MetaOf(log, 2));
  }
}

// Each of them has what the dead leader of term 1 told it. Who is wrong can not be told, and who
// leads next decides.
TEST(EvidenceTest, FollowerOfAnEquivocatingLeaderFollowsTheNextOne) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1, 1});
  const std::vector<Entry> other = OtherFrom(/*from=*/2, 4);
  Replica leader(GroupOf(3, kTwo), log, /*term=*/1);
  Replica follower(GroupOf(3, kThree), other, /*term=*/1);
  leader.Elect();
  leader.Sync();
  ASSERT_EQ(leader.raft().term(), Term(2));
  for (int i = 0; i < 20; ++i) {
    for (Message& message : leader.TakeMessages()) {
      if (message.to == kThree) follower.Receive(kTwo, 2, std::move(message.body));
    }
    follower.Sync();
    for (Message& message : follower.TakeMessages()) {
      if (message.to == kTwo) leader.Receive(kThree, 2, std::move(message.body));
    }
  }
  EXPECT_EQ(leader.raft().commit(), Index(5));
  EXPECT_EQ(follower.raft().EntryMeta(Index(4)), MetaOf(log, 4));
  ExpectEvidence(follower, Evidence::Kind::kDivergedLog, NodeId(), 4);
  EXPECT_TRUE(leader.TakeEvidence().empty());
}

// What it acknowledged to this leader, maybe before a restart, it keeps.
TEST(EvidenceTest, InTheSameTermAFollowerKeepsItsEntry) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1});
  Replica follower(GroupOf(3), log, /*term=*/1);
  follower.Receive(kTwo, 1, AppendOf(OtherFrom(/*from=*/3, 3), 2, 3));
  ExpectEvidence(follower, Evidence::Kind::kDivergedLog, NodeId(), 3);
  EXPECT_EQ(follower.raft().EntryMeta(Index(3)), MetaOf(log, 3));
}

TEST(EvidenceTest, AcknowledgementOfAnotherEntryDoesNotCount) {
  Replica leader = LeaderOfFive();
  AppendEntriesResponse answer = Accepts(5);
  answer.chain = Digest{.high = 1, .low = 2};
  leader.Receive(kThree, 1, answer);
  ExpectEvidence(leader, Evidence::Kind::kDivergedLog, kThree, 5);
  EXPECT_EQ(ProgressOf(leader, kThree).match, Index(0));
  answer.chain = leader.raft().EntryMeta(Index(5))->chain;
  leader.Receive(kThree, 1, answer);
  EXPECT_EQ(ProgressOf(leader, kThree).match, Index(5));
}

TEST(EvidenceTest, AcknowledgementsSayOfWhichEntries) {
  const std::vector<Entry> log = LogOfTerms({1, 1});
  Replica follower(GroupOf(3));
  follower.Receive(kTwo, 1, AppendOf(log, 0, 2));
  follower.Sync();
  const auto answers = follower.Take<AppendEntriesResponse>();
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers.back().index, Index(2));
  EXPECT_EQ(answers.back().chain, log[1].chain);
}

// It executed rightly what it was sent; whoever wrote that is to blame, and can not be named here.
TEST(StateDigestTest, StateOfAnotherLogIsNotBlamedOnWhoExecutedIt) {
  Options options = GroupOf(3);
  options.digest_interval = 2;
  const std::vector<Entry> log = LogOfTerms({1, 1});
  const Digest right{.high = 1};
  const Digest other{.high = 2};
  const auto tell = [&](Replica& replica, NodeId node, const Digest& digest, const Digest& chain) {
    replica.Receive(node, 1, StateDigest{.index = Index(2), .digest = digest, .chain = chain});
  };
  Replica replica(options, log, 1);
  replica.Receive(kTwo, 1, AppendOf(log, 2, 2, /*commit=*/2));
  replica.Do([&](Raft& raft) { raft.OnStateDigest(Index(2), right, replica.now()); });
  EXPECT_EQ(replica.Take<StateDigest>().front().chain, log[1].chain);
  tell(replica, kThree, other, Digest{.high = 9});
  tell(replica, kTwo, right, log[1].chain);
  ExpectEvidence(replica, Evidence::Kind::kDivergedLog, NodeId(), 2);
  EXPECT_FALSE(replica.raft().status().quarantined);

  // The one that stands alone with its log must not serve what it has made of it.
  Replica alone(options, log, 1);
  alone.Receive(kTwo, 1, AppendOf(log, 2, 2, /*commit=*/2));
  alone.Do([&](Raft& raft) { raft.OnStateDigest(Index(2), right, alone.now()); });
  tell(alone, kThree, other, Digest{.high = 9});
  tell(alone, kTwo, other, Digest{.high = 9});
  ExpectEvidence(alone, Evidence::Kind::kDivergedState, kOne, 2);
  EXPECT_TRUE(alone.raft().status().quarantined);
}

// Each time, for its host counts; other evidence is told once a term.
TEST(EvidenceTest, TheSameCorruptEntryCountsEachTime) {
  const std::vector<Entry> log = LogOfTerms({1, 1});
  Replica follower(GroupOf(3));
  AppendEntries append = AppendOf(log, 0, 2);
  append.entries[1].payload = Text("forged");
  for (int i = 0; i < 3; ++i) {
    follower.Receive(kTwo, 1, append);
    ExpectEvidence(follower, Evidence::Kind::kCorruptEntry, kTwo, 2);
    const auto answers = follower.Take<AppendEntriesResponse>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(answers[0].corrupt && !answers[0].accepted);
  }
}

TEST(EvidenceTest, TwoKindsInTurnAreToldOnceEach) {
  Replica follower(GroupOf(3), LogOfTerms({1, 1}), 1);
  follower.Receive(kTwo, 1, AppendEntries{});
  for (int i = 0; i < 3; ++i) {
    follower.Receive(kThree, 1, AppendEntries{});
    follower.Receive(kTwo, 1, AppendOf(OtherFrom(/*from=*/1, 2), 2, 2));
  }
  EXPECT_EQ(follower.TakeEvidence().size(), 2u);
}

TEST(ReplicationTest, CorruptEntriesAreNotSentAgainAtOnce) {
  Options options = GroupOf(3);
  options.max_append_bytes = 1;
  Replica leader = LeaderOfFive(options);
  leader.Receive(kThree, 1, Accepts(1));
  EXPECT_EQ(leader.Take<AppendEntries>().size(), 4u) << "the window";
  leader.Receive(kThree, 1, AppendEntriesResponse{.index = Index(1), .corrupt = true});
  EXPECT_TRUE(leader.Take<AppendEntries>().empty());
  EXPECT_EQ(leader.raft().role(), Role::kLeader) << "its own memory is sound";
  leader.TickToDeadline();
  leader.TakeMessages();
  leader.Receive(kThree, 1, Accepts(1));
  EXPECT_EQ(leader.Take<AppendEntries>().size(), 1u) << "one to try";
}

TEST(ReplicationTest, LateWordOfCorruptEntriesDoesNotHoldUpWhatIsUnderWay) {
  Replica leader = LeaderOfFive();
  leader.Receive(kThree, 1, Accepts(1));
  leader.Receive(kThree, 1, Accepts(3));
  leader.Receive(kThree, 1, AppendEntriesResponse{.index = Index(1), .corrupt = true});
  EXPECT_FALSE(ProgressOf(leader, kThree).probing);
  EXPECT_FALSE(ProgressOf(leader, kThree).limping);
}

// Its disk may be right: the process ends, and the next start looks.
TEST(ReplicationTest, LeaderWhoseMemoryOfAnEntryIsWrongGivesWay) {
  Replica leader(GroupOf(3));
  leader.Elect();
  const auto text = std::make_shared<std::string>("a");
  Index index;
  Term term;
  leader.Do([&](Raft& raft) { raft.Propose(text, leader.now(), &index, &term); });
  leader.Receive(kTwo, 1, Accepts(1));
  text->at(0) ^= 1;
  leader.Receive(kTwo, 1, AppendEntriesResponse{.index = Index(1), .corrupt = true});
  ExpectEvidence(leader, Evidence::Kind::kCorruptEntry, kOne, 2);
  EXPECT_EQ(leader.raft().role(), Role::kFollower);
  EXPECT_TRUE(leader.raft().status().quarantined);
}

// One that is whole and is no snapshot is the sender's fault.
TEST(SnapshotTest, OneThatCanNotBeReadIsEvidenceAndReplacesNothing) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1});
  const InstallSnapshot chunk{.meta = MetaOf(log, 3),
                              .data_digest = Digest128("data"),
                              .total_bytes = 4,
                              .checksum = Checksum64("data"),
                              .data = "data"};
  Replica follower(GroupOf(3), LogOfTerms({1}), 1);
  follower.ReadSnapshotsByHand();
  for (const bool readable : {false, true}) {
    follower.Receive(kTwo, 1, chunk);
    const std::vector<Snapshot> received = follower.TakeReceived();
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(follower.disk().pending(), 0u) << "nothing is replaced yet";
    EXPECT_EQ(follower.raft().status().last, Index(1));
    const auto answers = follower.Take<InstallSnapshotResponse>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].next_offset, 4u);
    EXPECT_FALSE(answers[0].installed);
    follower.Do([&](Raft& raft) {
      EXPECT_TRUE(raft.Awaits(received[0].data));
      raft.OnSnapshotRead(received[0].data, readable, follower.now());
      EXPECT_EQ(raft.Awaits(received[0].data), readable);
    });
    if (readable) break;
    ExpectEvidence(follower, Evidence::Kind::kCorruptSnapshot, kTwo, 3);
  }
  follower.Sync();
  EXPECT_EQ(follower.raft().commit(), Index(3));
  ASSERT_EQ(follower.Take<InstallSnapshotResponse>().size(), 1u);
  EXPECT_EQ(follower.TakeRestores().size(), 1u);
}

// The log has gone past it meanwhile: what was acknowledged of that is not dropped.
TEST(SnapshotTest, OneThatIsReadTooLateReplacesNothing) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1});
  Replica follower(GroupOf(3), LogOfTerms({1}), 1);
  follower.ReadSnapshotsByHand();
  follower.Receive(kTwo, 1,
                   InstallSnapshot{.meta = MetaOf(log, 2),
                                   .data_digest = Digest128("data"),
                                   .total_bytes = 4,
                                   .checksum = Checksum64("data"),
                                   .data = "data"});
  const std::vector<Snapshot> received = follower.TakeReceived();
  ASSERT_EQ(received.size(), 1u);
  follower.Receive(kTwo, 1, AppendOf(log, 1, 3));
  EXPECT_TRUE(follower.raft().Awaits(received[0].data));
  follower.Do([&](Raft& raft) {
    raft.OnSnapshotRead(received[0].data, /*readable=*/true, follower.now());
  });
  EXPECT_FALSE(follower.raft().Awaits(received[0].data));
  EXPECT_EQ(follower.raft().status().last, Index(3));
  EXPECT_EQ(follower.raft().commit(), Index(2));
}

}  // namespace
}  // namespace quorumbook::consensus
