// Each check of consensus/invariants.h fires upon what it is there for, and none upon what is
// right.
#include "consensus/invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

using ::testing::HasSubstr;

class InvariantsTest : public ::testing::Test {
 protected:
  void Observe(NodeId id, Replica& replica, const Output& output = {}) {
    invariants_.Observe(id, replica.raft(), output, replica.disk());
  }
  // `voter` has its vote on its disk, and tells it.
  void Vote(NodeId voter, NodeId candidate, uint64_t term = 1) {
    Replica replica(GroupOf(3, voter), {}, term, candidate);
    Observe(voter, replica, Says(voter, candidate, term, RequestVoteResponse{.granted = true}));
  }
  static Output Says(NodeId from, NodeId to, uint64_t term, decltype(Message::body) body) {
    Output output;
    output.messages.push_back(
        {.from = from, .to = to, .term = Term(term), .body = std::move(body)});
    return output;
  }
  // A follower that knows `log` to be committed.
  static Replica Committed(NodeId id, const std::vector<Entry>& log) {
    const uint64_t term = log.back().term.value();
    Replica replica(GroupOf(3, id), log, term);
    replica.Receive(NodeId(id.value() % 3 + 1), term,
                    AppendOf(log, log.size(), log.size(), /*commit=*/log.size()));
    EXPECT_EQ(replica.raft().commit(), log.back().index);
    return replica;
  }
  static Replica Leader(NodeId id, const std::vector<std::string>& proposals = {}) {
    Replica leader(GroupOf(3, id));
    leader.Elect();
    for (const std::string& text : proposals) leader.Propose(text);
    return leader;
  }
  static Entry Members(uint64_t index, const Configuration& members) {
    return {.term = Term(1),
            .index = Index(index),
            .type = EntryType::kConfiguration,
            .chain = {},
            .payload = std::make_shared<const std::string>(EncodeConfiguration(members))};
  }
  void ExpectViolation(const std::string& what) {
    ASSERT_TRUE(invariants_.violation().has_value());
    EXPECT_THAT(*invariants_.violation(), HasSubstr(what));
  }

  Invariants invariants_;
};

TEST_F(InvariantsTest, NothingIsWrongWithAGroupThatWorks) {
  Vote(kTwo, kOne);
  Replica leader = Leader(kOne, {"a"});
  Observe(kOne, leader);
  leader.Propose("b");
  Observe(kOne, leader);
  Replica follower = Committed(kThree, LogOfTerms({2, 2}));
  Output output;
  output.committed = LogOfTerms({2, 2});
  Observe(kThree, follower, output);
  EXPECT_EQ(invariants_.violation(), std::nullopt) << *invariants_.violation();
  EXPECT_EQ(invariants_.committed(), Index(2));
}

TEST_F(InvariantsTest, ElectionSafety) {
  Vote(kThree, kOne);
  Replica one = Leader(kOne);
  Observe(kOne, one);
  EXPECT_EQ(invariants_.violation(), std::nullopt);
  Replica two = Leader(kTwo);
  Observe(kTwo, two);
  ExpectViolation("term 1 is already led by node 1");
}

TEST_F(InvariantsTest, ElectionByAQuorum) {
  Replica one = Leader(kOne);
  Observe(kOne, one);
  ExpectViolation("elected without a quorum");
}

TEST_F(InvariantsTest, LeaderAppendOnly) {
  for (const std::vector<std::string>& after : {std::vector<std::string>{"a"}, {"a", "other"}}) {
    invariants_ = Invariants();
    Vote(kTwo, kOne);
    Replica leader = Leader(kOne, {"a", "b"});
    Observe(kOne, leader);
    EXPECT_EQ(invariants_.violation(), std::nullopt);
    Replica later = Leader(kOne, after);
    Observe(kOne, later);
    ExpectViolation("leader append-only: lost index 3 term 1");
  }
}

TEST_F(InvariantsTest, LogMatching) {
  Replica two(GroupOf(3, kTwo), LogOfTerms({1, 1}), 1);
  Observe(kTwo, two);
  std::vector<Entry> other = LogOfTerms({1, 1});
  other[1].payload = Text("other");
  other[1].chain = Chain(other[0].chain, Term(1), Index(2), other[1].type, other[1].bytes());
  Replica three(GroupOf(3, kThree), other, 1);
  Observe(kThree, three);
  ExpectViolation("log matching: two histories of index 2 term 1");
}

TEST_F(InvariantsTest, LeaderCompleteness) {
  Replica two = Committed(kTwo, LogOfTerms({1, 1}));
  Observe(kTwo, two);
  Vote(kThree, kOne, /*term=*/2);
  Replica leader(GroupOf(3), LogOfTerms({1}), 1);
  leader.Elect();
  Observe(kOne, leader);
  ExpectViolation("leader completeness: lacks index 2 term 1");
}

TEST_F(InvariantsTest, StateMachineSafetyOfWhatIsCommitted) {
  Replica two = Committed(kTwo, LogOfTerms({1, 1}));
  Observe(kTwo, two);
  Replica three = Committed(kThree, LogOfTerms({1, 2}));
  Observe(kThree, three);
  ExpectViolation("another entry committed at index 2");
}

TEST_F(InvariantsTest, StateMachineSafetyOfWhatIsApplied) {
  Replica two = Committed(kTwo, LogOfTerms({1, 1}));
  Output output;
  output.committed = LogOfTerms({2});
  Observe(kTwo, two, output);
  ExpectViolation("which is not what is committed there");

  invariants_ = Invariants();
  output.committed = {LogOfTerms({1, 1})[1]};
  Observe(kTwo, two, output);
  ExpectViolation("applied a gap before index 2");

  invariants_ = Invariants();
  output.committed.clear();
  output.restore = Snapshot{.meta = MetaOf(LogOfTerms({1, 2}), 2), .data = Text("")};
  Observe(kTwo, two, output);
  ExpectViolation("restored what is not committed");
}

TEST_F(InvariantsTest, NobodyCommitsWhatNobodyHas) {
  Replica replica(GroupOf(3), {.hard_state = {.term = Term(1), .vote = {}, .commit = {}},
                               .snapshot = Snapshot{.meta = MetaOf(LogOfTerms({1, 1}), 2),
                                                    .data = Text("state")},
                               .entries = {}});
  Observe(kOne, replica);
  ExpectViolation("committed an entry that nobody has seen committed");
}

TEST_F(InvariantsTest, NothingGoesBack) {
  Replica later = Committed(kTwo, LogOfTerms({1, 2}));
  Observe(kTwo, later);
  Replica term(GroupOf(3, kTwo), LogOfTerms({1}), 1);
  Observe(kTwo, term);
  ExpectViolation("term went back");

  invariants_ = Invariants();
  Observe(kTwo, later);
  Replica commit(GroupOf(3, kTwo), LogOfTerms({1, 2}), 2);
  Observe(kTwo, commit);
  ExpectViolation("commit index went back");
}

TEST_F(InvariantsTest, ConfigurationOfTheLog) {
  Replica two = Committed(kTwo, LogOfTerms({1}));
  Output output;
  output.persist.emplace().entries = {Members(1, MakeConfiguration({kOne, kTwo}))};
  Observe(kTwo, two, output);
  ExpectViolation("the configuration in force is not the latest in the log");
}

TEST_F(InvariantsTest, OneChangeOfMembersAtATime) {
  Replica two = Committed(kTwo, LogOfTerms({1, 1}));
  Output output;
  output.committed = {Members(1, MakeConfiguration({kOne, kTwo, kThree})),
                      Members(2, MakeConfiguration({kOne, kFour, kFive}))};
  output.committed[0].chain = LogOfTerms({1})[0].chain;
  Observe(kTwo, two, output);
  ExpectViolation("two changes of members overlap at index 2");
}

TEST_F(InvariantsTest, WhoWasRemovedDoesNotComeBack) {
  Replica two = Committed(kTwo, LogOfTerms({1, 1}));
  Configuration without = MakeConfiguration({kOne, kTwo});
  without.retired = {kThree};
  Output output;
  output.committed = {Members(1, without), Members(2, MakeConfiguration({kOne, kTwo}, {kThree}))};
  output.committed[0].chain = LogOfTerms({1})[0].chain;
  Observe(kTwo, two, output);
  ExpectViolation("a member that was removed is back: 3");
}

TEST_F(InvariantsTest, VotesAreDurableAndOnePerTerm) {
  Replica without(GroupOf(3, kTwo), {}, 1);
  Observe(kTwo, without, Says(kTwo, kOne, 1, RequestVoteResponse{.granted = true}));
  ExpectViolation("told a vote that is not durable");

  invariants_ = Invariants();
  Vote(kTwo, kOne);
  EXPECT_EQ(invariants_.violation(), std::nullopt);
  Vote(kTwo, kThree);
  ExpectViolation("voted twice in a term");
}

TEST_F(InvariantsTest, AcknowledgementsAreDurable) {
  const std::vector<Entry> log = LogOfTerms({1, 1});
  const auto accepts = AppendEntriesResponse{.accepted = true, .index = Index(2)};
  Replica two(GroupOf(3, kTwo), LogOfTerms({1}), 1);
  two.Receive(kOne, 1, AppendOf(log, 1, 2));  // not synced
  Observe(kTwo, two, Says(kTwo, kOne, 1, accepts));
  ExpectViolation("acknowledged an entry that is not durable, up to index 2");

  invariants_ = Invariants();
  Replica three(GroupOf(3, kThree), log, 1);
  three.Receive(kOne, 2, AppendOf(log, 2, 2));  // its term is not synced
  Observe(kThree, three, Says(kThree, kOne, 2, accepts));
  ExpectViolation("acknowledged in a term that is not durable");

  invariants_ = Invariants();
  Observe(
      kThree, three,
      Says(kThree, kOne, 2, InstallSnapshotResponse{.meta = MetaOf(log, 2), .installed = true}));
  ExpectViolation("acknowledged in a term that is not durable");
}

}  // namespace
}  // namespace quorumbook::consensus
