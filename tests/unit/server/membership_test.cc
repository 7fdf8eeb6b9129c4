// What a leader does about its members, on a group of real Raft cores and a network of function
// calls: docs/decisions/0006-members.md.
#include "server/replica/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

using consensus::Configuration;
using consensus::Instant;
using consensus::Raft;
using consensus::Role;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

NodeId Member(uint64_t node, uint64_t incarnation) { return MakeMember(NodeId(node), incarnation); }
const NodeId kOne = Member(1, 11);
const NodeId kTwo = Member(2, 21);
const NodeId kThree = Member(3, 31);
const NodeId kNewTwo = Member(2, 22);
const NodeId kFour = Member(4, 41);

// Every write is durable at once; time passes in steps of a millisecond.
class Group {
 public:
  explicit Group(const std::vector<NodeId>& founders, consensus::Duration quiesce_after = {})
      : quiesce_after_(quiesce_after) {
    for (const NodeId founder : founders) Start(founder, consensus::MakeConfiguration(founders));
    Connect();
  }

  void Start(NodeId id, const Configuration& configuration = {}) {
    consensus::Options options;
    options.id = id;
    options.configuration = configuration;
    options.seed = id.value();
    options.quiesce_after = quiesce_after_;
    Node& node = nodes_[id];
    node.raft = std::make_unique<Raft>(options, consensus::RestoredState(), now_);
    node.membership = std::make_unique<Membership>(id, node.raft.get());
  }
  void Lose(NodeId id) { nodes_.erase(id); }

  // Everybody hears who is there.
  void Connect() {
    for (auto& [id, node] : nodes_) {
      std::vector<NodeId> others;
      for (const auto& [other, unused] : nodes_) {
        if (other != id) others.push_back(other);
      }
      node.membership->SetConnected(std::move(others));
    }
  }

  void Run(std::chrono::milliseconds time) {
    for (const Instant end = now_ + time; now_ < end; now_ += std::chrono::milliseconds(1)) {
      for (auto& [id, node] : nodes_) {
        node.raft->Tick(now_);
        node.membership->Tend(now_);
        node.membership->Answer({RefusalCode::kNotLeader, "no leader", NodeId(), kRetryAfterMs},
                                now_);
      }
      Deliver();
    }
  }

  // Time goes on, and nobody looks at the clock.
  void Pass(std::chrono::milliseconds time) { now_ += time; }

  NodeId Leader() {
    for (int second = 0; second < 60; ++second) {
      for (const auto& [id, node] : nodes_) {
        if (node.raft->role() == Role::kLeader) return id;
      }
      Run(std::chrono::seconds(1));
    }
    ADD_FAILURE() << "no leader";
    return NodeId();
  }

  Raft& raft(NodeId id) { return *nodes_.at(id).raft; }
  Membership& membership(NodeId id) { return *nodes_.at(id).membership; }
  Instant now() const { return now_; }
  const Configuration& configuration() { return raft(Leader()).configuration(); }

 private:
  struct Node {
    std::unique_ptr<Raft> raft;
    std::unique_ptr<Membership> membership;
  };

  void Deliver() {
    for (bool more = true; more;) {
      more = false;
      for (auto& [id, node] : nodes_) {
        consensus::Output output = node.raft->TakeOutput();
        if (output.empty()) continue;
        more = true;
        if (output.persist) node.raft->OnPersisted(output.persist->sequence, now_);
        for (consensus::Message& message : output.messages) {
          const auto to = nodes_.find(message.to);
          if (to != nodes_.end()) to->second.raft->Step(std::move(message), now_);
        }
      }
    }
  }

  const consensus::Duration quiesce_after_;
  Instant now_ = std::chrono::seconds(1);
  std::map<NodeId, Node> nodes_;
};

TEST(MembershipTest, ReplacesWhoLostItsStoreAndGivesItAVote) {
  Group group({kOne, kTwo, kThree});
  group.Leader();
  group.Lose(kTwo);
  group.Start(kNewTwo);
  group.Connect();
  group.Leader();
  group.Run(std::chrono::seconds(10));
  EXPECT_THAT(group.configuration().voters, UnorderedElementsAre(kOne, kNewTwo, kThree));
  EXPECT_THAT(group.configuration().learners, IsEmpty());
  EXPECT_FALSE(group.configuration().joint());
}

// Two processes with the same number, by mistake: the one that works goes on.
TEST(MembershipTest, WhoIsStillHeardIsNotReplaced) {
  Group group({kOne, kTwo, kThree});
  const NodeId other = group.Leader() == kThree ? kTwo : kThree;
  const NodeId again = Member(NodeOf(other).value(), 99);
  group.Start(again);
  group.Connect();
  group.Run(std::chrono::seconds(5));
  EXPECT_THAT(group.configuration().voters, UnorderedElementsAre(kOne, kTwo, kThree));
  EXPECT_THAT(group.configuration().learners, IsEmpty());
  group.Lose(other);
  group.Connect();
  group.Run(std::chrono::seconds(10));
  EXPECT_FALSE(group.configuration().Contains(other));
  EXPECT_TRUE(group.configuration().IsVoter(again));
}

// It knows what it was told last, however long ago that was.
TEST(MembershipTest, ASilentLeaderJudgesByTheTimeThatItIsNow) {
  Group group({kOne, kTwo, kThree}, std::chrono::milliseconds(100));
  const NodeId leader = group.Leader();
  group.Run(std::chrono::seconds(5));
  ASSERT_TRUE(group.raft(leader).status().quiesced);
  const NodeId gone = leader == kThree ? kTwo : kThree;
  const NodeId again = Member(NodeOf(gone).value(), 99);
  group.Lose(gone);
  group.Start(again);
  group.Pass(std::chrono::seconds(5));
  group.membership(leader).SetConnected({again});
  EXPECT_TRUE(group.membership(leader).Tend(group.now()));
  EXPECT_TRUE(group.raft(leader).configuration().IsLearner(again));
}

TEST(MembershipTest, ALearnerGetsNoVoteBeforeItHasCaughtUp) {
  Group group({kOne, kTwo, kThree});
  const NodeId leader = group.Leader();
  group.membership(leader).SetConnected({kTwo, kThree, kFour});  // said hello, and is silent
  std::optional<bool> added;
  group.membership(leader).Add(NodeId(4), group.now(),
                               [&](const Refusal* why, const auto&) { added = why == nullptr; });
  group.Run(std::chrono::seconds(2));
  EXPECT_EQ(added, true);
  EXPECT_THAT(group.configuration().learners, UnorderedElementsAre(kFour));
  group.Start(kFour);
  group.Connect();
  group.Run(std::chrono::seconds(10));
  EXPECT_THAT(group.configuration().voters, UnorderedElementsAre(kOne, kTwo, kThree, kFour));
}

// A few entries may be much: nothing would be committed until the new voter has them.
TEST(MembershipTest, ALearnerThatLacksManyBytesHasNotCaughtUp) {
  Group group({kOne});
  const NodeId leader = group.Leader();
  group.membership(leader).SetConnected({kFour});  // said hello, and is silent
  group.membership(leader).Add(NodeId(4), group.now(), [](const Refusal*, const auto&) {});
  group.Run(std::chrono::milliseconds(100));
  group.Start(kFour);
  group.Run(std::chrono::milliseconds(1));
  ASSERT_THAT(group.configuration().learners, UnorderedElementsAre(kFour));
  consensus::Index index;
  consensus::Term term;
  const auto payload = std::make_shared<const std::string>(kCaughtUpBytes / 4, 'x');
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(group.raft(leader).Propose(payload, group.now(), &index, &term),
              consensus::ProposeResult::kAccepted);
  }
  const consensus::PeerProgress behind = group.raft(leader).status().peers.at(0);
  EXPECT_FALSE(group.membership(leader).Tend(group.now())) << behind.behind_bytes;
  EXPECT_GT(behind.behind_bytes, kCaughtUpBytes);
  EXPECT_TRUE(behind.active && !behind.probing && !behind.snapshotting);
  group.Run(std::chrono::seconds(1));
  EXPECT_THAT(group.configuration().voters, UnorderedElementsAre(kOne, kFour));
}

TEST(MembershipTest, TakesANodeOutAndSaysSoWhenItIsCommitted) {
  Group group({kOne, kTwo, kThree});
  const NodeId leader = group.Leader();
  const NodeId other = leader == kThree ? kTwo : kThree;
  std::optional<Configuration> after;
  group.membership(leader).Remove(NodeOf(other), group.now(),
                                  [&](const Refusal* why, const Configuration& configuration) {
                                    ASSERT_EQ(why, nullptr) << why->message;
                                    after = configuration;
                                  });
  EXPECT_FALSE(after.has_value()) << "not committed yet";
  group.Run(std::chrono::seconds(2));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->voters.size(), 2u);
  EXPECT_FALSE(after->Contains(other));
  EXPECT_EQ(group.membership(leader).FindMember(NodeOf(other)), NodeId());
}

TEST(MembershipTest, WhoWasTakenOutComesBackWithAnEmptyStoreOnly) {
  Group group({kOne, kTwo, kThree});
  const NodeId leader = group.Leader();
  const NodeId other = leader == kThree ? kTwo : kThree;
  group.membership(leader).Remove(NodeOf(other), group.now(), [](const Refusal*, const auto&) {});
  group.Run(std::chrono::seconds(2));
  std::string why_not;
  const auto note = [&](const Refusal* why, const auto&) {
    why_not = why == nullptr ? "" : why->message;
  };
  group.membership(leader).Add(NodeOf(other), group.now(), note);
  EXPECT_THAT(why_not, HasSubstr("start it with an empty data_dir"));
  group.Lose(other);
  group.Start(Member(NodeOf(other).value(), 99));
  group.Connect();
  group.membership(leader).Add(NodeOf(other), group.now(), note);
  group.Run(std::chrono::seconds(5));
  EXPECT_EQ(why_not, "");
  EXPECT_EQ(group.configuration().voters.size(), 3u);
  EXPECT_FALSE(group.configuration().Contains(other));
}

// Its older store was put back: no operator asked for that.
TEST(MembershipTest, WhoWasReplacedDoesNotReplaceItsSuccessor) {
  Group group({kOne, kTwo, kThree});
  group.Leader();
  group.Lose(kTwo);
  group.Start(kNewTwo);
  group.Connect();
  group.Run(std::chrono::seconds(10));
  ASSERT_THAT(group.configuration().voters, UnorderedElementsAre(kOne, kNewTwo, kThree));
  group.Lose(kNewTwo);
  group.Start(kTwo);
  group.Connect();
  group.Run(std::chrono::seconds(10));
  EXPECT_THAT(group.configuration().voters, UnorderedElementsAre(kOne, kNewTwo, kThree));
  EXPECT_FALSE(group.configuration().Contains(kTwo));
}

TEST(MembershipTest, RepeatsAreHarmless) {
  Group group({kOne, kTwo, kThree});
  const NodeId leader = group.Leader();
  int answers = 0;
  const auto count = [&](const Refusal* why, const auto&) {
    EXPECT_EQ(why, nullptr);
    ++answers;
  };
  group.membership(leader).Add(NodeId(2), group.now(), count);
  group.membership(leader).Remove(NodeId(9), group.now(), count);
  EXPECT_EQ(answers, 2);
}

TEST(MembershipTest, SaysWhyNot) {
  Group group({kOne});
  const NodeId leader = group.Leader();
  group.Run(std::chrono::seconds(1));
  std::vector<std::string> whys;
  const auto note = [&](const Refusal* why, const auto&) {
    whys.push_back(why == nullptr ? "" : why->message);
  };
  group.membership(leader).Add(NodeId(4), group.now(), note);
  group.membership(leader).Remove(NodeId(1), group.now(), note);
  ASSERT_EQ(whys.size(), 2u);
  EXPECT_THAT(whys[0], HasSubstr("node 4 is not connected"));
  EXPECT_THAT(whys[1], HasSubstr("1 to 7 voters")) << "the last voter stays";
}

TEST(MembershipTest, WhoWaitsIsToldWhenTheChangeIsNotCommitted) {
  Group group({kOne, kTwo, kThree});
  const NodeId leader = group.Leader();
  for (const NodeId id : {kOne, kTwo, kThree}) {
    if (id != leader) group.Lose(id);
  }
  RefusalCode why = RefusalCode::kNone;
  group.membership(leader).Remove(leader == kOne ? NodeId(2) : NodeId(1), group.now(),
                                  [&](const Refusal* refusal, const auto&) {
                                    ASSERT_NE(refusal, nullptr);
                                    why = refusal->code;
                                  });
  group.Run(std::chrono::seconds(10));
  EXPECT_NE(why, RefusalCode::kNone);
}

}  // namespace
}  // namespace quorumbook::server
