// What a replica does about replicas, itself included, whose state is not that of the majority.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/digest.h"
#include "exchange/snapshot.h"
#include "server/replica/member.h"
#include "tests/unit/server/recording_host.h"

namespace quorumbook::server {
namespace {

using consensus::Evidence;
using consensus::Index;
using consensus::Term;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Follower 1 of leader 2, which has applied one entry; states are compared at each.
class ReplicaEvidenceTest : public ::testing::Test {
 protected:
  ReplicaEvidenceTest() : replica_(Options(), {}, &host_) {
    replica_.Start();
    consensus::Entry entry{.term = Term(1),
                           .index = Index(1),
                           .type = consensus::EntryType::kNoOp,
                           .chain = {},
                           .payload = std::make_shared<const std::string>()};
    entry.chain = consensus::Chain({}, entry.term, entry.index, entry.type, entry.bytes());
    Receive(NodeId(2), consensus::AppendEntries{.prev_index = {},
                                                .prev_term = {},
                                                .prev_chain = {},
                                                .commit = Index(1),
                                                .entries = {entry}});
    EXPECT_EQ(replica_.applied(), Index(1));
  }

  static ReplicaOptions Options() {
    ReplicaOptions options = OneOfThree();
    options.raft.digest_interval = 1;
    return options;
  }

  void Receive(NodeId from, decltype(consensus::Message::body) body) {
    replica_.Receive({{.from = from, .to = NodeId(1), .term = Term(1), .body = std::move(body)}});
  }
  void TellState(NodeId from, const Digest& digest) {
    Receive(from, consensus::StateDigest{.index = Index(1), .digest = digest});
  }

  RecordingHost host_;
  Replica replica_;
};

TEST_F(ReplicaEvidenceTest, AReplicaWhoseOwnStateHasDivergedEndsAsIfItsDataWereDamaged) {
  TellState(NodeId(2), Digest{.high = 7, .low = 7});
  EXPECT_TRUE(host_.fatal.empty()) << "one against one";
  TellState(NodeId(3), Digest{.high = 7, .low = 7});
  EXPECT_THAT(host_.evidence, ElementsAre(Evidence{.kind = Evidence::Kind::kDivergedState,
                                                   .culprit = NodeId(1),
                                                   .term = Term(1),
                                                   .index = Index(1)}));
  ASSERT_THAT(host_.fatal, SizeIs(1));
  EXPECT_TRUE(absl::IsDataLoss(host_.fatal[0])) << host_.fatal[0];
  EXPECT_THAT(std::string(host_.fatal[0].message()), HasSubstr("not that of the majority"));
}

TEST_F(ReplicaEvidenceTest, AnotherWhoseStateHasDivergedIsFencedOff) {
  TellState(NodeId(2), replica_.exchange().RunningDigest());
  TellState(NodeId(3), Digest{.high = 7, .low = 7});
  EXPECT_TRUE(host_.fatal.empty());
  EXPECT_THAT(host_.evidence, SizeIs(1));
  EXPECT_THAT(replica_.raft().status().fenced, ElementsAre(NodeId(3)));
}

std::vector<Evidence> ForgedBy(std::vector<NodeId> culprits) {
  std::vector<Evidence> all;
  for (const NodeId culprit : culprits) {
    all.push_back({.kind = Evidence::Kind::kForgedSender,
                   .culprit = culprit,
                   .term = Term(1),
                   .index = Index(1)});
  }
  return all;
}

TEST_F(ReplicaEvidenceTest, WhoSpeaksInTheNameOfAnotherIsFencedOffAndToldOnce) {
  replica_.ForgedSender(NodeId(2));
  replica_.ForgedSender(NodeId(2));
  EXPECT_EQ(host_.evidence, ForgedBy({NodeId(2)}));
  EXPECT_THAT(replica_.raft().status().fenced, ElementsAre(NodeId(2)));
  EXPECT_EQ(host_.leadership.leader, NodeId()) << "the one who led is not followed any more";
  // It goes on.
  host_.now += std::chrono::minutes(1);
  replica_.ForgedSender(NodeId(2));
  replica_.ForgedSender(NodeId(2));
  EXPECT_THAT(host_.evidence, SizeIs(2));
}

// Its incarnation is its own word.
TEST_F(ReplicaEvidenceTest, WhoSpokeInTheNameOfAnotherDoesNotComeBackAsAnotherMember) {
  replica_.ForgedSender(NodeId(2));
  const NodeId again = MakeMember(NodeId(2), 7);
  const auto lead = [&](NodeId from) {
    replica_.Receive(
        {{.from = from, .to = NodeId(1), .term = Term(2), .body = consensus::AppendEntries{}}});
  };
  lead(again);
  EXPECT_EQ(replica_.raft().term(), Term(1));
  lead(NodeId(3));
  EXPECT_EQ(replica_.raft().term(), Term(2)) << "others are heard";
}

// Somebody has the key of this node, or of one that is no member.
TEST_F(ReplicaEvidenceTest, WhoIsNoOtherMemberIsToldOfAndNotFencedOff) {
  replica_.ForgedSender(NodeId(1));
  replica_.ForgedSender(NodeId(7));
  EXPECT_EQ(host_.evidence, ForgedBy({NodeId(1), NodeId(7)}));
  EXPECT_THAT(replica_.raft().status().fenced, SizeIs(0));
  EXPECT_FALSE(replica_.raft().status().quarantined);
}

// The running digest is of what was said and answered. This one is of what is written down.
class WholeStateTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kIndex = consensus::kWholeStateEvery;

  WholeStateTest() : replica_(Options(), {}, &host_) {
    replica_.Start();
    consensus::AppendEntries append{
        .prev_index = {}, .prev_term = {}, .prev_chain = {}, .commit = Index(kIndex + 1)};
    for (uint64_t index = 1; index <= kIndex + 1; ++index) {
      const exchange::Batch batch{.time = static_cast<exchange::Time>(index),
                                  .groups = {exchange::OpenSession{exchange::AccountId(index)}}};
      consensus::Entry entry{
          .term = Term(1),
          .index = Index(index),
          .type = consensus::EntryType::kCommand,
          .chain = {},
          .payload = std::make_shared<const std::string>(exchange::EncodeBatch(batch))};
      entry.chain =
          consensus::Chain(append.entries.empty() ? Digest() : append.entries.back().chain,
                           entry.term, entry.index, entry.type, entry.bytes());
      append.entries.push_back(std::move(entry));
      exchange::ApplyResult result;
      if (index <= kIndex) state_.Apply(batch, &result);
    }
    Receive(NodeId(2), std::move(append));
    for (const consensus::Persist& persist : std::exchange(host_.written, {})) {
      replica_.OnPersisted(persist.sequence);
    }
  }

  static ReplicaOptions Options() {
    ReplicaOptions options = OneOfThree();
    options.raft.digest_interval = 1;
    options.snapshot_log_bytes = 1;
    return options;
  }
  void Receive(NodeId from, decltype(consensus::Message::body) body) {
    replica_.Receive({{.from = from, .to = NodeId(1), .term = Term(1), .body = std::move(body)}});
  }
  std::vector<consensus::StateDigest> WholeStatesSent() const {
    std::vector<consensus::StateDigest> found;
    for (const consensus::Message& message : host_.sent) {
      const auto* state = std::get_if<consensus::StateDigest>(&message.body);
      if (state != nullptr && state->format != 0) found.push_back(*state);
    }
    return found;
  }

  RecordingHost host_;
  Replica replica_;
  exchange::Exchange state_;  // at kIndex
};

TEST_F(WholeStateTest, IsToldAtAFixedIndexWhereverTheSnapshotIs) {
  ASSERT_THAT(host_.recipes, SizeIs(1));
  ASSERT_GT(host_.recipes[0].meta.index, Index(kIndex));
  EXPECT_THAT(WholeStatesSent(), SizeIs(0));
  replica_.OnSnapshotSaved(host_.recipes[0].Make());
  ASSERT_THAT(WholeStatesSent(), SizeIs(2)) << "to each of the others";
  EXPECT_EQ(WholeStatesSent()[0].index, Index(kIndex));
  EXPECT_EQ(WholeStatesSent()[0].digest, state_.StateDigest());
}

// Its running digest may be that of the others.
TEST_F(WholeStateTest, WhoWritesDownAnotherStateThanTheMajorityEnds) {
  ASSERT_THAT(host_.recipes, SizeIs(1));
  replica_.OnSnapshotSaved(host_.recipes[0].Make());
  for (const uint64_t node : {2u, 3u}) {
    EXPECT_THAT(host_.fatal, SizeIs(0));
    Receive(NodeId(node), consensus::StateDigest{.index = Index(kIndex),
                                                 .digest = {.high = 7, .low = 7},
                                                 .format = exchange::kSnapshotMagic});
  }
  ASSERT_THAT(host_.fatal, SizeIs(1));
  EXPECT_TRUE(absl::IsDataLoss(host_.fatal[0])) << host_.fatal[0];
}

// A link that changes a byte now and then is no broken sender, however long a process lives.
TEST_F(ReplicaEvidenceTest, CorruptBytesCountForAnHour) {
  const auto receive_corrupt = [this](uint64_t index) {
    consensus::Entry entry{.term = Term(1),
                           .index = Index(index),
                           .type = consensus::EntryType::kCommand,
                           .chain = Digest{.high = 1, .low = index},
                           .payload = std::make_shared<const std::string>("changed")};
    Receive(NodeId(2), consensus::AppendEntries{.prev_index = Index(index - 1),
                                                .prev_term = Term(1),
                                                .prev_chain = {},
                                                .commit = Index(1),
                                                .entries = {entry}});
  };
  for (uint64_t index = 2; index < 10; ++index) {
    receive_corrupt(index);
    host_.now += std::chrono::minutes(30);
  }
  EXPECT_THAT(host_.evidence, SizeIs(8));
  EXPECT_TRUE(replica_.raft().status().fenced.empty());
  receive_corrupt(10);
  receive_corrupt(11);
  EXPECT_THAT(replica_.raft().status().fenced, ElementsAre(NodeId(2)));
}

TEST_F(ReplicaEvidenceTest, TheSameCorruptEntryThreeTimesFences) {
  const consensus::Entry entry{.term = Term(1),
                               .index = Index(2),
                               .type = consensus::EntryType::kCommand,
                               .chain = Digest{.high = 1, .low = 2},
                               .payload = std::make_shared<const std::string>("changed")};
  for (size_t times = 1; times <= 3; ++times) {
    EXPECT_TRUE(replica_.raft().status().fenced.empty()) << times;
    Receive(NodeId(2), consensus::AppendEntries{.prev_index = Index(1),
                                                .prev_term = Term(1),
                                                .prev_chain = {},
                                                .commit = Index(1),
                                                .entries = {entry}});
    EXPECT_THAT(host_.evidence, SizeIs(times));
  }
  EXPECT_THAT(replica_.raft().status().fenced, ElementsAre(NodeId(2)));
}

// Whatever it is that no correct replica does, who did it is not listened to any more.
class EvidenceFenceTest : public ::testing::TestWithParam<Evidence::Kind> {
 protected:
  EvidenceFenceTest() : replica_(Options(), {}, &host_) { replica_.Start(); }

  static ReplicaOptions Options() {
    ReplicaOptions options = OneOfThree();
    options.raft.digest_interval = 1;
    return options;
  }
  void Receive(NodeId from, uint64_t term, decltype(consensus::Message::body) body) {
    replica_.Receive(
        {{.from = from, .to = NodeId(1), .term = Term(term), .body = std::move(body)}});
    Persist();
  }
  void Persist() {
    for (const consensus::Persist& persist : std::exchange(host_.written, {})) {
      replica_.OnPersisted(persist.sequence);
    }
  }
  static consensus::Entry NoOp(uint64_t term, Digest chain_of_another = {}) {
    consensus::Entry entry{.term = Term(term),
                           .index = Index(1),
                           .type = consensus::EntryType::kNoOp,
                           .chain = chain_of_another,
                           .payload = std::make_shared<const std::string>()};
    if (chain_of_another != Digest()) return entry;
    entry.chain = consensus::Chain({}, entry.term, entry.index, entry.type, entry.bytes());
    return entry;
  }
  static consensus::AppendEntries Append(consensus::Entry entry, uint64_t commit) {
    return {.prev_index = {},
            .prev_term = {},
            .prev_chain = {},
            .commit = Index(commit),
            .entries = {std::move(entry)}};
  }
  void Follow() {
    Receive(NodeId(2), 1, Append(NoOp(1), /*commit=*/1));
    ASSERT_EQ(replica_.applied(), Index(1));
  }
  void Campaign() {
    for (int i = 0; i < 100 && replica_.raft().role() == consensus::Role::kFollower; ++i) {
      NextAlarm();
    }
    Receive(NodeId(3), 1, consensus::RequestVoteResponse{.pre_vote = true, .granted = true});
    ASSERT_EQ(replica_.raft().role(), consensus::Role::kCandidate);
  }
  void Lead() {
    Campaign();
    Receive(NodeId(2), 1, consensus::RequestVoteResponse{.granted = true});
    ASSERT_EQ(replica_.raft().role(), consensus::Role::kLeader);
  }
  void NextAlarm() {
    host_.now = std::max(host_.now, replica_.deadline());
    replica_.OnAlarm();
    Persist();
  }
  uint64_t NextRound() {
    for (host_.sent.clear();;) {
      NextAlarm();
      for (const consensus::Message& message : host_.sent) {
        const auto* append = std::get_if<consensus::AppendEntries>(&message.body);
        if (append != nullptr && append->round > round_) return round_ = append->round;
      }
    }
  }
  // Node 2 says that it has the first entry, and later that it has not.
  void Forget() {
    Receive(NodeId(2), 1,
            consensus::AppendEntriesResponse{
                .accepted = true, .index = Index(1), .round = NextRound(), .chain = NoOp(1).chain});
    Receive(NodeId(2), 1,
            consensus::AppendEntriesResponse{
                .accepted = false, .index = Index(1), .round = NextRound()});
  }

  // Has this replica see it. Returns who did it.
  NodeId Provoke(Evidence::Kind kind) {
    using Kind = Evidence::Kind;
    const Digest wrong{.high = 7, .low = 7};
    switch (kind) {
      case Kind::kTwoLeadersInTerm:
        Lead();
        Receive(NodeId(2), 1, consensus::AppendEntries{});
        return NodeId(2);
      case Kind::kDoubleVote:
        Campaign();
        Receive(NodeId(2), 1, consensus::RequestVote{});
        Receive(NodeId(2), 1, consensus::RequestVoteResponse{.granted = true});
        return NodeId(2);
      case Kind::kCorruptEntry:
        for (int i = 0; i < 3; ++i) Receive(NodeId(2), 1, Append(NoOp(1, wrong), /*commit=*/0));
        return NodeId(2);
      case Kind::kDivergedLog:
        Follow();
        Receive(NodeId(2), 1,
                consensus::AppendEntries{.prev_index = Index(1),
                                         .prev_term = Term(1),
                                         .prev_chain = wrong,
                                         .commit = Index(1)});
        return NodeId(2);
      case Kind::kCommitRegressed:
        Follow();
        Receive(NodeId(3), 2, Append(NoOp(2), /*commit=*/0));
        return NodeId(3);
      case Kind::kCorruptSnapshot:
        for (int i = 0; i < 3; ++i) {
          Receive(
              NodeId(2), 1,
              consensus::InstallSnapshot{.meta = {.index = Index(9), .term = Term(1), .chain = {}},
                                         .data_digest = Digest128("data"),
                                         .total_bytes = 4,
                                         .checksum = Checksum64("data"),
                                         .data = "dada"});
        }
        return NodeId(2);
      case Kind::kDivergedState:
        Follow();
        Receive(NodeId(2), 1,
                consensus::StateDigest{.index = Index(1),
                                       .digest = replica_.exchange().RunningDigest()});
        Receive(NodeId(3), 1, consensus::StateDigest{.index = Index(1), .digest = wrong});
        return NodeId(3);
      case Kind::kForgedSender:
        replica_.ForgedSender(NodeId(2));
        return NodeId(2);
      case Kind::kForgotAcknowledged:
        Lead();
        for (int i = 0; i < 2; ++i) Forget();
        return NodeId(2);
    }
    return NodeId();
  }

  uint64_t round_ = 0;
  RecordingHost host_;
  Replica replica_;
};

TEST_P(EvidenceFenceTest, WhoeverIsNamedIsFencedOff) {
  const NodeId culprit = Provoke(GetParam());
  ASSERT_THAT(host_.evidence, Not(IsEmpty()));
  for (const Evidence& evidence : host_.evidence) {
    EXPECT_EQ(evidence.kind, GetParam());
    EXPECT_EQ(evidence.culprit, culprit);
  }
  EXPECT_THAT(replica_.raft().status().fenced, ElementsAre(culprit));
  EXPECT_TRUE(host_.fatal.empty());
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, EvidenceFenceTest,
    ::testing::Values(Evidence::Kind::kTwoLeadersInTerm, Evidence::Kind::kDoubleVote,
                      Evidence::Kind::kCorruptEntry, Evidence::Kind::kDivergedLog,
                      Evidence::Kind::kCommitRegressed, Evidence::Kind::kCorruptSnapshot,
                      Evidence::Kind::kDivergedState, Evidence::Kind::kForgedSender,
                      Evidence::Kind::kForgotAcknowledged));

}  // namespace
}  // namespace quorumbook::server
