// What a replica makes of a snapshot that its leader sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
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

  RecordingHost host_;
  Replica replica_{OneOfThree(), {}, &host_};
};

TEST_F(ReplicaSnapshotTest, OneThatCanBeReadIsWritten) {
  Receive(SnapshotOf(kSound));
  Decode();
  EXPECT_THAT(host_.fatal, IsEmpty());
  ASSERT_THAT(host_.written, SizeIs(1));
  ASSERT_TRUE(host_.written[0].snapshot.has_value());
  replica_.OnPersisted(host_.written[0].sequence);
  EXPECT_EQ(replica_.applied(), Index(5));
}

// To read it takes long, and the leader is to hear from this node meanwhile.
TEST_F(ReplicaSnapshotTest, WhileItIsReadTheReplicaGoesOnAndWritesNothing) {
  Receive(SnapshotOf(kSound));
  consensus::Entry entry{.term = Term(1),
                         .index = Index(6),
                         .type = consensus::EntryType::kNoOp,
                         .chain = {},
                         .payload = std::make_shared<const std::string>()};
  entry.chain = consensus::Chain({}, entry.term, entry.index, entry.type, entry.bytes());
  host_.sent.clear();
  Receive(consensus::AppendEntries{.prev_index = Index(5),
                                   .prev_term = Term(1),
                                   .prev_chain = {},
                                   .commit = Index(6),
                                   .round = 7,
                                   .entries = {entry}});
  EXPECT_EQ(replica_.raft().status().last, Index(6));
  EXPECT_THAT(host_.written, IsEmpty());
  Decode();
  ASSERT_THAT(host_.written, SizeIs(2)) << "in the order in which they were asked for";
  EXPECT_TRUE(host_.written[0].snapshot.has_value());
  EXPECT_THAT(host_.written[1].entries, SizeIs(1));
  replica_.OnPersisted(host_.written[0].sequence);
  replica_.OnPersisted(host_.written[1].sequence);
  EXPECT_EQ(replica_.applied(), Index(6));
}

TEST_F(ReplicaSnapshotTest, ANewerOneIsReadWhenTheFirstWasWritten) {
  Receive(SnapshotOf(kSound));
  Receive(SnapshotOf(kSound, 9));
  Decode();
  ASSERT_THAT(host_.written, SizeIs(1));
  Decode();
  ASSERT_THAT(host_.written, SizeIs(2));
  replica_.OnPersisted(host_.written[0].sequence);
  replica_.OnPersisted(host_.written[1].sequence);
  EXPECT_EQ(replica_.applied(), Index(9));
}

// Of another version, during an upgrade: that is no damage, upon which a node would set its own
// data aside; and what it has must not be replaced by what it can not read.
TEST_F(ReplicaSnapshotTest, OneThatCanNotBeReadDoesNotCondemnTheStore) {
  Receive(SnapshotOf("of another version"));
  Decode();
  ASSERT_THAT(host_.fatal, SizeIs(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(host_.fatal[0])) << host_.fatal[0];
  EXPECT_THAT(std::string(host_.fatal[0].message()), HasSubstr("that the leader sent"));
  EXPECT_THAT(host_.written, IsEmpty());
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
