// Replicas of one shard in one process: real strands, timers and log writers, a network of
// function calls, and simulated disks.
#include "server/shard_replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "storage/simulated_store.h"
#include "tests/unit/server/wait.h"

namespace quorumbook::server {
namespace {

namespace asio = boost::asio;
using exchange::AccountId;

// What a group was answered, out of the callback's short life.
struct Answer {
  std::optional<Refusal> refusal;
  exchange::GroupResult group;
  std::vector<exchange::Event> events;
};

class Group {
 public:
  explicit Group(size_t nodes, uint64_t snapshot_log_bytes = 1 << 20)
      : work_(asio::make_work_guard(io_)), snapshot_log_bytes_(snapshot_log_bytes) {
    for (size_t i = 1; i <= nodes; ++i) disks_[NodeId(i)];
    for (size_t i = 0; i < 2; ++i) threads_.emplace_back([this] { io_.run(); });
    for (const auto& [id, disk] : disks_) Start(id);
  }
  ~Group() {
    background_.join();
    work_.reset();
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
    for (auto& [id, node] : nodes_) node.log_writer.reset();  // strands used it
  }

  void Start(NodeId id) {
    Node& node = nodes_[id];
    node.store = *storage::OpenSimulatedStore(&disks_[id], {.cluster_id = "c", .node_id = id});
    node.log_writer = std::make_unique<LogWriter>(
        node.store.get(), [](const absl::Status& status) { ADD_FAILURE() << status; });
    ReplicaEnvironment environment;
    environment.io = &io_;
    environment.background = &background_;
    environment.stopping = &stopping_;
    environment.spare = &background_;
    environment.store = node.store.get();
    environment.log_writer = node.log_writer.get();
    environment.send = [this](ShardId, std::vector<consensus::Message> messages) {
      Route(std::move(messages));
    };
    environment.fatal = [](const absl::Status& status) { ADD_FAILURE() << status; };
    ReplicaOptions options;
    options.shard = ShardId(1);
    options.snapshot_log_bytes = snapshot_log_bytes_;
    options.raft.id = id;
    options.raft.keep_log_bytes = snapshot_log_bytes_ / 4;
    options.raft.seed = id.value();
    for (const auto& [peer, disk] : disks_) options.raft.configuration.voters.push_back(peer);
    auto replica = ShardReplica::Open(options, environment);
    ASSERT_TRUE(replica.ok()) << replica.status();
    node.replica = *std::move(replica);
    network_.Update([&](Network& network) { network[id] = node.replica; });
    node.replica->Start();
  }

  // From now on nothing reaches or leaves `id`.
  void Isolate(NodeId id) {
    network_.Update([&](Network& network) { network.erase(id); });
  }
  void Rejoin(NodeId id) {
    network_.Update([&](Network& network) { network[id] = nodes_[id].replica; });
  }

  ShardReplica& replica(NodeId id) { return *nodes_[id].replica; }

  // A node that all reachable ones follow and that answers a read. Waits for it.
  NodeId AwaitLeader() {
    for (int attempt = 0; attempt < 6000; ++attempt) {
      std::set<NodeId> leaders;
      for (const auto& [id, replica] : network_.Get()) leaders.insert(replica->leader());
      if (leaders.size() == 1 && *leaders.begin() != NodeId() &&
          network_.Get().contains(*leaders.begin()) && Read(*leaders.begin())) {
        return *leaders.begin();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "no leader";
    return NodeId(1);
  }

  bool Read(NodeId id) {
    Watched<int> state;
    replica(id).Read(false, [&](const Refusal* refusal, const exchange::Exchange&) {
      state.Update([&](int& value) { value = refusal == nullptr ? 1 : 2; });
    });
    EXPECT_TRUE(state.Await([](int value) { return value != 0; }));
    return state.Get() == 1;
  }

  Answer Submit(NodeId id, const exchange::Group& group) {
    auto answer = std::make_shared<Watched<std::optional<Answer>>>();
    SubmitAsync(id, group, [answer](Answer result) {
      answer->Update([&](std::optional<Answer>& value) { value = std::move(result); });
    });
    EXPECT_TRUE(
        answer->Await([](const std::optional<Answer>& value) { return value.has_value(); }));
    return *answer->Get();
  }

  void SubmitAsync(NodeId id, const exchange::Group& group, std::function<void(Answer)> done) {
    replica(id).Submit(exchange::EncodeGroup(group), replica(id).serving_term(),
                       [done = std::move(done)](const GroupReply& reply) {
                         Answer answer;
                         if (reply.refusal != nullptr) {
                           answer.refusal = *reply.refusal;
                         } else {
                           answer.group = *reply.group;
                           answer.events = reply.result->events;
                         }
                         done(std::move(answer));
                       });
  }

  v1::ReplicaStatus Status(NodeId id) {
    auto status = std::make_shared<Watched<std::optional<v1::ReplicaStatus>>>();
    replica(id).GetStatus(true, [status](v1::ReplicaStatus result) {
      status->Update([&](auto& value) { value = std::move(result); });
    });
    EXPECT_TRUE(status->Await([](const auto& value) { return value.has_value(); }));
    return *status->Get();
  }

  // Waits until `condition(status of id)` holds.
  template <typename Condition>
  v1::ReplicaStatus AwaitStatus(NodeId id, Condition condition) {
    for (int attempt = 0; attempt < 6000; ++attempt) {
      v1::ReplicaStatus status = Status(id);
      if (condition(status)) return status;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "never: " << Status(id).ShortDebugString();
    return {};
  }

  void ExpectAllEqual() {
    const uint64_t applied = Status(AwaitLeader()).applied_index();
    std::set<std::string> digests;
    for (const auto& [id, disk] : disks_) {
      digests.insert(AwaitStatus(id, [&](const v1::ReplicaStatus& status) {
                       return status.applied_index() >= applied;
                     }).state_digest());
    }
    EXPECT_EQ(digests.size(), 1u);
  }

  storage::SimulatedDisk& disk(NodeId id) { return disks_[id]; }
  // What the store has.
  absl::StatusOr<consensus::RestoredState> LoadAgain(NodeId id) {
    return nodes_[id].store->Load(ShardId(1));
  }

  // As a node that stops: snapshots are given up.
  void BeginStop() { stopping_ = true; }
  // Waits until what was to be done in the background is done.
  void AwaitBackground() {
    std::promise<void> done;
    asio::post(background_, [&done] { done.set_value(); });
    done.get_future().wait();
  }

 private:
  using Network = std::map<NodeId, std::shared_ptr<ShardReplica>>;
  struct Node {
    std::unique_ptr<storage::Store> store;
    std::unique_ptr<LogWriter> log_writer;
    std::shared_ptr<ShardReplica> replica;
  };

  void Route(std::vector<consensus::Message> messages) {
    const Network network = network_.Get();
    for (consensus::Message& message : messages) {
      const auto to = network.find(message.to);
      if (to == network.end() || !network.contains(message.from)) continue;
      to->second->Receive({std::move(message)});
    }
  }

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::thread_pool background_{1};
  std::atomic<bool> stopping_ = false;
  uint64_t snapshot_log_bytes_;
  Watched<Network> network_;
  std::map<NodeId, storage::SimulatedDisk> disks_;
  std::map<NodeId, Node> nodes_;
  std::vector<std::thread> threads_;
};

exchange::Command Order(uint64_t id, exchange::Side side) {
  return exchange::NewOrder{exchange::SymbolId(1),
                            exchange::ClientOrderId(id),
                            side,
                            exchange::OrderType::kLimit,
                            exchange::TimeInForce::kGoodTillCancel,
                            100,
                            1};
}

// Opens a session, adds a symbol as its command 1.
exchange::SessionId OpenMarket(Group* group, NodeId leader) {
  const Answer open = group->Submit(leader, exchange::OpenSession{AccountId(1)});
  EXPECT_FALSE(open.refusal);
  const exchange::SessionId session = open.group.session;
  group->Submit(leader, exchange::SessionCommands{
                            session, 1, 0, {exchange::AddSymbol{"AMZN", {1, -2}, {1, 0}}}});
  return session;
}

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
    ++submitted;
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
