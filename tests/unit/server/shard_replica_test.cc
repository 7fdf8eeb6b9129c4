// One shard's replicas with all that a daemon gives them but a network and disks.
#include "server/shard_replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/server/replica_group.h"

namespace quorumbook::server {
namespace {

TEST(ShardReplica, TellsWhoCountsOnWhichSideOfAChange) {
  const auto member = [](uint64_t node) { return MakeMember(NodeId(node), 7); };
  consensus::Configuration joint =
      consensus::MakeConfiguration({member(1), member(3)}, {member(4)});
  joint.voters_outgoing = {member(1), member(2)};
  ASSERT_TRUE(consensus::IsValid(joint));
  Members members;
  AddMembers(joint, &members);
  std::map<uint32_t, v1::MemberStatus::Kind> kinds;
  for (const v1::MemberStatus& status : members) {
    EXPECT_EQ(status.incarnation(), 7u);
    kinds[status.node_id()] = status.kind();
  }
  EXPECT_THAT(kinds, testing::ElementsAre(testing::Pair(1, v1::MemberStatus::VOTER),
                                          testing::Pair(2, v1::MemberStatus::OUTGOING_VOTER),
                                          testing::Pair(3, v1::MemberStatus::INCOMING_VOTER),
                                          testing::Pair(4, v1::MemberStatus::LEARNER)));
  members.Clear();
  AddMembers(joint.Left(), &members);
  EXPECT_EQ(members.size(), 3);
  EXPECT_EQ(members.at(1).kind(), v1::MemberStatus::VOTER) << "the change is over";
}

TEST(ShardReplica, TellsWhomItHasFencedOff) {
  Group group(3);
  const NodeId leader = group.AwaitLeader();
  EXPECT_THAT(group.Status(leader).fenced_nodes(), testing::IsEmpty());
  const NodeId culprit(leader == NodeId(3) ? 2 : 3);
  group.replica(leader).ForgedSender(culprit);
  EXPECT_THAT(group.Status(leader).fenced_nodes(), testing::ElementsAre(culprit.value()));
  Nodes nodes;
  AddNodes({MakeMember(NodeId(7), 2), MakeMember(NodeId(2), 5), MakeMember(NodeId(7), 1)}, &nodes);
  EXPECT_THAT(nodes, testing::ElementsAre(2, 7)) << "two incarnations are one node";
}

TEST(ShardReplica, ExecutesOnTheLeaderAndRefersFromTheOthers) {
  Group group(3);
  const NodeId leader = group.AwaitLeader();
  const exchange::SessionId session = OpenMarket(&group, leader);
  EXPECT_EQ(group.replica(leader).names().symbols.Find("AMZN"), exchange::SymbolId(1));
  const Answer answer = group.Submit(
      leader, exchange::SessionCommands{session, 2, 1, {Order(1, exchange::Side::kBuy)}});
  ASSERT_FALSE(answer.refusal);
  ASSERT_EQ(answer.events.size(), 1u);
  EXPECT_EQ(answer.events[0].type, exchange::EventType::kOrderAccepted);
  for (uint64_t id = 1; id <= 3; ++id) {
    if (NodeId(id) == leader) continue;
    const Answer refused = group.Submit(NodeId(id), exchange::OpenSession{AccountId(1)});
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->code, RefusalCode::kNotLeader);
    EXPECT_EQ(refused.refusal->leader, leader);
    EXPECT_FALSE(group.Read(NodeId(id)));
  }
  group.ExpectAllEqual();
}

TEST(ShardReplica, NamesLookedUpBeforeItServedAreNotTrusted) {
  Group group(3);
  const NodeId leader = group.AwaitLeader();
  EXPECT_NE(group.replica(leader).serving_term(), 0u);
  Watched<std::optional<Refusal>> refused;
  group.replica(leader).Submit(
      exchange::EncodeGroup(exchange::OpenSession{AccountId(1)}), /*term=*/0,
      [&](const GroupReply& reply) {
        ASSERT_NE(reply.refusal, nullptr);
        refused.Update([&](std::optional<Refusal>& value) { value = *reply.refusal; });
      });
  ASSERT_TRUE(refused.Await([](const auto& value) { return value.has_value(); }));
  EXPECT_EQ(refused.Get()->code, RefusalCode::kBusy);
  for (uint64_t id = 1; id <= 3; ++id) {
    if (NodeId(id) == leader) continue;
    EXPECT_EQ(group.replica(NodeId(id)).serving_term(), 0u);
  }
}

TEST(ShardReplica, AnotherLeaderTakesOverAndRepeatsAreAnsweredOnce) {
  Group group(3);
  const NodeId old_leader = group.AwaitLeader();
  const exchange::SessionId session = OpenMarket(&group, old_leader);
  const exchange::SessionCommands order{session, 2, 0, {Order(1, exchange::Side::kBuy)}};
  const Answer first = group.Submit(old_leader, order);
  group.Isolate(old_leader);
  const NodeId leader = group.AwaitLeader();
  ASSERT_NE(leader, old_leader);
  const Answer repeated = group.Submit(leader, order);
  ASSERT_FALSE(repeated.refusal);
  EXPECT_EQ(repeated.events, first.events);
  EXPECT_EQ(group.Status(leader).open_orders(), 1u);
  group.Rejoin(old_leader);
  group.ExpectAllEqual();
}

TEST(ShardReplica, ALeaderCutOffAnswersWhatItHadUnderWay) {
  Group group(3);
  const NodeId leader = group.AwaitLeader();
  group.Isolate(leader);
  const Answer answer = group.Submit(leader, exchange::OpenSession{AccountId(1)});
  ASSERT_TRUE(answer.refusal) << "nothing can be committed";
  EXPECT_EQ(answer.refusal->code, RefusalCode::kLeadershipLost);
  group.Rejoin(leader);
  group.ExpectAllEqual();
}

TEST(ShardReplica, DrainingHandsLeadershipOverAndTakesNoMore) {
  Group group(3);
  const NodeId leader = group.AwaitLeader();
  const exchange::SessionId session = OpenMarket(&group, leader);
  Watched<bool> drained;
  group.replica(leader).Drain([&] { drained.Update([](bool& value) { value = true; }); });
  ASSERT_TRUE(drained.Await([](bool value) { return value; }));
  const Answer refused = group.Submit(leader, exchange::OpenSession{AccountId(1)});
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->code, RefusalCode::kShuttingDown);
  EXPECT_FALSE(group.Read(leader));
  const NodeId next = group.AwaitLeader();
  EXPECT_NE(next, leader);
  EXPECT_FALSE(
      group.Submit(next, exchange::SessionCommands{session, 2, 0, {Order(1, exchange::Side::kBuy)}})
          .refusal);
}

TEST(ShardReplica, ANodeAloneIsItsOwnMajorityAndDrains) {
  Group group(1);
  OpenMarket(&group, group.AwaitLeader());
  Watched<bool> drained;
  group.replica(NodeId(1)).Drain([&] { drained.Update([](bool& value) { value = true; }); });
  EXPECT_TRUE(drained.Await([](bool value) { return value; }));
}

TEST(ShardReplica, TransfersLeadershipToWhomItIsTold) {
  Group group(3);
  const NodeId leader = group.AwaitLeader();
  const NodeId target(leader == NodeId(3) ? 1 : 3);
  Watched<NodeId> moved_to;
  group.replica(leader).TransferLeadership(target, [&](const Refusal* refusal, NodeId now) {
    EXPECT_EQ(refusal, nullptr);
    moved_to.Update([&](NodeId& value) { value = now; });
  });
  ASSERT_TRUE(moved_to.Await([](NodeId id) { return id != NodeId(); }));
  EXPECT_EQ(moved_to.Get(), target);
  EXPECT_EQ(group.AwaitLeader(), target);
}

TEST(ShardReplica, SnapshotsBoundTheLogAndBringALaggardUpToDate) {
  Group group(3, /*snapshot_log_bytes=*/64 << 10);
  const NodeId leader = group.AwaitLeader();
  const exchange::SessionId session = OpenMarket(&group, leader);
  const NodeId laggard(leader == NodeId(2) ? 1 : 2);
  group.Isolate(laggard);
  uint64_t sequence = 2;
  uint64_t order = 1;
  while (group.Status(leader).first_index() <= group.Status(laggard).last_index() + 1) {
    exchange::SessionCommands commands{session, sequence, sequence - 1, {}};
    for (int i = 0; i < 200; ++i) {
      commands.commands.push_back(
          Order(order, order % 2 == 0 ? exchange::Side::kBuy : exchange::Side::kSell));
      ++order;
    }
    sequence += 200;
    ASSERT_FALSE(group.Submit(leader, commands).refusal);
    ASSERT_LT(sequence, 1'000'000u) << "the log is never compacted";
  }
  const v1::ReplicaStatus status = group.Status(leader);
  EXPECT_GT(status.snapshot_index(), 0u);
  group.Rejoin(laggard);
  group.ExpectAllEqual();
  EXPECT_GT(group.Status(laggard).snapshot_index(), 0u) << "it got a snapshot";
}

// To make it may take long, and nobody waits for it any more.
TEST(ShardReplica, ANodeThatStopsMakesNoSnapshot) {
  constexpr uint64_t kSnapshotLogBytes = 64 << 10;
  Group group(1, kSnapshotLogBytes);
  const NodeId leader = group.AwaitLeader();
  const exchange::SessionId session = OpenMarket(&group, leader);
  group.BeginStop();
  for (uint64_t id = 1; group.Status(leader).log_bytes() < 2 * kSnapshotLogBytes; ++id) {
    group.Submit(leader,
                 exchange::SessionCommands{session, id + 1, id, {Order(id, exchange::Side::kBuy)}});
    ASSERT_LT(id, 100'000u);
  }
  group.AwaitBackground();
  const auto state = group.LoadAgain(leader);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_FALSE(state->snapshot.has_value());
}

// A replica whose strand runs only when the test says so: Poll().
class PolledReplica {
 public:
  PolledReplica() {
    environment_.io = &io_;
    environment_.background = &background_;
    environment_.stopping = &stopping_;
    environment_.store = store_.get();
    environment_.log_writer = &log_writer_;
    environment_.send = [this](ShardId, std::vector<consensus::Message> messages) {
      for (const consensus::Message& message : messages) {  // its elections are of no interest
        if (!std::holds_alternative<consensus::RequestVote>(message.body)) ++answers_;
      }
    };
    environment_.fatal = [](const absl::Status& status) { ADD_FAILURE() << status; };
    ReplicaOptions options;
    options.shard = ShardId(1);
    options.snapshot_log_bytes = 1 << 20;
    options.raft.id = NodeId(1);
    options.raft.configuration = consensus::MakeConfiguration({NodeId(1), NodeId(2), NodeId(3)});
    replica_ = *ShardReplica::Open(options, environment_);
    replica_->Start();
    Poll();
  }
  ~PolledReplica() {
    background_.join();
    replica_->Close();
  }

  void Poll() {
    io_.restart();
    io_.poll();
  }
  // Answers by the time that Receive returns.
  uint64_t AnswersToReceiving(decltype(consensus::Message::body) body) {
    const uint64_t before = answers_;
    replica_->Receive(
        {{.from = NodeId(2), .to = NodeId(1), .term = consensus::Term(1), .body = body}});
    return answers_ - before;
  }
  uint64_t answers() const { return answers_; }

 private:
  asio::io_context io_;
  asio::thread_pool background_{1};
  std::atomic<bool> stopping_ = false;
  storage::SimulatedDisk disk_;
  std::unique_ptr<storage::Store> store_ =
      *storage::OpenSimulatedStore(&disk_, {.cluster_id = "c", .node_id = NodeId(1)});
  LogWriter log_writer_{store_.get(), [](const absl::Status& status) { ADD_FAILURE() << status; }};
  ReplicaEnvironment environment_;
  std::atomic<uint64_t> answers_ = 0;
  std::shared_ptr<ShardReplica> replica_;
};

// The last chunk brings the work of a whole snapshot with it, and the thread that brings it serves
// all shards and clients.
TEST(ShardReplica, ChunksOfSnapshotsAreLeftToOtherThreads) {
  PolledReplica replica;
  // Changes nothing, so that it is answered without a write.
  const consensus::RequestVote asks{
      .last_log_index = consensus::Index(9), .last_log_term = consensus::Term(1), .pre_vote = true};
  EXPECT_EQ(replica.AnswersToReceiving(asks), 1u) << "others are handled at once";
  consensus::InstallSnapshot chunk;
  chunk.meta = {consensus::Index(5), consensus::Term(0), {}};
  chunk.data = "the first half";
  chunk.checksum = Checksum64(chunk.data);
  chunk.total_bytes = 2 * chunk.data.size();
  EXPECT_EQ(replica.AnswersToReceiving(chunk), 0u);
  const uint64_t before = replica.answers();
  for (int attempt = 0; replica.answers() == before; ++attempt) {
    ASSERT_LT(attempt, 60'000) << "the rest is never asked for";
    replica.Poll();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(ShardReplica, CountsWhatWaitsAndIsRefusedBeforeItsStrandGetsToIt) {
  constexpr std::chrono::milliseconds kHeld(200);
  Group group(1);
  const NodeId leader = group.AwaitLeader();
  ShardReplica& replica = group.replica(leader);
  const auto sample = [&] {
    std::promise<v1::ReplicaSample> taken;
    replica.Sample([&](v1::ReplicaSample value) { taken.set_value(std::move(value)); });
    return taken.get_future().get();
  };
  const v1::ReplicaSample before = sample();
  std::promise<void> held;
  std::promise<void> release;
  std::thread holder([&] {
    replica.Read(/*stale_ok=*/true, [&](const Refusal*, const exchange::Exchange&) {
      held.set_value();
      release.get_future().wait();
    });
  });
  held.get_future().wait();
  Watched<int> executed;
  group.SubmitAsync(leader, exchange::OpenSession{AccountId(1)}, [&](const Answer& answer) {
    EXPECT_FALSE(answer.refusal);
    executed.Update([](int& value) { value = 1; });
  });
  std::optional<Refusal> refused;
  replica.Submit(std::string(kMaxInboxBytes, 'x'), replica.serving_term(),
                 [&](const GroupReply& reply) { refused = *reply.refusal; });
  std::this_thread::sleep_for(kHeld);  // what waits meanwhile must have waited as long
  release.set_value();
  holder.join();
  ASSERT_TRUE(executed.Await([](int value) { return value == 1; }));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, RefusalCode::kBusy);
  const v1::ReplicaSample after = sample();
  const auto held_ns = static_cast<uint64_t>(std::chrono::nanoseconds(kHeld).count());
  EXPECT_GE(after.queue().sum_ns() - before.queue().sum_ns(), held_ns);
  EXPECT_GE(after.acknowledge().sum_ns() - before.acknowledge().sum_ns(), held_ns);
  uint64_t busy = 0;
  for (const auto& count : after.refused()) {
    if (count.name() == "busy") busy += count.count();
  }
  EXPECT_EQ(busy, 1u);
}

TEST(ShardReplica, AFullDiskOfTheLeaderRefusesOrdersUntilThereIsSpace) {
  Group group(1);
  const NodeId leader = group.AwaitLeader();
  const exchange::SessionId session = OpenMarket(&group, leader);
  group.disk(leader).SetFull(true);
  struct Seen {
    int executed = 0;
    int refused = 0;
  };
  Watched<Seen> seen;
  int submitted = 0;
  // Those that come before the disk is found full wait for it; they are not refused.
  while (seen.Get().refused == 0) {
    ASSERT_LT(++submitted, 60'000) << "nothing is refused";
    group.SubmitAsync(leader, exchange::OpenSession{AccountId(1)}, [&](const Answer& answer) {
      seen.Update([&](Seen& value) {
        if (!answer.refusal) {
          ++value.executed;
        } else if (answer.refusal->code == RefusalCode::kDiskFull) {
          ++value.refused;
        }
      });
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(seen.Get().executed, 0);
  group.disk(leader).SetFull(false);
  EXPECT_TRUE(seen.Await([&](const Seen& value) {
    return value.executed > 0 && value.executed + value.refused == submitted;
  })) << "it heals by itself";
  EXPECT_FALSE(
      group
          .Submit(leader,
                  exchange::SessionCommands{session, 2, 0, {Order(1, exchange::Side::kBuy)}})
          .refusal);
}

}  // namespace
}  // namespace quorumbook::server
