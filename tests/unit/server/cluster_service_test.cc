// What a node says of itself over gRPC, whatever its disk and its callers do.
#include "server/cluster_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/server/replica_group.h"

namespace quorumbook::server {
namespace {

// Answers the first question, and then only when it is told to.
class HangingStore final : public storage::Store {
 public:
  const storage::StoreIdentity& identity() const override { return identity_; }
  std::vector<NodeId> founders() override { return {}; }
  absl::Status SetFounders(const std::vector<NodeId>&) override { return absl::OkStatus(); }
  absl::StatusOr<consensus::RestoredState> Load(ShardId) override {
    return consensus::RestoredState();
  }
  absl::Status Write(const std::vector<storage::ShardWrite>&) override { return absl::OkStatus(); }
  absl::Status SaveSnapshot(ShardId, const consensus::Snapshot&) override {
    return absl::OkStatus();
  }
  absl::StatusOr<storage::StoreUsage> Usage() override {
    if (asked_++ > 0) answered_.wait();
    return storage::StoreUsage{.disk_bytes = 7, .free_bytes = 8};
  }

  std::promise<void> answer;

 private:
  const storage::StoreIdentity identity_{};
  const std::shared_future<void> answered_ = answer.get_future().share();
  int asked_ = 0;
};

TEST(ClusterServiceTest, AHangingDiskDoesNotKeepANodeFromAnswering) {
  HangingStore store;
  StoreProbe probe(&store, "");
  Config config;
  config.node_id = NodeId(3);
  const ShardSet shards(&config);
  ClusterService service(&shards, &probe);
  probe.Ask();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = v1::Cluster::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  v1::NodeStatus status;
  const grpc::Status result = stub->GetNodeStatus(&context, v1::GetNodeStatusRequest(), &status);
  EXPECT_TRUE(result.ok()) << result.error_message();
  EXPECT_EQ(status.node_id(), 3u);
  EXPECT_EQ(status.disk_bytes(), 7u) << "as it said last";
  EXPECT_EQ(status.disk_free_bytes(), 8u);
  store.answer.set_value();
  server->Shutdown();
}

// Keeps a replica's strand, when what waits there is done, from doing more until it is released.
class HeldStrand {
 public:
  explicit HeldStrand(ShardReplica* replica) {
    replica->GetStatus(/*digests=*/false, [state = state_](const v1::ReplicaStatus&) {
      state->held.set_value();
      state->release.get_future().wait();
    });
  }
  ~HeldStrand() {
    if (!released_) Release();
  }
  HeldStrand(const HeldStrand&) = delete;
  HeldStrand& operator=(const HeldStrand&) = delete;

  void AwaitHeld() { state_->held.get_future().wait(); }
  void Release() {
    released_ = true;
    state_->release.set_value();
  }

 private:
  struct State {
    std::promise<void> held;
    std::promise<void> release;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  bool released_ = false;
};

// Counts the calls that the service has seen to, though it may not have answered them.
class CountedService final : public v1::Cluster::CallbackService {
 public:
  explicit CountedService(ClusterService* service) : service_(*service) {}
  grpc::ServerUnaryReactor* GetNodeStatus(grpc::CallbackServerContext* context,
                                          const v1::GetNodeStatusRequest* request,
                                          v1::NodeStatus* response) override {
    grpc::ServerUnaryReactor* const reactor = service_.GetNodeStatus(context, request, response);
    calls.Update([](int& count) { ++count; });
    return reactor;
  }

  Watched<int> calls;

 private:
  ClusterService& service_;
};

// They take long, where orders are executed: however many ask, orders come in between.
TEST(ClusterServiceTest, DigestsAreComputedForOneCallerOrForAllThatWait) {
  Group group(1);
  const NodeId leader = group.AwaitLeader();
  Config config;
  config.node_id = leader;
  ShardSet shards(&config);
  shards.Add(group.shared_replica(leader));
  shards.Serve();
  HangingStore store;
  store.answer.set_value();
  StoreProbe probe(&store, "");
  RequestPlaces places(3);
  ClusterService service(&shards, &probe, places);
  CountedService counted(&service);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&counted);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = v1::Cluster::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  const auto ask = [&] {
    return std::async(std::launch::async, [&] {
      grpc::ClientContext context;
      v1::GetNodeStatusRequest request;
      request.set_digests(true);
      v1::NodeStatus status;
      const grpc::Status result = stub->GetNodeStatus(&context, request, &status);
      EXPECT_TRUE(result.ok()) << result.error_message();
      ASSERT_EQ(status.replicas_size(), 1);
      EXPECT_EQ(status.replicas(0).state_digest().size(), 32u);
    });
  };
  // The time limit only ends a test that would hang.
  const auto is_answered = [](const std::future<void>& call) {
    return call.wait_for(std::chrono::seconds(60)) == std::future_status::ready;
  };
  std::vector<std::future<void>> calls;
  {
    HeldStrand before_all(&group.replica(leader));
    before_all.AwaitHeld();
    for (int asked = 1; asked <= 3; ++asked) {
      calls.push_back(ask());
      EXPECT_TRUE(counted.calls.Await([&](int count) { return count == asked; }));
    }
    EXPECT_EQ(places.Take(), nullptr);
    HeldStrand after_one(&group.replica(leader));
    before_all.Release();
    after_one.AwaitHeld();
    EXPECT_TRUE(is_answered(calls[0]));
    const std::shared_ptr<void> place = places.Take();
    EXPECT_NE(place, nullptr);
    EXPECT_EQ(places.Take(), nullptr) << "the others wait";
    HeldStrand after_all(&group.replica(leader));
    after_one.Release();
    after_all.AwaitHeld();
    EXPECT_TRUE(is_answered(calls[1]));
    EXPECT_TRUE(is_answered(calls[2]));
  }
  calls.push_back(ask());
  EXPECT_TRUE(is_answered(calls[3])) << "who comes later begins anew";
  server->Shutdown();
  shards.Clear();
}

}  // namespace
}  // namespace quorumbook::server
