// Order entry over gRPC when there is more to do than a shard, a session or a batch can take.
#include "server/order_stream.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/exchange_service.h"
#include "server/order_codec.h"
#include "tests/unit/server/replica_group.h"

namespace quorumbook::server {
namespace {

constexpr uint64_t kBatchCommands = 1'000;

// `count` orders like `order`.
v1::CommandBatch Batch(exchange::SessionId session, uint64_t first_sequence, uint64_t count,
                       v1::NewOrder order) {
  order.set_symbol("AMZN");
  order.set_type(v1::LIMIT);
  v1::CommandBatch batch;
  batch.set_shard(1);
  batch.set_session(session.value());
  batch.set_first_sequence(first_sequence);
  batch.set_acknowledged(first_sequence - 1);
  for (uint64_t i = 0; i < count; ++i) {
    order.set_client_order_id(first_sequence + i);
    *batch.add_commands()->mutable_new_order() = order;
  }
  return batch;
}

v1::CommandBatch OrdersThatDoNotRest(exchange::SessionId session, uint64_t first_sequence) {
  v1::NewOrder order;
  order.set_side(v1::BUY);
  order.set_time_in_force(v1::IMMEDIATE_OR_CANCEL);
  order.set_price(1);
  order.set_quantity(1);
  return Batch(session, first_sequence, kBatchCommands, order);
}

// Order streams of a node that owes its clients so many bytes already.
class StreamsOnly final : public v1::Exchange::CallbackService {
 public:
  StreamsOnly(const ShardSet* shards, GrpcMetrics* metrics, uint64_t unsent)
      : shards_(*shards), metrics_(*metrics), guard_(shards), unsent_(unsent) {}
  grpc::ServerBidiReactor<v1::CommandBatch, v1::CommandBatchResult>* Stream(
      grpc::CallbackServerContext* context) override {
    return OrderStream::Begin(&shards_, &guard_, &unsent_, &metrics_, context);
  }

 private:
  const ShardSet& shards_;
  GrpcMetrics& metrics_;
  SessionGuard guard_;
  std::atomic<uint64_t> unsent_;
};

// A leader behind gRPC whose strand can be held.
class OrderStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    leader_ = group_.AwaitLeader();
    OpenMarket(&group_, leader_);
    config_.node_id = leader_;
    shards_.Add(group_.shared_replica(leader_));
    shards_.Serve();
    Listen(std::make_unique<ExchangeService>(&shards_, &metrics_));
  }
  // From now on `service` answers.
  void Listen(std::unique_ptr<grpc::Service> service) {
    if (server_ != nullptr) server_->Shutdown();
    server_.reset();
    service_ = std::move(service);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
  }
  void TearDown() override {
    server_->Shutdown();
    server_.reset();
    service_.reset();
    shards_.Clear();  // replicas go before their threads do
  }

  ShardReplica& replica() { return group_.replica(leader_); }
  std::unique_ptr<v1::Exchange::Stub> NewStub() const {
    return v1::Exchange::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port_),
                                                     grpc::InsecureChannelCredentials()));
  }
  exchange::SessionId OpenSession(AccountId account = AccountId(1)) {
    return group_.Submit(leader_, exchange::OpenSession{account}).group.session;
  }
  // Nothing is executed until the promise is kept.
  std::shared_ptr<std::promise<void>> HoldStrand() {
    auto held = std::make_shared<std::promise<void>>();
    auto release = std::make_shared<std::promise<void>>();
    replica().GetStatus(/*digests=*/false, [held, release](const v1::ReplicaStatus&) {
      held->set_value();
      release->get_future().wait();
    });
    held->get_future().wait();
    return release;
  }
  // Sends so many batches and takes all answers, from `go` on: how many commands were executed.
  std::future<uint64_t> Send(exchange::SessionId session, uint64_t batches,
                             std::shared_future<void> go = {}) {
    return std::async(std::launch::async, [this, session, batches, go] {
      const auto stub = NewStub();
      grpc::ClientContext context;
      const auto stream = stub->Stream(&context);
      std::thread writer([&] {
        for (uint64_t i = 0; i < batches; ++i) {
          stream->Write(OrdersThatDoNotRest(session, 1 + i * kBatchCommands));
        }
        stream->WritesDone();
      });
      if (go.valid()) go.wait();
      uint64_t executed = 0;
      v1::CommandBatchResult result;
      while (stream->Read(&result)) executed += static_cast<uint64_t>(result.results_size());
      writer.join();
      const grpc::Status status = stream->Finish();
      EXPECT_TRUE(status.ok()) << status.error_message();
      return executed;
    });
  }
  // Of all streams together.
  uint64_t BatchesRead() const {
    uint64_t received = 0;
    for (const GrpcMethodCounts& counts : metrics_.Read()) received += counts.received;
    return received;
  }
  // When it has not changed for a while.
  uint64_t SettledBatchesRead() const {
    uint64_t last = BatchesRead();
    for (int unchanged = 0; unchanged < 20; ++unchanged) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (const uint64_t now = BatchesRead(); now != last) {
        last = now;
        unchanged = 0;
      }
    }
    return last;
  }
  // The time limit only ends a test that would hang.
  template <typename Condition>
  static bool Await(Condition condition) {
    for (int attempt = 0; !condition(); ++attempt) {
      if (attempt == 60'000) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  NodeId leader_;
  Config config_;
  ShardSet shards_{&config_};
  GrpcMetrics metrics_;
  Group group_{1, /*snapshot_log_bytes=*/64 << 20};
  std::unique_ptr<grpc::Service> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// An error would say that nothing was executed.
TEST_F(OrderStreamTest, OutsideOfStreamsWhatWasExecutedIsAnsweredThoughTheRestWasNot) {
  const auto stub = NewStub();
  const auto submit = [&](const v1::CommandBatch& batch, v1::CommandBatchResult* result) {
    grpc::ClientContext context;
    return stub->Submit(&context, batch, result);
  };
  v1::CommandBatchResult result;
  v1::NewOrder resting;
  resting.set_side(v1::SELL);
  resting.set_time_in_force(v1::GOOD_TILL_CANCEL);
  resting.set_price(100);
  resting.set_quantity(1);
  const exchange::SessionId seller = OpenSession();
  const uint64_t before_full = exchange::kMaxSessionResults / kBatchCommands * kBatchCommands;
  v1::CommandBatch batch;
  for (uint64_t first = 1; first <= before_full + 1; first += kBatchCommands) {
    batch = Batch(seller, first, kBatchCommands, resting);
    batch.set_acknowledged(0);
    const grpc::Status status = submit(batch, &result);
    ASSERT_TRUE(status.ok()) << first << ": " << status.error_message();
  }
  const uint64_t fit = exchange::kMaxSessionResults - before_full;
  ASSERT_EQ(static_cast<uint64_t>(result.results_size()), fit);
  EXPECT_EQ(result.first_sequence(), before_full + 1);
  const uint64_t next = result.results(static_cast<int>(fit) - 1).sequence() + 1;
  EXPECT_EQ(next, exchange::kMaxSessionResults + 1);
  batch = Batch(seller, next, kBatchCommands - fit, resting);
  batch.set_acknowledged(0);
  EXPECT_EQ(submit(batch, &result).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  batch.set_acknowledged(next - 1);
  EXPECT_TRUE(submit(batch, &result).ok());
  EXPECT_EQ(static_cast<uint64_t>(result.results_size()), kBatchCommands - fit);

  // Each is counted before it could trade, and could in too many parts.
  v1::NewOrder counted;
  counted.set_side(v1::BUY);
  counted.set_time_in_force(v1::FILL_OR_KILL);
  counted.set_price(100);
  counted.set_quantity(exchange::kMaxFillsPerCommand + 1);
  constexpr uint64_t kCounted = exchange::kMaxBatchCounts / exchange::kMaxFillsPerCommand;
  const exchange::SessionId buyer = OpenSession(AccountId(2));
  EXPECT_TRUE(submit(Batch(buyer, 1, kCounted + 3, counted), &result).ok());
  EXPECT_EQ(static_cast<uint64_t>(result.results_size()), kCounted);
  EXPECT_TRUE(submit(Batch(buyer, kCounted + 1, 3, counted), &result).ok());
  EXPECT_EQ(result.results_size(), 3);
}

TEST_F(OrderStreamTest, ACrowdedShardTakesOneBatchOfAStreamAtATimeAndLosesNone) {
  constexpr uint64_t kBatches = 150;
  static_assert(kBatches < kMaxStreamBatches, "so that this bound is not the one that is met");
  constexpr uint64_t kNewcomers = 8;
  std::vector<exchange::SessionId> sessions(2 + kNewcomers);
  for (exchange::SessionId& session : sessions) session = OpenSession();
  const uint64_t batch_bytes =
      exchange::EncodeGroup(*FromProto(OrdersThatDoNotRest(sessions[0], 1), replica().names()))
          .size();
  const uint64_t crowd = kCrowdedBytes / batch_bytes + 1;
  ASSERT_LT(crowd + 10, 2 * kBatches);
  const auto release = HoldStrand();

  std::future<uint64_t> first = Send(sessions[0], kBatches);
  std::future<uint64_t> second = Send(sessions[1], kBatches);
  EXPECT_TRUE(Await([&] { return replica().crowded(); })) << BatchesRead();
  EXPECT_GE(BatchesRead(), crowd);
  std::vector<std::future<uint64_t>> newcomers;
  for (uint64_t i = 0; i < kNewcomers; ++i) newcomers.push_back(Send(sessions[2 + i], 2));
  EXPECT_TRUE(Await([&] { return BatchesRead() >= crowd + kNewcomers; }))
      << "one of each is let in";
  // One more of each of the first two may have been on its way in when the shard became crowded.
  EXPECT_LE(SettledBatchesRead(), crowd + 2 + kNewcomers);

  release->set_value();
  EXPECT_EQ(first.get(), kBatches * kBatchCommands);
  EXPECT_EQ(second.get(), kBatches * kBatchCommands);
  for (std::future<uint64_t>& newcomer : newcomers) EXPECT_EQ(newcomer.get(), 2 * kBatchCommands);
  EXPECT_TRUE(Await([&] { return !replica().crowded(); }));
}

TEST_F(OrderStreamTest, AStreamWhoseAnswersAreNotTakenIsNotReadWithoutEnd) {
  constexpr uint64_t kBatches = 250;
  static_assert(kBatches < kMaxStreamBatches, "so that this bound is not the one that is met");
  std::promise<void> go;
  std::future<uint64_t> executed = Send(OpenSession(), kBatches, go.get_future().share());
  EXPECT_TRUE(Await([&] { return BatchesRead() > 10; }));
  // What gRPC itself keeps on the way comes to some 10 MiB.
  EXPECT_LT(SettledBatchesRead(), kBatches - 50);
  go.set_value();
  EXPECT_EQ(executed.get(), kBatches * kBatchCommands);
}

TEST_F(OrderStreamTest, ANodeWhoseAnswersAreNotTakenTakesOneBatchOfAStreamAtATime) {
  constexpr uint64_t kBatches = 10;
  for (const bool full : {false, true}) {
    Listen(std::make_unique<StreamsOnly>(&shards_, &metrics_, full ? kMaxUnsentBytesOfNode : 0));
    const exchange::SessionId session = OpenSession();
    const auto release = HoldStrand();
    const uint64_t before = BatchesRead();
    const uint64_t expected = full ? 1 : kBatches;
    std::future<uint64_t> executed = Send(session, kBatches);
    EXPECT_TRUE(Await([&] { return BatchesRead() == before + expected; })) << full;
    EXPECT_EQ(SettledBatchesRead(), before + expected) << full;
    release->set_value();
    EXPECT_EQ(executed.get(), kBatches * kBatchCommands) << full << ": all the same";
  }
}

}  // namespace
}  // namespace quorumbook::server
