// What a node says of itself over gRPC, whatever its disk does.
#include "server/cluster_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

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

}  // namespace
}  // namespace quorumbook::server
