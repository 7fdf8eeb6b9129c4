// What is said of an order that came over HTTP when the leader's answer does not.
#include "server/monitoring/order_gateway.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "tests/unit/server/replica_group.h"

namespace quorumbook::server {
namespace {

// A leader that executes what it gets and then answers as the test wants.
class FakeExchange final : public v1::Exchange::Service {
 public:
  grpc::Status OpenSession(grpc::ServerContext*, const v1::OpenSessionRequest*,
                           v1::OpenSessionResponse* response) override {
    response->set_session(7);
    return grpc::Status::OK;
  }
  grpc::Status Submit(grpc::ServerContext* context, const v1::CommandBatch* batch,
                      v1::CommandBatchResult* response) override {
    ++submitted;
    if (code != v1::ErrorDetail::CODE_UNSPECIFIED) {
      v1::ErrorDetail detail;
      detail.set_code(code);
      context->AddTrailingMetadata("quorumbook-error-bin", detail.SerializeAsString());
    }
    if (status.ok() && answers) {
      response->add_results()->set_sequence(batch->first_sequence());
    }
    return status;
  }

  grpc::Status status;
  bool answers = true;
  v1::ErrorDetail::Code code = v1::ErrorDetail::CODE_UNSPECIFIED;
  std::atomic<int> submitted{0};
};

// gRPC 1.51 ends its callback threads with the last channel that used them, and at times counts the
// references of their queue wrongly then (grpc_cq_internal_unref aborts). A process that serves
// keeps its channels; here one that is never given back stands for them.
void KeepGrpcThreads() {
  static const auto* const kept = [] {
    auto* const channel = new std::shared_ptr<grpc::Channel>(
        grpc::CreateChannel("127.0.0.1:1", grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::GetSampleRequest request;
    v1::NodeSample response;
    std::promise<void> ended;
    v1::Monitoring::NewStub(*channel)->async()->GetSample(
        &context, &request, &response, [&ended](const grpc::Status&) { ended.set_value(); });
    ended.get_future().wait();
    return channel;
  }();
  ASSERT_NE(kept, nullptr);
}

class OrderGatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    KeepGrpcThreads();
    const NodeId leader = group_.AwaitLeader();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&exchange_);
    server_ = builder.BuildAndStart();
    config_.node_id = leader;
    config_.peers = {{leader, "127.0.0.1:" + std::to_string(port), ""}};
    shards_.Add(group_.shared_replica(leader));
    shards_.Serve();
    clients_.emplace(config_, &io_);
  }
  void TearDown() override {
    clients_->Stop();
    server_->Shutdown();
    shards_.Clear();
  }

  OrderGateway::Outcome Submit() {
    OrderGateway gateway(&shards_, &*clients_, &io_);
    std::optional<OrderGateway::Outcome> outcome;
    gateway.Submit(1, 5, {}, [&](OrderGateway::Outcome what, const std::string&, const auto&) {
      outcome = what;
    });
    io_.restart();
    const auto work = boost::asio::make_work_guard(io_);
    while (!outcome && io_.run_one_for(std::chrono::minutes(1)) > 0) {
    }
    EXPECT_GE(exchange_.submitted, 1);
    return outcome.value();
  }

  Group group_{1};
  Config config_;
  ShardSet shards_{&config_};
  boost::asio::io_context io_;
  FakeExchange exchange_;
  std::unique_ptr<grpc::Server> server_;
  std::optional<NodeClients> clients_;
};

TEST_F(OrderGatewayTest, AnAnswerIsPassedOn) {
  EXPECT_EQ(Submit(), OrderGateway::Outcome::kExecuted);
}

TEST_F(OrderGatewayTest, WhatGrpcSaysOfACallThatBrokeLeavesItsFateUnknown) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::INTERNAL, grpc::StatusCode::UNKNOWN, grpc::StatusCode::DATA_LOSS}) {
    exchange_.status = {code, "stream removed"};
    EXPECT_EQ(Submit(), OrderGateway::Outcome::kUnknown) << code;
  }
}

TEST_F(OrderGatewayTest, AnAnswerWithoutAResultLeavesItsFateUnknown) {
  exchange_.answers = false;
  EXPECT_EQ(Submit(), OrderGateway::Outcome::kUnknown);
}

TEST_F(OrderGatewayTest, WhatTheLeaderRefusedWasNotExecuted) {
  exchange_.status = {grpc::StatusCode::INVALID_ARGUMENT, "no such field"};
  exchange_.code = v1::ErrorDetail::MALFORMED;
  EXPECT_EQ(Submit(), OrderGateway::Outcome::kRefused);
}

}  // namespace
}  // namespace quorumbook::server
