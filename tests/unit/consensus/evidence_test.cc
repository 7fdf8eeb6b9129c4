// What no correct replica does is reported; what is only late is not.
#include <gtest/gtest.h>

#include "common/digest.h"
#include "tests/unit/consensus/cluster.h"
#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

void ExpectEvidence(Replica& replica, Evidence::Kind kind, NodeId culprit, uint64_t index) {
  const std::vector<Evidence> evidence = replica.TakeEvidence();
  ASSERT_EQ(evidence.size(), 1u);
  EXPECT_EQ(evidence[0].kind, kind);
  EXPECT_EQ(evidence[0].culprit, culprit);
  EXPECT_EQ(evidence[0].index, Index(index));
}

TEST(EvidenceTest, TwoLeadersInATerm) {
  Replica follower(GroupOf(3), LogOfTerms({1}), 1);
  follower.Receive(kTwo, 1, AppendEntries{});
  follower.Receive(kThree, 1, AppendEntries{});
  ExpectEvidence(follower, Evidence::Kind::kTwoLeadersInTerm, NodeId(), 1);
  EXPECT_EQ(follower.raft().leader(), kTwo);
  follower.Receive(kThree, 1, AppendEntries{});
  EXPECT_TRUE(follower.TakeEvidence().empty()) << "reported again";

  Replica leader(GroupOf(3));
  leader.Elect();
  leader.Receive(kTwo, 1, AppendEntries{});
  ExpectEvidence(leader, Evidence::Kind::kTwoLeadersInTerm, kTwo, 1);
  // It did not vote for this one: it may have been elected by somebody who voted for both.
  leader.Receive(kThree, 1, AppendEntries{});
  ExpectEvidence(leader, Evidence::Kind::kTwoLeadersInTerm, NodeId(), 1);
  EXPECT_EQ(leader.raft().role(), Role::kLeader);
}

TEST(EvidenceTest, DoubleVote) {
  for (const bool request_first : {false, true}) {
    Replica replica(GroupOf(5));
    replica.TickToDeadline();
    replica.Receive(kTwo, 1, RequestVoteResponse{.pre_vote = true, .granted = true});
    replica.Receive(kThree, 1, RequestVoteResponse{.pre_vote = true, .granted = true});
    replica.Sync();
    ASSERT_EQ(replica.raft().role(), Role::kCandidate);
    // Who asks for votes has given its own to itself.
    if (request_first) replica.Receive(kFour, 1, RequestVote{});
    replica.Receive(kFour, 1, RequestVoteResponse{.granted = true});
    if (!request_first) replica.Receive(kFour, 1, RequestVote{});
    ExpectEvidence(replica, Evidence::Kind::kDoubleVote, kFour, 0);
  }
}

TEST(EvidenceTest, VotesInDifferentTermsAreNoDoubleVote) {
  Replica replica(GroupOf(3));
  replica.Receive(kTwo, 1, RequestVote{});
  replica.Sync();
  replica.TickToDeadline();
  replica.Receive(kThree, 2, RequestVoteResponse{.pre_vote = true, .granted = true});
  replica.Sync();
  replica.Receive(kTwo, 1, RequestVote{});
  replica.Receive(kTwo, 2, RequestVoteResponse{.granted = true});
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
  EXPECT_TRUE(replica.TakeEvidence().empty());
}

TEST(EvidenceTest, CorruptEntryIsRefused) {
  const std::vector<Entry> log = LogOfTerms({1, 1, 1});
  Replica replica(GroupOf(3));
  AppendEntries append = AppendOf(log, 0, 3);
  append.entries[1].payload = Text("forged");
  replica.Receive(kTwo, 1, append);
  ExpectEvidence(replica, Evidence::Kind::kCorruptEntry, kTwo, 2);
  EXPECT_EQ(replica.raft().status().last, Index(0));
  replica.Receive(kTwo, 1, AppendOf(log, 0, 3));
  EXPECT_EQ(replica.raft().status().last, Index(3));
}

TEST(EvidenceTest, EntriesOutOfOrderAreCorrupt) {
  const std::vector<Entry> log = LogOfTerms({1, 2});
  for (const int kind : {0, 1, 2}) {
    Replica replica(GroupOf(3), {}, 1);
    AppendEntries append = AppendOf(log, 0, 2);
    if (kind == 0) std::swap(append.entries[0], append.entries[1]);
    if (kind == 1) append.entries[0].payload = nullptr;
    // kind 2: a term that is later than the leader's
    replica.Receive(kTwo, kind == 2 ? 1 : 2, append);
    ASSERT_EQ(replica.TakeEvidence().size(), 1u) << kind;
    EXPECT_EQ(replica.raft().status().last, Index(0));
  }
}

std::vector<Entry> OtherHistory(uint64_t last_term) {
  std::vector<Entry> log = LogOfTerms({1, 1});
  Digest chain;
  for (Entry& entry : log) {
    if (entry.index == Index(2)) entry.term = Term(last_term);
    entry.payload = Text("other");
    entry.chain = chain = Chain(chain, entry.term, entry.index, entry.type, *entry.payload);
  }
  return log;
}

TEST(EvidenceTest, DivergedLog) {
  // Not committed: either may be wrong.
  Replica replica(GroupOf(3), LogOfTerms({1, 1}), 1);
  replica.Receive(kTwo, 1, AppendOf(OtherHistory(1), 2, 2));
  ExpectEvidence(replica, Evidence::Kind::kDivergedLog, NodeId(), 2);
  replica.Receive(kTwo, 1, AppendOf(OtherHistory(1), 0, 2));
  EXPECT_TRUE(replica.TakeEvidence().empty()) << "told once a term";
  EXPECT_TRUE(replica.Take<AppendEntriesResponse>().empty());
  // Committed: a correct leader has it.
  replica.Receive(kTwo, 1, AppendOf(LogOfTerms({1, 1}), 2, 2, /*commit=*/2));
  replica.Receive(kTwo, 1, AppendOf(OtherHistory(1), 2, 2));
  ExpectEvidence(replica, Evidence::Kind::kDivergedLog, kTwo, 2);
}

TEST(EvidenceTest, CommittedEntriesAreNeverReplaced) {
  Replica replica(GroupOf(3), LogOfTerms({1, 1, 1}), 1);
  replica.Receive(kTwo, 1, AppendOf(LogOfTerms({1, 1, 1}), 3, 3, /*commit=*/2));
  const std::vector<Entry> conflicting = LogOfTerms({1, 2, 2});
  replica.Receive(kThree, 2, AppendOf(conflicting, 1, 3));
  ExpectEvidence(replica, Evidence::Kind::kCommitRegressed, kThree, 2);
  replica.Receive(kThree, 2, AppendOf(conflicting, 2, 3));
  EXPECT_TRUE(replica.TakeEvidence().empty());
  EXPECT_EQ(replica.raft().EntryMeta(Index(3)), MetaOf(LogOfTerms({1, 1, 1}), 3));
  EXPECT_EQ(replica.raft().commit(), Index(2));
}

TEST(EvidenceTest, CorruptSnapshotChunk) {
  const SnapshotMeta meta = MetaOf(LogOfTerms({1, 1}), 2);
  const InstallSnapshot good{.meta = meta,
                             .data_digest = Digest128("data"),
                             .total_bytes = 4,
                             .checksum = Checksum64("data"),
                             .data = "data"};
  Replica replica(GroupOf(3));
  InstallSnapshot bad = good;
  bad.data = "dada";
  replica.Receive(kTwo, 1, bad);
  ExpectEvidence(replica, Evidence::Kind::kCorruptSnapshot, kTwo, 2);
  bad = good;
  bad.total_bytes = 3;
  replica.Receive(kTwo, 1, bad);
  bad = good;
  bad.data_digest = Digest128("dada");
  replica.Receive(kTwo, 1, bad);
  EXPECT_EQ(replica.raft().commit(), Index(0));
  replica.Receive(kTwo, 1, good);
  EXPECT_EQ(replica.raft().commit(), Index(2));
}

// 4.2.2: requests are taken from anybody; an answer by a stranger has no meaning.
TEST(EvidenceTest, AnswersOfStrangersAreIgnored) {
  Replica replica(GroupOf(3));
  const AppendEntriesResponse answer{.accepted = true, .index = Index(1)};
  replica.Receive(NodeId(9), 5, answer);
  replica.Receive(NodeId(9), 5, TimeoutNow{});
  replica.Receive(NodeId(9), 5, RequestVoteResponse{});
  replica.Receive(NodeId(), 5, AppendEntries{});
  replica.Receive(kOne, 5, AppendEntries{});
  replica.raft().Step({.from = kTwo, .to = kThree, .term = Term(5), .body = AppendEntries{}},
                      replica.now());
  EXPECT_EQ(replica.raft().term(), Term(0));
}

// A state that differs from that of a majority is wrong.
TEST(StateDigestTest, MinorityIsNamed) {
  Options options = GroupOf(3);
  options.digest_interval = 2;
  Replica replica(options, LogOfTerms({1, 1, 1, 1}), 1);
  replica.Receive(kTwo, 1, AppendOf(LogOfTerms({1, 1, 1, 1}), 4, 4, /*commit=*/4));
  const Digest right{.high = 1, .low = 2};
  const Digest wrong{.high = 1, .low = 3};
  const auto says = [&](NodeId node, uint64_t index, const Digest& digest) {
    replica.Receive(node, 1, StateDigest{.index = Index(index), .digest = digest});
  };
  replica.Do([&](Raft& raft) { raft.OnStateDigest(Index(2), right, replica.now()); });
  EXPECT_EQ(replica.Take<StateDigest>().size(), 2u);
  says(kThree, 2, wrong);
  EXPECT_TRUE(replica.TakeEvidence().empty());  // either may be wrong
  says(NodeId(9), 2, wrong);                    // a stranger
  says(kTwo, 2, right);
  ExpectEvidence(replica, Evidence::Kind::kDivergedState, kThree, 2);
  says(kThree, 2, wrong);
  EXPECT_TRUE(replica.TakeEvidence().empty());
  // Three of three that all differ.
  replica.Do([&](Raft& raft) { raft.OnStateDigest(Index(4), right, replica.now()); });
  says(kThree, 4, wrong);
  says(kTwo, 4, Digest{});
  ExpectEvidence(replica, Evidence::Kind::kDivergedState, NodeId(), 4);
  // Not an index of interest.
  says(kTwo, 400, wrong);
  says(kTwo, 3, wrong);
  EXPECT_TRUE(replica.TakeEvidence().empty());
}

// By their bytes: those of another version are others. And not with digests of another kind.
TEST(StateDigestTest, WholeStatesAreComparedAmongThoseOfOneFormat) {
  Options options = GroupOf(3);
  options.digest_interval = 1;
  options.state_format = 7;
  const std::vector<Entry> log = LogOfTerms(std::vector<uint64_t>(kWholeStateEvery, 1));
  Replica replica(options, log, 1);
  replica.Receive(kTwo, 1, AppendOf(log, 16, 16, /*commit=*/16));
  const Digest right{.high = 1, .low = 2};
  const Digest wrong{.high = 1, .low = 3};
  const auto says = [&](NodeId node, const Digest& digest, uint32_t format) {
    replica.Receive(node, 1, StateDigest{.index = Index(16), .digest = digest, .format = format});
  };
  replica.Do([&](Raft& raft) { raft.OnStateDigest(Index(16), wrong, replica.now()); });
  replica.TakeMessages();
  replica.Do([&](Raft& raft) { raft.OnWholeState(Index(16), right, replica.now()); });
  const auto told = replica.Take<StateDigest>();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].format, 7u);
  EXPECT_EQ(told[0].chain, log.back().chain);
  says(kTwo, wrong, 8);
  says(kThree, wrong, 8);
  says(kTwo, right, 7);
  EXPECT_TRUE(replica.TakeEvidence().empty());
  says(kThree, wrong, 7);
  ExpectEvidence(replica, Evidence::Kind::kDivergedState, kThree, 16);
}

TEST(StateDigestTest, DivergedReplicaStopsToLeadVoteAndCampaign) {
  Options options = GroupOf(3);
  options.digest_interval = 1;
  Replica replica(options);
  replica.Elect();
  replica.Sync();
  replica.Receive(kTwo, 1, AppendEntriesResponse{.accepted = true, .index = Index(1)});
  replica.Do([&](Raft& raft) { raft.OnStateDigest(Index(1), Digest{.high = 1}, replica.now()); });
  replica.Receive(kTwo, 1, StateDigest{.index = Index(1), .digest = {}});
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
  replica.Receive(kThree, 1, StateDigest{.index = Index(1), .digest = {}});
  ExpectEvidence(replica, Evidence::Kind::kDivergedState, kOne, 1);
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_TRUE(replica.raft().status().quarantined);
  EXPECT_EQ(replica.raft().deadline(), Instant::max());
  replica.TakeMessages();
  replica.TickAfter(std::chrono::seconds(5));
  replica.Receive(kTwo, 2, RequestVote{.last_log_index = Index(9), .last_log_term = Term(9)});
  replica.Sync();
  EXPECT_TRUE(replica.TakeMessages().empty());
  // Its log is as good as any other.
  replica.Receive(kTwo, 2, AppendOf(LogOfTerms({2}), 0, 0, /*commit=*/0, /*round=*/1));
  replica.Sync();
  EXPECT_FALSE(replica.Take<AppendEntriesResponse>().empty());
}

TEST(StateDigestTest, ClusterGoesOnWithoutTheOneThatDiverged) {
  for (const bool leads : {true, false}) {
    ClusterOptions options{.nodes = 3, .seed = 6, .raft = {}, .network = {}, .disk = {}};
    options.raft.digest_interval = 8;
    Cluster cluster(options);
    const auto elected = [&] { return cluster.Leader().has_value(); };
    ASSERT_TRUE(cluster.RunUntil(elected, std::chrono::seconds(5)));
    const NodeId leader = *cluster.Leader();
    const NodeId bad = leads ? leader : NodeId(leader.value() % 3 + 1);
    cluster.Diverge(bad);
    for (int proposal = 0; proposal < 200; ++proposal) {
      if (elected()) cluster.Propose(*cluster.Leader(), "order");
      cluster.RunFor(std::chrono::milliseconds(10));
    }
    EXPECT_GT(cluster.committed(), Index(50));
    EXPECT_NE(cluster.Leader(), bad);
    EXPECT_TRUE(cluster.raft(bad).status().quarantined);
    EXPECT_EQ(cluster.failure(), std::nullopt);
    ASSERT_FALSE(cluster.evidence().empty());
    for (const Evidence& evidence : cluster.evidence()) {
      EXPECT_EQ(evidence.kind, Evidence::Kind::kDivergedState);
      EXPECT_EQ(evidence.culprit, bad);
    }
  }
}

TEST(FenceTest, FencedReplicaIsNotHeardAndNeverLeads) {
  Replica leader(GroupOf(3));
  leader.Elect();
  leader.Sync();
  leader.Do([&](Raft& raft) { raft.Fence(kTwo, leader.now()); });
  leader.Receive(kTwo, 1, AppendEntriesResponse{.accepted = true, .index = Index(1)});
  EXPECT_EQ(leader.raft().commit(), Index(0));
  leader.Receive(kTwo, 9, AppendEntriesResponse{});
  EXPECT_EQ(leader.raft().role(), Role::kLeader);
  EXPECT_FALSE(leader.Transfer(kTwo));
  leader.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(1)});
  EXPECT_EQ(leader.raft().commit(), Index(1));
  EXPECT_EQ(leader.raft().status().fenced, std::vector<NodeId>{kTwo});

  Replica follower(GroupOf(3));
  follower.Receive(kTwo, 1, AppendEntries{});
  follower.Sync();
  follower.Do([&](Raft& raft) { raft.Fence(kTwo, follower.now()); });
  EXPECT_EQ(follower.raft().leader(), NodeId());
  follower.Receive(kTwo, 1, AppendEntries{});
  EXPECT_EQ(follower.raft().leader(), NodeId());
  follower.TickToDeadline();
  EXPECT_EQ(follower.raft().role(), Role::kPreCandidate);
}

// What it said before it was found out is worth as little.
TEST(FenceTest, WhatAFencedReplicaSaidBeforeDoesNotCount) {
  Options options = GroupOf(3);
  options.lease_reads = true;
  Replica leader(options);
  leader.Do([&](Raft& raft) { raft.SetClockTrusted(true, leader.now()); });
  leader.Elect();
  leader.Sync();
  leader.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(1)});
  ASSERT_EQ(leader.Propose("a"), ProposeResult::kAccepted);
  leader.Receive(kTwo, 1, AppendEntriesResponse{.accepted = true, .index = Index(2)});
  leader.TickToDeadline();
  const auto heartbeats = leader.Take<AppendEntries>();
  leader.Receive(
      kTwo, 1,
      AppendEntriesResponse{.accepted = true, .index = Index(2), .round = heartbeats.back().round});
  ASSERT_TRUE(leader.raft().status().leased);
  leader.Do([&](Raft& raft) { raft.Fence(kTwo, leader.now()); });
  leader.Sync();
  EXPECT_EQ(leader.raft().commit(), Index(1));
  EXPECT_FALSE(leader.raft().status().leased);
  leader.Receive(kThree, 1, AppendEntriesResponse{.accepted = true, .index = Index(2)});
  EXPECT_EQ(leader.raft().commit(), Index(2));
}

// A network that changes bytes: every change is seen, none gets through, service goes on.
TEST(EvidenceTest, ClusterServesOverANetworkThatCorruptsEntries) {
  Cluster cluster({.nodes = 3, .seed = 5, .raft = {}, .network = {}, .disk = {}});
  cluster.CorruptAppends(20);
  for (int proposal = 0; proposal < 200; ++proposal) {
    cluster.RunUntil([&] { return cluster.Leader().has_value(); }, std::chrono::seconds(5));
    cluster.Propose(*cluster.Leader(), "order");
    cluster.RunFor(std::chrono::milliseconds(5));
  }
  cluster.CorruptAppends(0);
  EXPECT_TRUE(
      cluster.RunUntil([&] { return cluster.AllAppliedEqually(); }, std::chrono::seconds(5)));
  EXPECT_EQ(cluster.failure(), std::nullopt);
  EXPECT_GE(cluster.committed(), Index(150));
  EXPECT_GT(cluster.evidence().size(), 20u);
  for (const Evidence& evidence : cluster.evidence()) {
    EXPECT_EQ(evidence.kind, Evidence::Kind::kCorruptEntry);
  }
}

}  // namespace
}  // namespace quorumbook::consensus
