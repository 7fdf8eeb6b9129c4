// The small parts of the core by themselves.
#include <gtest/gtest.h>

#include "consensus/log.h"
#include "consensus/quorum.h"
#include "consensus/writes.h"
#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

std::vector<NodeId> Nodes(uint64_t first, uint64_t last) {
  std::vector<NodeId> nodes;
  for (uint64_t node = first; node <= last; ++node) nodes.push_back(NodeId(node));
  return nodes;
}

Log LogFrom(const std::vector<Entry>& entries) {
  Log log{SnapshotMeta{}};
  for (const Entry& entry : entries) log.Append(entry);
  return log;
}

TEST(QuorumTest, MajorityValueIsTheGreatestThatAMajorityReached) {
  const std::vector<std::pair<std::vector<uint64_t>, uint64_t>> cases = {
      {{7}, 7},
      {{7, 3}, 3},
      {{1, 9, 5}, 5},
      {{4, 1, 3, 2}, 2},
      {{5, 5, 1, 1, 9}, 5},
      {{6, 5, 4, 3, 2, 1}, 3},
      {{1, 2, 3, 4, 5, 6, 7}, 4}};
  for (const auto& [values, reached] : cases) {
    const auto value_of = [&values = values](NodeId id) { return values[id.value() - 1]; };
    EXPECT_EQ(MajorityReached(Nodes(1, values.size()), value_of), reached);
  }
}

// 4.3: "Agreement [...] requires separate majorities from both the old and new configurations."
TEST(QuorumTest, JointConfigurationNeedsBothMajorities) {
  const Configuration joint{.voters = Nodes(3, 5), .voters_outgoing = Nodes(1, 3)};
  const auto reached = [&](std::vector<uint64_t> values) {
    return QuorumReached(joint, [&](NodeId id) { return values[id.value() - 1]; });
  };
  EXPECT_EQ(reached({9, 9, 9, 1, 1}), 1u);
  EXPECT_EQ(reached({1, 1, 9, 9, 9}), 1u);
  EXPECT_EQ(reached({1, 9, 9, 9, 1}), 9u);
  EXPECT_EQ(reached({7, 7, 0, 8, 8}), 7u);
  VoteTally votes(joint);
  for (NodeId voter : Nodes(3, 5)) votes.Record(voter, true);
  EXPECT_FALSE(votes.Won());
  votes.Record(kOne, false);
  EXPECT_FALSE(votes.Lost());
  votes.Record(kTwo, false);
  EXPECT_TRUE(votes.Lost());
}

TEST(QuorumTest, VotesAreWonOrLostOnceItIsCertain) {
  for (size_t voters = 1; voters <= kVotersMax; ++voters) {
    const Configuration configuration{.voters = Nodes(1, voters)};
    VoteTally won(configuration);
    VoteTally lost(configuration);
    won.Record(NodeId(99), true);  // does not count
    for (size_t voter = 1; voter <= voters; ++voter) {
      EXPECT_EQ(won.Won(), voter > voters / 2 + 1);
      won.Record(NodeId(voter), true);
      won.Record(NodeId(voter), false);
      EXPECT_EQ(lost.Lost(), voter - 1 > voters - (voters / 2 + 1));
      lost.Record(NodeId(voter), false);
    }
    EXPECT_TRUE(won.Won());
    EXPECT_FALSE(won.Lost());
    EXPECT_TRUE(lost.Lost());
  }
}

TEST(LogTest, LooksUpByIndexAndTerm) {
  Log log = LogFrom(LogOfTerms({1, 1, 3, 3, 5}));
  EXPECT_EQ(log.Meta(Index(0)), SnapshotMeta{});
  EXPECT_EQ(log.Meta(Index(6)), std::nullopt);
  EXPECT_EQ(log.LastAtMost(Index(9), Term(9)), Index(5));
  EXPECT_EQ(log.LastAtMost(Index(4), Term(9)), Index(4));
  EXPECT_EQ(log.LastAtMost(Index(5), Term(4)), Index(4));
  EXPECT_EQ(log.LastAtMost(Index(5), Term(2)), Index(2));
  EXPECT_EQ(log.LastAtMost(Index(5), Term(0)), Index(0));
  log.CompactThrough(Index(3));
  EXPECT_EQ(log.Meta(Index(2)), std::nullopt);
  EXPECT_EQ(log.Meta(Index(3))->term, Term(3));
  EXPECT_EQ(log.LastAtMost(Index(5), Term(2)), Index(3));
  EXPECT_EQ(log.LastAtMost(Index(1), Term(1)), Index(1));
}

TEST(LogTest, CountsBytesThroughAppendTruncateAndCompact) {
  constexpr uint64_t kEach = 1 + Log::kEntryOverheadBytes;
  Log log = LogFrom(LogOfTerms({1, 1, 1, 1, 1}));
  EXPECT_EQ(log.bytes(), 5 * kEach);
  EXPECT_EQ(log.BytesAfter(Index(3)), 2 * kEach);
  log.TruncateFrom(Index(5));
  EXPECT_EQ(log.bytes(), 4 * kEach);
  log.CompactThrough(Index(1));
  EXPECT_EQ(log.bytes(), 3 * kEach);
  EXPECT_EQ(log.CutKeeping(Index(4), 0), Index(4));
  EXPECT_EQ(log.CutKeeping(Index(4), 2 * kEach), Index(2));
  EXPECT_EQ(log.CutKeeping(Index(4), 2 * kEach - 1), Index(3));
  EXPECT_EQ(log.CutKeeping(Index(3), 99 * kEach), Index(1));
  log.Reset({.index = Index(9), .term = Term(2), .chain = {}});
  EXPECT_EQ(log.bytes(), 0u);
  EXPECT_EQ(log.first(), Index(10));
}

TEST(LogTest, SlicesByBytesButAtLeastOne) {
  constexpr uint64_t kEach = 1 + Log::kEntryOverheadBytes;
  const Log log = LogFrom(LogOfTerms({1, 1, 1, 1}));
  EXPECT_EQ(log.Slice(Index(2), Index(4), 2 * kEach).size(), 2u);
  EXPECT_EQ(log.Slice(Index(2), Index(4), 0).size(), 1u);
  EXPECT_EQ(log.Slice(Index(1), Index(3), UINT64_MAX).size(), 3u);
}

TEST(ChainTest, DependsOnEverythingThatItCovers) {
  const Digest base = Chain({}, Term(1), Index(1), EntryType::kCommand, "a");
  EXPECT_NE(base, Chain({.high = 1, .low = 0}, Term(1), Index(1), EntryType::kCommand, "a"));
  EXPECT_NE(base, Chain({.high = 0, .low = 1}, Term(1), Index(1), EntryType::kCommand, "a"));
  EXPECT_NE(base, Chain({}, Term(2), Index(1), EntryType::kCommand, "a"));
  EXPECT_NE(base, Chain({}, Term(1), Index(2), EntryType::kCommand, "a"));
  EXPECT_NE(base, Chain({}, Term(1), Index(1), EntryType::kNoOp, "a"));
  EXPECT_NE(base, Chain({}, Term(1), Index(1), EntryType::kCommand, "b"));
  // The value is on the disks and in the messages of running clusters: it must not change.
  EXPECT_EQ(base.ToHex(), "d6669ed1dd06d3481c0c2a83f96431c5");
}

TEST(WritesTest, NothingToWriteIsNoWrite) {
  Writes writes(Index(3), {.term = Term(1), .vote = kTwo, .commit = Index(2)});
  // The commit index alone is not worth a write.
  EXPECT_FALSE(writes.Take({.term = Term(1), .vote = kTwo, .commit = Index(3)}, Index(3), {}));
  EXPECT_TRUE(writes.vote_durable());
  EXPECT_EQ(writes.durable(), Index(3));
}

TEST(WritesTest, VoteIsDurableWhenItsOwnWriteIs) {
  Writes writes(Index(), {});
  const HardState first{.term = Term(1), .vote = kOne, .commit = Index()};
  const HardState second{.term = Term(2), .vote = kTwo, .commit = Index()};
  writes.VoteChanged();
  ASSERT_TRUE(writes.Take(first, Index(), {}));
  writes.VoteChanged();
  ASSERT_TRUE(writes.Take(second, Index(), {}));
  writes.Complete(1);
  EXPECT_FALSE(writes.vote_durable());
  writes.Complete(2);
  EXPECT_TRUE(writes.vote_durable());
}

}  // namespace
}  // namespace quorumbook::consensus
