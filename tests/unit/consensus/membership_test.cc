// Changes of the members (4), by the sentences of the thesis.
#include <gtest/gtest.h>

#include "consensus/configuration.h"
#include "tests/unit/consensus/cluster.h"
#include "tests/unit/consensus/replica.h"

namespace quorumbook::consensus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr NodeId kSix{6};

AppendEntriesResponse Accepts(uint64_t index, uint64_t round = 0) {
  return {.accepted = true, .index = Index(index), .round = round};
}

// A leader of term 1 whose no-op is committed.
Replica SettledLeader(uint64_t voters = 3, const Options* options = nullptr) {
  Replica replica(options != nullptr ? *options : GroupOf(voters));
  replica.Elect();
  replica.Sync();
  for (uint64_t voter = 2; voter <= voters; ++voter) replica.Receive(NodeId(voter), 1, Accepts(1));
  replica.TakeMessages();
  return replica;
}

// `log` and an entry of `term` with a configuration.
std::vector<Entry> With(std::vector<Entry> log, uint64_t term, const Configuration& members) {
  const Payload payload = Text(EncodeConfiguration(members));
  const Index index(log.size() + 1);
  const Digest previous = log.empty() ? Digest() : log.back().chain;
  log.push_back({.term = Term(term),
                 .index = index,
                 .type = EntryType::kConfiguration,
                 .chain = Chain(previous, Term(term), index, EntryType::kConfiguration, *payload),
                 .payload = payload});
  return log;
}

Configuration Retired(std::vector<NodeId> retired, Configuration members) {
  members.retired = std::move(retired);
  return members;
}

Configuration Joint(std::vector<NodeId> from, std::vector<NodeId> to) {
  Configuration joint = MakeConfiguration(std::move(to));
  joint.voters_outgoing = std::move(from);
  return joint;
}

// A leader that has committed something of its own.
NodeId Settle(Cluster& cluster) {
  EXPECT_TRUE(cluster.RunUntil([&] { return cluster.committed() > Index(); }, seconds(5)));
  return cluster.Leader().value_or(kOne);
}

TEST(ConfigurationTest, ComesBackFromItsBytesOrNotAtAll) {
  const Configuration joint{.voters = {kOne, kFour},
                            .voters_outgoing = {kOne, kTwo, kThree},
                            .learners = {kTwo, kSix},
                            .retired = {kFive, kThree}};
  const std::string bytes = EncodeConfiguration(joint);
  EXPECT_EQ(DecodeConfiguration(bytes), joint);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeConfiguration(bytes.substr(0, length)), std::nullopt) << length;
  }
  EXPECT_EQ(DecodeConfiguration(bytes + '\0'), std::nullopt);
  const std::vector<Configuration> invalid = {
      {},
      {.voters = {kTwo, kOne}},
      {.voters = {kOne, kOne}},
      {.voters = {NodeId()}},
      {.voters = {kOne}, .learners = {kOne}},
      {.voters = {kOne}, .retired = {kOne}},
      {.voters = {kOne}, .learners = {kTwo}, .retired = {kTwo}},
      {.voters = {kOne}, .retired = {kTwo, kTwo}},
      {.voters = {kOne, kTwo, kThree, kFour, kFive, kSix, NodeId(7), NodeId(8)}},
      {.voters_outgoing = {kOne}}};
  for (const Configuration& configuration : invalid) {
    EXPECT_EQ(DecodeConfiguration(EncodeConfiguration(configuration)), std::nullopt);
  }
  EXPECT_TRUE(joint.IsVoter(kTwo));
  EXPECT_FALSE(joint.IsLearner(kTwo));
  EXPECT_TRUE(joint.Left().IsLearner(kTwo));
}

// 4.1: "servers always use the latest configuration in their logs, regardless of whether the
// configuration entry is committed"; 4.3: joint first.
TEST(MembershipTest, ChangeIsInForceFromItsEntryOn) {
  Replica replica = SettledLeader();
  replica.TakeConfigurations();
  ASSERT_EQ(replica.ProposeMembers({kOne, kTwo, kFour}), ProposeResult::kAccepted);
  const Configuration joint = Retired({kThree}, Joint({kOne, kTwo, kThree}, {kOne, kTwo, kFour}));
  EXPECT_EQ(replica.raft().configuration(), joint);
  EXPECT_EQ(replica.TakeConfigurations(), std::vector<Configuration>{joint});
  EXPECT_EQ(replica.raft().status().peers.size(), 3u);
  EXPECT_EQ(replica.raft().commit(), Index(1));
}

// 4.3: "log entries are replicated to all servers in both configurations"; "agreement [...]
// requires separate majorities from both the old and new configurations".
TEST(MembershipTest, JointEntryIsCommittedByBothMajoritiesAndTheNewOneFollows) {
  Replica replica = SettledLeader();
  ASSERT_EQ(replica.ProposeMembers({kOne, kFour, kFive}), ProposeResult::kAccepted);
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(2));
  EXPECT_EQ(replica.raft().commit(), Index(1));  // not yet a majority of the new
  replica.Receive(kFour, 1, Accepts(2));
  EXPECT_EQ(replica.raft().commit(), Index(2));
  EXPECT_EQ(replica.raft().configuration(),
            Retired({kTwo, kThree}, MakeConfiguration({kOne, kFour, kFive})));
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(3));  // does not count any more
  replica.Receive(kThree, 1, Accepts(3));
  EXPECT_EQ(replica.raft().commit(), Index(2));
  replica.Receive(kFive, 1, Accepts(3));
  EXPECT_EQ(replica.raft().commit(), Index(3));
}

// Ongaro, raft-dev 2015: not before an entry of the own term is committed.
TEST(MembershipTest, ChangeWaitsForTheFirstCommitOfTheTerm) {
  Replica replica(GroupOf(3));
  replica.Elect();
  EXPECT_EQ(replica.ProposeMembers({kOne, kTwo}), ProposeResult::kNotReady);
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(1));
  EXPECT_EQ(replica.ProposeMembers({kOne, kTwo}), ProposeResult::kAccepted);
}

TEST(MembershipTest, OneChangeAtATime) {
  Replica replica = SettledLeader();
  ASSERT_EQ(replica.ProposeMembers({kOne, kTwo, kThree}, {kFour}), ProposeResult::kAccepted);
  EXPECT_EQ(replica.ProposeMembers({kOne, kTwo}), ProposeResult::kChangeInProgress);
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(2));
  ASSERT_EQ(replica.ProposeMembers({kOne, kTwo}), ProposeResult::kAccepted);
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(3));  // the joint one is committed, the new one is not
  EXPECT_FALSE(replica.raft().configuration().joint());
  EXPECT_EQ(replica.ProposeMembers({kOne}), ProposeResult::kChangeInProgress);
}

TEST(MembershipTest, InvalidChangesAreRefused) {
  Replica replica = SettledLeader();
  EXPECT_EQ(replica.ProposeMembers({}), ProposeResult::kInvalid);
  EXPECT_EQ(replica.ProposeMembers({kOne, kOne}), ProposeResult::kInvalid);
  EXPECT_EQ(replica.ProposeMembers({kOne}, {kOne}), ProposeResult::kInvalid);
  EXPECT_EQ(replica.ProposeMembers({kThree, kTwo, kOne}), ProposeResult::kInvalid);  // as it is
  EXPECT_EQ(replica.raft().status().last, Index(1));
  Replica follower(GroupOf(3));
  EXPECT_EQ(follower.ProposeMembers({kOne}), ProposeResult::kNotLeader);
}

// 4.2.1: "a new server [...] joins the cluster as a non-voting member".
TEST(MembershipTest, LearnersReceiveTheLogAndDoNotCount) {
  Replica replica = SettledLeader();
  ASSERT_EQ(replica.ProposeMembers({kOne, kTwo, kThree}, {kFour, kFive}), ProposeResult::kAccepted);
  replica.Sync();
  EXPECT_EQ(replica.Take<AppendEntries>().size(), 4u);
  replica.Receive(kFour, 1, Accepts(2));
  replica.Receive(kFive, 1, Accepts(2));
  EXPECT_EQ(replica.raft().commit(), Index(1));
  replica.Receive(kThree, 1, Accepts(2));
  EXPECT_EQ(replica.raft().commit(), Index(2));
  EXPECT_TRUE(replica.raft().status().peers[2].learner);
  EXPECT_FALSE(replica.Transfer(kFour));
  // Nor do they confirm that it leads.
  ASSERT_TRUE(replica.Read(7));
  const uint64_t round = replica.Take<AppendEntries>().back().round;
  replica.Receive(kFour, 1, Accepts(2, round));
  replica.Receive(kFive, 1, Accepts(2, round));
  EXPECT_TRUE(replica.TakeReads().empty());
}

TEST(MembershipTest, LearnersAndStrangersDoNotCampaign) {
  Options options = GroupOf(3);
  options.configuration = MakeConfiguration({kTwo, kThree}, {kOne});
  Replica learner(options);
  EXPECT_EQ(learner.raft().deadline(), Instant::max());
  options.configuration = Configuration{};
  Replica stranger(options);
  EXPECT_EQ(stranger.raft().deadline(), Instant::max());
  stranger.TickAfter(seconds(10));
  EXPECT_TRUE(stranger.TakeMessages().empty());
}

// 4.2.2: "a server accepts AppendEntries requests from a leader that is not part of the server's
// latest configuration. Otherwise, a new server could never be added to the cluster".
TEST(MembershipTest, NewServerAcceptsALeaderThatItDoesNotKnow) {
  Options options = GroupOf(3);
  options.configuration = Configuration{};
  Replica replica(options);
  const Configuration members = MakeConfiguration({kTwo, kThree}, {kOne});
  const std::vector<Entry> log = With(LogOfTerms({1, 1}), 1, members);
  replica.Receive(kTwo, 1, AppendOf(log, 0, 3, /*commit=*/3));
  replica.Sync();
  EXPECT_EQ(replica.Take<AppendEntriesResponse>().back().index, Index(3));
  EXPECT_EQ(replica.raft().configuration(), members);
}

// 4.2.2: "a server also grants its vote to a candidate that is not part of the server's latest
// configuration [...] the vote may be needed".
TEST(MembershipTest, VoteIsGrantedToACandidateThatIsNotKnown) {
  Replica replica(GroupOf(3), LogOfTerms({1}), 1);
  replica.Receive(kSix, 2, RequestVote{.last_log_index = Index(2), .last_log_term = Term(1)});
  replica.Sync();
  const auto answers = replica.Take<RequestVoteResponse>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].granted);
}

// 4.2.3: "if a server receives a RequestVote request within the minimum election timeout of hearing
// from a current leader, it does not update its term": so that a removed server does not disturb.
TEST(MembershipTest, RemovedServerDoesNotDisturb) {
  Cluster cluster({.nodes = 4, .seed = 3, .raft = {}, .network = {}, .disk = {}});
  const NodeId leader = Settle(cluster);
  const NodeId removed(leader.value() % 4 + 1);
  const Term term = cluster.raft(leader).term();
  std::vector<NodeId> voters = cluster.nodes();
  std::erase(voters, removed);
  // It never learns of it.
  cluster.Isolate(removed);
  ASSERT_EQ(cluster.ChangeMembers(leader, voters), ProposeResult::kAccepted);
  cluster.RunFor(seconds(5));
  cluster.Heal();
  cluster.RunFor(seconds(20));
  EXPECT_EQ(cluster.raft(leader).term(), term);
  EXPECT_EQ(cluster.Leader(), leader);
  EXPECT_EQ(cluster.failure(), std::nullopt);
}

// ... and one that is reached learns of it, and keeps quiet.
TEST(MembershipTest, RemovedServerIsToldAndKeepsQuiet) {
  Cluster cluster({.nodes = 3, .seed = 4, .raft = {}, .network = {}, .disk = {}});
  const NodeId leader = Settle(cluster);
  const NodeId removed(leader.value() % 3 + 1);
  std::vector<NodeId> voters = cluster.nodes();
  std::erase(voters, removed);
  ASSERT_EQ(cluster.ChangeMembers(leader, voters), ProposeResult::kAccepted);
  cluster.RunFor(seconds(1));
  EXPECT_EQ(cluster.raft(removed).configuration(), Retired({removed}, MakeConfiguration(voters)));
  EXPECT_EQ(cluster.raft(removed).commit(), cluster.committed());
  EXPECT_EQ(cluster.raft(removed).deadline(), Instant::max());
  EXPECT_EQ(cluster.raft(leader).status().peers.size(), 1u);
}

// 4.2.2: "a leader that is removed from the configuration steps down once the Cnew entry is
// committed"; until then it "manages a cluster that does not include itself".
TEST(MembershipTest, LeaderThatIsRemovedHandsOverWhenItIsCommitted) {
  Replica replica = SettledLeader();
  ASSERT_EQ(replica.ProposeMembers({kTwo, kThree}), ProposeResult::kAccepted);
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(2));
  replica.Receive(kThree, 1, Accepts(2));
  EXPECT_EQ(replica.raft().configuration(), Retired({kOne}, MakeConfiguration({kTwo, kThree})));
  replica.Sync();
  replica.Receive(kTwo, 1, Accepts(3));
  EXPECT_EQ(replica.raft().commit(), Index(2));  // its own disk does not count
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
  EXPECT_TRUE(replica.Take<TimeoutNow>().empty());
  replica.Receive(kThree, 1, Accepts(3));
  EXPECT_EQ(replica.raft().commit(), Index(3));
  EXPECT_EQ(replica.Take<TimeoutNow>().size(), 1u);
  EXPECT_EQ(replica.Propose("late"), ProposeResult::kTransferring);
  while (replica.raft().role() == Role::kLeader && replica.now() < seconds(5)) {
    replica.TickToDeadline();
    replica.Receive(kTwo, 1, Accepts(3));
    replica.Receive(kThree, 1, Accepts(3));
  }
  EXPECT_EQ(replica.raft().role(), Role::kFollower);
  EXPECT_EQ(replica.raft().deadline(), Instant::max());
}

// The round asked somebody who is not needed any more, and never answers.
TEST(MembershipTest, ReadIsConfirmedWhenWhoIsAskedLeaves) {
  Replica replica = SettledLeader(2);
  ASSERT_EQ(replica.ProposeMembers({kOne}), ProposeResult::kAccepted);
  replica.Sync();
  ASSERT_TRUE(replica.Read(7));
  EXPECT_TRUE(replica.TakeReads().empty());
  replica.Receive(kTwo, 1, Accepts(2));
  EXPECT_EQ(replica.raft().configuration(), Retired({kTwo}, MakeConfiguration({kOne})));
  replica.Sync();
  EXPECT_EQ(replica.raft().commit(), Index(3));
  EXPECT_EQ(replica.TakeReads().size(), 1u);
  ASSERT_TRUE(replica.Read(8));
  EXPECT_EQ(replica.TakeReads().size(), 1u);
}

// 4.2.2: "a server that is not part of its own latest configuration should still start new
// elections, as it might still be needed until the Cnew entry is committed".
TEST(MembershipTest, RemovedServerMayCampaignUntilItsRemovalIsCommitted) {
  const Configuration joint = Joint({kOne, kTwo}, {kTwo});
  const std::vector<Entry> log = With(With(LogOfTerms({1}), 1, joint), 1, joint.Left());
  Replica replica(GroupOf(2), log, 1);
  ASSERT_EQ(replica.raft().configuration(), MakeConfiguration({kTwo}));
  replica.TickToDeadline();
  EXPECT_EQ(replica.raft().role(), Role::kPreCandidate);
  replica.Receive(kTwo, 2, RequestVoteResponse{.pre_vote = true, .granted = true});
  replica.Sync();
  replica.Receive(kTwo, 2, RequestVoteResponse{.granted = true});
  EXPECT_EQ(replica.raft().role(), Role::kLeader);
}

// 4.1: "if it's removed from the log [...] a server must fall back to the previous configuration".
TEST(MembershipTest, TruncatedConfigurationIsNotInForce) {
  const std::vector<Entry> common = LogOfTerms({1});
  const std::vector<Entry> log = With(common, 1, Joint({kOne, kTwo, kThree}, {kOne, kFour, kFive}));
  Replica replica(GroupOf(3), log, 1);
  EXPECT_TRUE(replica.raft().configuration().joint());
  replica.TakeConfigurations();
  replica.Receive(kThree, 2, AppendOf(LogOfTerms({1, 2}), 1, 2));
  const Configuration founding = MakeConfiguration({kOne, kTwo, kThree});
  EXPECT_EQ(replica.raft().configuration(), founding);
  EXPECT_EQ(replica.TakeConfigurations(), std::vector<Configuration>{founding});
  replica.Sync();
  replica.CrashAndRestart();
  EXPECT_EQ(replica.raft().configuration(), founding);
}

// A new leader finishes what an earlier one began, when it knows that it is committed.
TEST(MembershipTest, NewLeaderLeavesTheJointConfiguration) {
  const Configuration joint = Joint({kOne, kTwo, kThree}, {kOne, kTwo});
  Replica replica(GroupOf(3), With(LogOfTerms({1}), 1, joint), 1);
  replica.Elect();
  replica.Sync();
  EXPECT_TRUE(replica.raft().configuration().joint());
  replica.Receive(kTwo, 2, Accepts(3));
  EXPECT_EQ(replica.raft().commit(), Index(3));
  EXPECT_EQ(replica.raft().configuration(), joint.Left());
  EXPECT_EQ(replica.raft().status().last, Index(4));
}

TEST(MembershipTest, SnapshotBringsTheMembers) {
  const std::string state = "state";
  Options options = GroupOf(1);
  options.configuration = Configuration{};
  Replica replica(options);
  const Configuration members = MakeConfiguration({kTwo, kThree}, {kOne});
  replica.Receive(kTwo, 1,
                  InstallSnapshot{.meta = MetaOf(LogOfTerms({1, 1}), 2),
                                  .configuration = members,
                                  .data_digest = Digest128(state),
                                  .total_bytes = state.size(),
                                  .checksum = Checksum64(state),
                                  .data = state});
  replica.Sync();
  EXPECT_EQ(replica.raft().configuration(), members);
  replica.CrashAndRestart();
  EXPECT_EQ(replica.raft().configuration(), members);
  EXPECT_EQ(replica.raft().ConfigurationAt(Index(2)), members);
}

// All of a group is replaced, one after another, under load; the old ones are gone for good.
TEST(MembershipTest, EveryServerCanBeReplaced) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    ClusterOptions options{.nodes = 3, .seed = seed, .raft = {}, .network = {}, .disk = {}};
    options.compact_bytes = 2'000;
    options.raft.keep_log_bytes = 500;
    Cluster cluster(options);
    const auto until = [&](auto done) {
      return cluster.RunUntil(
          [&] {
            const auto leader = cluster.Leader();
            if (leader && cluster.raft(*leader).commit() == cluster.raft(*leader).status().last) {
              cluster.Propose(*leader, "order");
            }
            return leader && done(*leader);
          },
          seconds(20));
    };
    const auto change = [&](std::vector<NodeId> voters, std::vector<NodeId> learners) {
      ASSERT_TRUE(until([&](NodeId leader) {
        return cluster.ChangeMembers(leader, voters, learners) == ProposeResult::kAccepted;
      }));
      ASSERT_TRUE(until([&](NodeId leader) {
        const RaftStatus status = cluster.raft(leader).status();
        return status.configuration.voters == MakeConfiguration(voters).voters &&
               status.configuration.learners == learners && !status.configuration.joint() &&
               status.commit >= status.configuration_index;
      }));
    };
    std::vector<NodeId> voters = cluster.nodes();
    for (int replaced = 0; replaced < 3; ++replaced) {
      const NodeId joining = cluster.Join();
      change(voters, {joining});
      const NodeId leaving = voters.front();
      voters.erase(voters.begin());
      voters.push_back(joining);
      change(voters, {});
      cluster.Retire(leaving);
    }
    EXPECT_TRUE(until([&](NodeId leader) { return leader.value() > 3; })) << seed;
    EXPECT_EQ(cluster.failure(), std::nullopt) << seed;
    EXPECT_TRUE(cluster.evidence().empty()) << seed;
  }
}

// Not by a leader that saw it go, nor by one that knows it from a snapshot. An older copy of its
// disk could be put back, and lack what it had acknowledged.
TEST(MembershipTest, RemovedNodeNeverComesBackUnderItsOldIdentity) {
  Replica leader = SettledLeader();
  ASSERT_EQ(leader.ProposeMembers({kOne, kTwo}), ProposeResult::kAccepted);
  EXPECT_TRUE(leader.raft().configuration().IsRetired(kThree));
  EXPECT_TRUE(leader.raft().configuration().IsVoter(kThree)) << "until the change is decided";
  leader.Sync();
  for (const uint64_t index : {2u, 3u}) leader.Receive(kTwo, 1, Accepts(index));
  leader.Sync();
  ASSERT_EQ(leader.raft().commit(), Index(3));
  ASSERT_FALSE(leader.raft().configuration().joint());
  EXPECT_EQ(leader.ProposeMembers({kOne, kTwo, kThree}), ProposeResult::kRetired);
  EXPECT_EQ(leader.ProposeMembers({kOne, kTwo}, {kThree}), ProposeResult::kRetired);
  leader.Compact({.meta = *leader.raft().EntryMeta(Index(3)), .data = Text("state")});
  EXPECT_EQ(leader.ProposeMembers({kOne, kTwo}, {kThree}), ProposeResult::kRetired);
  EXPECT_EQ(leader.ProposeMembers({kOne, kTwo}, {kFour}), ProposeResult::kAccepted);
}

// Who only changed its role was not removed.
TEST(MembershipTest, VoterThatBecomesALearnerIsNotRetired) {
  Replica leader = SettledLeader();
  ASSERT_EQ(leader.ProposeMembers({kOne, kTwo}, {kThree}), ProposeResult::kAccepted);
  EXPECT_TRUE(leader.raft().configuration().retired.empty());
}

TEST(ConfigurationTest, TheLatestOfThoseWhoWereRemovedAreRemembered) {
  Configuration members = MakeConfiguration({kOne});
  for (uint64_t node = 2; node <= 2 + kRetiredMax; ++node) {
    members.Retire(NodeId(node));
    members.Retire(NodeId(node));
  }
  EXPECT_TRUE(IsValid(members));
  EXPECT_EQ(members.retired.size(), kRetiredMax);
  EXPECT_FALSE(members.IsRetired(kTwo));
  EXPECT_TRUE(members.IsRetired(kThree));
}

}  // namespace
}  // namespace quorumbook::consensus
