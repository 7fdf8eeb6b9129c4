// Unary calls of the client: whom it asks, what it makes of the answers.
#include <gtest/gtest.h>

#include <thread>

#include "quorumbook/client.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

using std::chrono::milliseconds;

v1::AddSymbol Symbol(const std::string& name, int64_t tick = 1) {
  v1::AddSymbol symbol;
  symbol.set_name(name);
  symbol.mutable_tick_size()->set_mantissa(tick);
  symbol.mutable_tick_size()->set_exponent(-2);
  symbol.mutable_lot_size()->set_mantissa(1);
  return symbol;
}

class CallsTest : public testing::Test {
 protected:
  std::unique_ptr<Client> Connect(std::vector<std::string> endpoints,
                                  milliseconds timeout = std::chrono::seconds(20)) {
    auto client = Client::Connect({.endpoints = std::move(endpoints),
                                   .timeout = timeout,
                                   .attempt_timeout = milliseconds(200)});
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }
  std::unique_ptr<Client> Connect() { return Connect(cluster_.endpoints()); }

  FakeCluster cluster_{3};
};

TEST_F(CallsTest, RefusesBadEndpoints) {
  for (const char* endpoint : {"", "host", "host:", ":1", "host:0", "host:65536", "host:7x"}) {
    const absl::Status status = Client::Connect({.endpoints = {endpoint}}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << endpoint;
    EXPECT_NE(std::string(status.message()).find("is not host:port"), std::string::npos) << status;
  }
  EXPECT_EQ(Client::Connect({}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Client::Connect({.endpoints = std::vector<std::string>(65, "a:1")}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CallsTest, NamesEveryEndpointThatDoesNotAnswer) {
  cluster_.node(1).Stop();
  cluster_.node(2).Stop();
  const absl::Status status =
      Client::Connect({.endpoints = {cluster_.node(1).address(), cluster_.node(2).address()},
                       .timeout = milliseconds(500)})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  for (uint32_t id : {1u, 2u}) {
    EXPECT_NE(std::string(status.message()).find(cluster_.node(id).address()), std::string::npos)
        << status;
  }
}

TEST_F(CallsTest, WaitsForTheFirstNodeToStart) {
  cluster_.node(1).Stop();
  std::thread starter([&] { cluster_.node(1).Start(); });
  EXPECT_NE(Connect({cluster_.node(1).address()}), nullptr);
  starter.join();
}

TEST_F(CallsTest, LearnsTheOtherNodesFromOne) {
  cluster_.SetLeader(3);
  auto client = Connect({cluster_.node(2).address()});
  auto added = client->AddSymbol(Symbol("ABC"));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->shard(), kShard);
  EXPECT_EQ(added->id(), 1u);
}

TEST_F(CallsTest, FollowsTheLeaderAsItMoves) {
  auto client = Connect();
  ASSERT_TRUE(client->AddSymbol(Symbol("ABC")).ok());
  for (uint32_t leader : {2u, 3u, 1u, 3u}) {
    cluster_.SetLeader(leader);
    auto symbols = client->ListSymbols();
    ASSERT_TRUE(symbols.ok()) << symbols.status();
    EXPECT_EQ(symbols->size(), 1u);
  }
}

TEST_F(CallsTest, AsksAgainAfterErrorsThatPass) {
  auto client = Connect();
  for (auto code : {v1::ErrorDetail::BUSY, v1::ErrorDetail::DISK_FULL,
                    v1::ErrorDetail::LEADERSHIP_LOST, v1::ErrorDetail::SHUTTING_DOWN}) {
    cluster_.node(1).FailNextUnary(code);
    auto symbols = client->ListSymbols();
    EXPECT_TRUE(symbols.ok()) << symbols.status();
  }
}

TEST_F(CallsTest, ANodeThatHangsIsLeftForAnother) {
  auto client = Connect();
  ASSERT_TRUE(client->ListSymbols().ok());  // node 1 is known to lead
  cluster_.node(1).HangUnary(true);
  cluster_.SetLeader(2);
  auto symbols = client->ListSymbols();
  EXPECT_TRUE(symbols.ok()) << symbols.status();
  cluster_.node(1).HangUnary(false);
}

TEST_F(CallsTest, ALeaderIsWaitedForAndItsAbsenceTold) {
  auto client = Connect(cluster_.endpoints(), std::chrono::seconds(1));
  cluster_.SetLeader(0);
  auto symbols = client->ListSymbols();
  ASSERT_EQ(symbols.status().code(), absl::StatusCode::kDeadlineExceeded);
  const std::string message(symbols.status().message());
  for (const std::string& address : cluster_.endpoints()) {
    EXPECT_NE(message.find(address + ": not the leader, and knows none"), std::string::npos)
        << message;
  }
  EXPECT_EQ(client->WaitUntilReady(milliseconds(50)).code(), absl::StatusCode::kDeadlineExceeded);
  cluster_.SetLeader(2);
  EXPECT_TRUE(client->WaitUntilReady(std::chrono::seconds(20)).ok());
}

TEST_F(CallsTest, AddingASymbolTwiceIsNoError) {
  auto client = Connect();
  ASSERT_TRUE(client->AddSymbol(Symbol("ABC")).ok());
  auto again = client->AddSymbol(Symbol("ABC"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), 1u);
  EXPECT_EQ(client->AddSymbol(Symbol("ABC", 5)).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(client->AddSymbol(Symbol("A B")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client->AddSymbol(Symbol("ABC", 0)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client->AddSymbol(Symbol("A-NAME-BEYOND-16-BYTES")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CallsTest, ASymbolThatIsNotThereIsNamed) {
  auto client = Connect();
  for (const absl::Status& status :
       {client->FindSymbol("XYZ").status(), client->GetBook("XYZ", 5, false).status(),
        client->GetTrades("XYZ", 5).status(), client->GetSummary("XYZ").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_NE(std::string(status.message()).find("'XYZ'"), std::string::npos) << status;
    EXPECT_NE(std::string(status.message()).find("symbol list"), std::string::npos) << status;
  }
}

TEST_F(CallsTest, ReadsTheMarket) {
  auto client = Connect();
  ASSERT_TRUE(client->AddSymbol(Symbol("ABC")).ok());
  auto session = client->OpenSession("ABC", 9);
  ASSERT_TRUE(session.ok()) << session.status();
  v1::Command command;
  v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol("ABC");
  order.set_client_order_id(1);
  order.set_side(v1::SELL);
  order.set_type(v1::LIMIT);
  order.set_time_in_force(v1::GOOD_TILL_CANCEL);
  order.set_price(100);
  order.set_quantity(5);
  ASSERT_TRUE((*session)->Execute(command).ok());
  order.set_client_order_id(2);
  order.set_side(v1::BUY);
  order.set_quantity(2);
  ASSERT_TRUE((*session)->Execute(command).ok());

  auto book = client->GetBook("ABC", 5, false);
  ASSERT_TRUE(book.ok()) << book.status();
  ASSERT_EQ(book->asks_size(), 1);
  EXPECT_EQ(book->asks(0).quantity(), 3);
  auto trades = client->GetTrades("ABC", 5);
  ASSERT_TRUE(trades.ok()) << trades.status();
  ASSERT_EQ(trades->trades_size(), 1);
  EXPECT_EQ(trades->trades(0).quantity(), 2);
  auto summary = client->GetSummary("ABC");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->notional(), "200");
  auto found = client->GetOrder("ABC", 9, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->status(), v1::PARTIALLY_FILLED);
  EXPECT_EQ(client->GetOrder("ABC", 9, 3).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client->GetOrder("ABC", 8, 1).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CallsTest, StatusReportsEveryNodeInOrder) {
  auto client = Connect();
  cluster_.node(2).Stop();
  auto reports = client->ClusterStatus(/*digests=*/true);
  ASSERT_TRUE(reports.ok()) << reports.status();
  ASSERT_EQ(reports->size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ((*reports)[i].node.id(), i + 1);
  ASSERT_TRUE((*reports)[0].status.ok());
  EXPECT_EQ((*reports)[0].status->replicas(0).role(), v1::ReplicaStatus::LEADER);
  EXPECT_EQ((*reports)[0].status->replicas(0).state_digest(),
            (*reports)[2].status->replicas(0).state_digest());
  EXPECT_EQ((*reports)[1].status.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(CallsTest, LeadershipIsHandedOver) {
  auto client = Connect();
  EXPECT_TRUE(client->TransferLeadership(kShard, 3).ok());
  EXPECT_EQ(cluster_.leader(), 3u);
  EXPECT_EQ(client->TransferLeadership(kShard, 9).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CallsTest, ALeaderThatTriesForLongSaysWhatBecameOfATransfer) {
  auto client = Connect();
  for (const uint32_t target : {0u, 3u}) {
    const int before = cluster_.node(1).changes_asked();
    cluster_.node(1).PlanChange(ChangeFault::kTooLate);
    const absl::Status status = client->TransferLeadership(kShard, target);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(status.message(), "it was not done in time");
    EXPECT_EQ(cluster_.node(1).changes_asked(), before + 1);
    EXPECT_EQ(cluster_.leader(), 1u);
  }
}

TEST_F(CallsTest, LeadershipMovesOnceWhenTheAnswerIsLost) {
  auto client = Connect();
  cluster_.node(1).PlanChange(ChangeFault::kAnswerLost);
  const absl::Status status = client->TransferLeadership(kShard, 0);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(cluster_.leader(), 2u);
}

TEST_F(CallsTest, AChangeOfMembersIsWaitedFor) {
  auto client = Connect();
  cluster_.node(1).PlanChange(ChangeFault::kSlow);
  auto members = client->AddMember(kShard, 2);
  ASSERT_TRUE(members.ok()) << members.status();
  EXPECT_EQ(members->members_size(), 1);
  EXPECT_EQ(cluster_.node(1).changes_asked(), 1);
}

}  // namespace
}  // namespace quorumbook::client
