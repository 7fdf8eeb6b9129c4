// Replicas of one shard in one process: real strands, timers and log writers, a network of
// function calls, and simulated disks.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/log_writer.h"
#include "server/shard_replica.h"
#include "storage/simulated_store.h"
#include "tests/unit/server/wait.h"

namespace quorumbook::server {

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
  std::shared_ptr<ShardReplica> shared_replica(NodeId id) { return nodes_[id].replica; }

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

inline exchange::Command Order(uint64_t id, exchange::Side side) {
  return exchange::NewOrder{exchange::SymbolId(1),
                            exchange::ClientOrderId(id),
                            side,
                            exchange::OrderType::kLimit,
                            exchange::TimeInForce::kGoodTillCancel,
                            100,
                            1};
}

// Opens a session, adds a symbol as its command 1.
inline exchange::SessionId OpenMarket(Group* group, NodeId leader) {
  const Answer open = group->Submit(leader, exchange::OpenSession{AccountId(1)});
  EXPECT_FALSE(open.refusal);
  const exchange::SessionId session = open.group.session;
  group->Submit(leader, exchange::SessionCommands{
                            session, 1, 0, {exchange::AddSymbol{"AMZN", {1, -2}, {1, 0}}}});
  return session;
}

}  // namespace quorumbook::server
