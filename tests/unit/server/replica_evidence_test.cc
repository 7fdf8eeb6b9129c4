// What a replica does about replicas, itself included, whose state is not that of the majority.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/server/recording_host.h"

namespace quorumbook::server {
namespace {

using consensus::Evidence;
using consensus::Index;
using consensus::Term;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
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

}  // namespace
}  // namespace quorumbook::server
