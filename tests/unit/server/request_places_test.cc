#include "server/request_places.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "server/cluster_service.h"
#include "server/exchange_service.h"
#include "server/market_data_service.h"
#include "storage/simulated_store.h"

namespace quorumbook::server {
namespace {

TEST(RequestPlaces, AreAsManyAsWereSaid) {
  std::optional<RequestPlaces> places(std::in_place, 2);
  const std::shared_ptr<void> first = places->Take();
  std::shared_ptr<void> second = places->Take();
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(places->Take(), nullptr);
  EXPECT_EQ(places->Take(), nullptr) << "who is refused takes none";
  second.reset();
  second = places->Take();
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(places->Take(), nullptr);
  places.reset();
  second.reset();  // after the service has gone
}

// What a service says when it has no place left, whatever is asked of it.
class NoPlacesTest : public testing::Test {
 protected:
  NoPlacesTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&cluster_);
    builder.RegisterService(&exchange_);
    builder.RegisterService(&market_data_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials());
  }
  ~NoPlacesTest() override { server_->Shutdown(); }

  static void ExpectBusy(const grpc::Status& status, const grpc::ClientContext& context) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(status.error_message(), "too many requests are under way");
    v1::ErrorDetail detail;
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto found = trailers.find("quorumbook-error-bin");
    ASSERT_NE(found, trailers.end());
    ASSERT_TRUE(
        detail.ParseFromArray(found->second.data(), static_cast<int>(found->second.size())));
    EXPECT_EQ(detail.code(), v1::ErrorDetail::BUSY);
    EXPECT_GT(detail.retry_after_ms(), 0u);
  }
  template <typename Stub, typename Request, typename Response>
  void ExpectBusy(const std::unique_ptr<Stub>& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
    grpc::ClientContext context;
    Response response;
    const grpc::Status status = ((*stub).*method)(&context, Request(), &response);
    ExpectBusy(status, context);
  }

  storage::SimulatedDisk disk_;
  const std::unique_ptr<storage::Store> store_ =
      *storage::OpenSimulatedStore(&disk_, {.cluster_id = "c", .node_id = NodeId(1)});
  const StoreProbe probe_{store_.get(), ""};
  const Config config_;
  const ShardSet shards_{&config_};
  GrpcMetrics metrics_;
  ClusterService cluster_{&shards_, &probe_, RequestPlaces(0)};
  ExchangeService exchange_{&shards_, &metrics_, RequestPlaces(0)};
  MarketDataService market_data_{&shards_, &metrics_, RequestPlaces(0)};
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(NoPlacesTest, WhoAsksIsToldToRepeatIt) {
  ExpectBusy(v1::Cluster::NewStub(channel_), &v1::Cluster::Stub::GetNodeStatus);
  ExpectBusy(v1::Cluster::NewStub(channel_), &v1::Cluster::Stub::AddMember);
  ExpectBusy(v1::Exchange::NewStub(channel_), &v1::Exchange::Stub::GetOrder);
  ExpectBusy(v1::MarketData::NewStub(channel_), &v1::MarketData::Stub::GetBook);
  grpc::ClientContext context;
  const auto stream =
      v1::MarketData::NewStub(channel_)->Subscribe(&context, v1::SubscribeRequest());
  v1::MarketDataUpdate update;
  EXPECT_FALSE(stream->Read(&update));
  ExpectBusy(stream->Finish(), context);
}

}  // namespace
}  // namespace quorumbook::server
