// What a replica makes of a snapshot that its leader sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/server/recording_host.h"

namespace quorumbook::server {
namespace {

using consensus::Index;
using consensus::Term;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kSound = exchange::Exchange().Snapshot();

consensus::InstallSnapshot SnapshotOf(const std::string& state, uint64_t index = 5) {
  consensus::InstallSnapshot chunk;
  chunk.meta = {Index(index), Term(1), {}};
  chunk.data_digest = Digest128(state);
  chunk.total_bytes = state.size();
  chunk.checksum = Checksum64(state);
  chunk.data = state;
  return chunk;
}

class ReplicaSnapshotTest : public testing::Test {
 protected:
  ReplicaSnapshotTest() { replica_.Start(); }

  void Receive(decltype(consensus::Message::body) body) {
    replica_.Receive({{.from = NodeId(2), .to = NodeId(1), .term = Term(1), .body = body}});
  }
  // The next one that is to be read.
  void Decode() {
    ASSERT_THAT(host_.to_decode, SizeIs(1));
    const auto bytes = std::exchange(host_.to_decode, {}).front();
    replica_.OnSnapshotDecoded(exchange::Exchange::RestoreReceived(*bytes));
  }

  // Leader 3 of this term sends empty entries after `from` up to `through`, all committed. The one
  // at 5 is the snapshot's.
  void Append(uint64_t term, uint64_t from, uint64_t through) {
    std::vector<consensus::Entry> entries;
    consensus::SnapshotMeta last{Index(from), from == 5 ? Term(1) : Term(from == 0 ? 0 : term), {}};
    if (from != 0 && from != 5) last = *replica_.raft().EntryMeta(Index(from));
    const consensus::AppendEntries previous{.prev_index = last.index,
                                            .prev_term = last.term,
                                            .prev_chain = last.chain,
                                            .commit = Index(through),
                                            .entries = {}};
    for (uint64_t index = from + 1; index <= through; ++index) {
      consensus::Entry entry{.term = Term(term),
                             .index = Index(index),
                             .type = consensus::EntryType::kNoOp,
                             .chain = {},
                             .payload = std::make_shared<const std::string>()};
      entry.chain = consensus::Chain(last.chain, entry.term, entry.index, entry.type, "");
      last.chain = entry.chain;
      entries.push_back(std::move(entry));
    }
    consensus::AppendEntries append = previous;
    append.entries = std::move(entries);
    replica_.Receive(
        {{.from = NodeId(3), .to = NodeId(1), .term = Term(term), .body = std::move(append)}});
  }

  void PersistAll() {
    for (const consensus::Persist& persist : std::exchange(host_.written, {})) {
      replica_.OnPersisted(persist.sequence);
    }
  }
  // Of what was asked for and not persisted.
  size_t SnapshotsWritten() const {
    return static_cast<size_t>(std::ranges::count_if(
        host_.written, [](const auto& persist) { return !!persist.snapshot; }));
  }

  RecordingHost host_;
  Replica replica_{OneOfThree(), {}, &host_};
};

TEST_F(ReplicaSnapshotTest, OneThatCanBeReadIsWritten) {
  Receive(SnapshotOf(kSound));
  Decode();
  EXPECT_THAT(host_.fatal, IsEmpty());
  EXPECT_EQ(SnapshotsWritten(), 1u);
  PersistAll();
  EXPECT_EQ(replica_.applied(), Index(5));
}

// To read it takes long, and the leader is to hear from this node meanwhile.
TEST_F(ReplicaSnapshotTest, WhileItIsReadTheReplicaGoesOnAndKeepsWhatItHas) {
  Receive(SnapshotOf(kSound));
  PersistAll();
  host_.sent.clear();
  Receive(consensus::AppendEntries{
      .prev_index = {}, .prev_term = {}, .prev_chain = {}, .commit = Index(6), .round = 7});
  EXPECT_THAT(host_.sent, SizeIs(1)) << "the heartbeat is answered";
  EXPECT_THAT(host_.written, IsEmpty());
  EXPECT_EQ(replica_.raft().status().last, Index());
  Decode();
  EXPECT_EQ(SnapshotsWritten(), 1u);
  PersistAll();
  EXPECT_EQ(replica_.applied(), Index(5));
}

TEST_F(ReplicaSnapshotTest, ANewerOneDisplacesTheOneThatIsRead) {
  Receive(SnapshotOf(kSound));
  Receive(SnapshotOf(kSound, 9));
  Decode();
  EXPECT_EQ(SnapshotsWritten(), 0u);
  Decode();
  EXPECT_EQ(SnapshotsWritten(), 1u);
  PersistAll();
  EXPECT_EQ(replica_.applied(), Index(9));
}

// A state is large: none is kept that nothing asks for any more.
TEST_F(ReplicaSnapshotTest, WhatWasReadIsDroppedWhenTheLogHasGonePastIt) {
  Receive(SnapshotOf(kSound));
  Append(2, 0, 0);  // of another leader, which has not said that it has this snapshot
  Decode();
  EXPECT_EQ(SnapshotsWritten(), 0u);
  Append(2, 0, 4);
  EXPECT_EQ(host_.discarded, 0) << "it may be needed yet";
  Append(2, 4, 6);
  EXPECT_EQ(replica_.applied(), Index(6));
  EXPECT_EQ(host_.discarded, 1);
}

// While one is written a second may be read: the first must not have to be read again, on the
// thread that answers heartbeats.
TEST_F(ReplicaSnapshotTest, WhatWasReadIsKeptUntilItIsWrittenThoughANewerOneIsRead) {
  Receive(SnapshotOf(kSound));
  exchange::Exchange marked;
  exchange::ApplyResult result;
  marked.Apply({.time = 1, .groups = {exchange::OpenSession{exchange::AccountId(1)}}}, &result);
  const Digest as_it_was_read = marked.StateDigest();
  host_.to_decode.clear();
  replica_.OnSnapshotDecoded(std::move(marked));
  ASSERT_EQ(SnapshotsWritten(), 1u);
  Receive(SnapshotOf(kSound, 9));
  Append(2, 5, 5);  // another leader
  Decode();
  PersistAll();
  EXPECT_EQ(replica_.applied(), Index(5));
  EXPECT_EQ(replica_.exchange().StateDigest(), as_it_was_read);
}

// Of another version, during an upgrade: that is no damage, upon which a node would set its own
// data aside; and what it has must not be replaced by what it can not read.
TEST_F(ReplicaSnapshotTest, OneThatCanNotBeReadDoesNotCondemnTheStore) {
  Receive(SnapshotOf("of another version"));
  Decode();
  ASSERT_THAT(host_.fatal, SizeIs(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.fatal[0])) << host_.fatal[0];
  EXPECT_THAT(std::string(host_.fatal[0].message()), HasSubstr("that the leader sent"));
  EXPECT_EQ(SnapshotsWritten(), 0u);
}

// Of this version it is its maker's fault, who is not listened to when that goes on. The process
// does not end: its other shards are as good as before.
TEST_F(ReplicaSnapshotTest, OneOfThisVersionThatCanNotBeReadIsEvidenceAgainstItsSender) {
  std::string damaged = kSound;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  for (size_t times = 1; times <= 3; ++times) {
    EXPECT_THAT(replica_.raft().status().fenced, IsEmpty());
    Receive(SnapshotOf(damaged));
    Decode();
    ASSERT_THAT(host_.evidence, SizeIs(times));
    EXPECT_EQ(host_.evidence.back().kind, consensus::Evidence::Kind::kCorruptSnapshot);
    EXPECT_EQ(host_.evidence.back().culprit, NodeId(2));
  }
  EXPECT_THAT(replica_.raft().status().fenced, SizeIs(1));
  EXPECT_THAT(host_.fatal, IsEmpty());
  EXPECT_EQ(SnapshotsWritten(), 0u);
}

// Its checksum is right, so that the disk is not to blame.
TEST_F(ReplicaSnapshotTest, AnOwnOneOfAnotherVersionDoesNotCondemnTheStore) {
  std::string bytes = kSound + "more than this version knows";
  constexpr size_t kChecksumAt = sizeof(uint32_t);
  constexpr size_t kHeaderBytes = kChecksumAt + sizeof(uint64_t);
  const uint64_t checksum = Checksum64(std::string_view(bytes).substr(kHeaderBytes));
  std::memcpy(bytes.data() + kChecksumAt, &checksum, sizeof(checksum));
  consensus::RestoredState state;
  state.hard_state = {.term = Term(1), .vote = {}, .commit = Index(5)};
  state.snapshot = {.meta = {Index(5), Term(1), {}},
                    .configuration = OneOfThree().raft.configuration,
                    .data = std::make_shared<const std::string>(bytes)};
  RecordingHost host;
  Replica replica(OneOfThree(), state, &host);
  replica.Start();
  ASSERT_THAT(host.fatal, SizeIs(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(host.fatal[0])) << host.fatal[0];
  EXPECT_THAT(std::string(host.fatal[0].message()), HasSubstr("start the version that wrote it"));
}

// What is on the disk is known after a restart too, and was not received by it.
TEST_F(ReplicaSnapshotTest, OfItsSnapshotItKnowsTheSizeAndWhetherItCameFromALeader) {
  EXPECT_EQ(replica_.counters().snapshot_bytes, 0u);
  Receive(SnapshotOf(kSound));
  Decode();
  PersistAll();
  EXPECT_EQ(replica_.counters().snapshot_bytes, kSound.size());
  EXPECT_EQ(replica_.counters().snapshots_installed, 1u);

  consensus::RestoredState state;
  state.hard_state = {.term = Term(1), .vote = {}, .commit = Index(5)};
  state.snapshot = {.meta = {Index(5), Term(1), {}},
                    .configuration = OneOfThree().raft.configuration,
                    .data = std::make_shared<const std::string>(kSound)};
  RecordingHost host;
  Replica restarted(OneOfThree(), state, &host);
  restarted.Start();
  EXPECT_EQ(restarted.applied(), Index(5));
  EXPECT_EQ(restarted.counters().snapshot_bytes, kSound.size());
  EXPECT_EQ(restarted.counters().snapshots_installed, 0u);
}

// The process ends, and makes its state again from what is on the disk.
TEST_F(ReplicaSnapshotTest, AStateThatIsNotWhatItsLogLeadsToIsNoDamageOfTheDisk) {
  exchange::StateHistory history;
  SnapshotRecipe recipe;
  recipe.state = history.Cut(exchange::Exchange().RunningDigest());
  EXPECT_TRUE(recipe.Make().ok());
  recipe.state = history.Cut(Digest128("another state"));
  EXPECT_EQ(recipe.Make().status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(recipe.Make([] { return true; }).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace quorumbook::server
