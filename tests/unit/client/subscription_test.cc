// Subscriptions over nodes that fail: the book that is kept is always the exchange's.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "quorumbook/client.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

using std::chrono::milliseconds;

class SubscriptionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto connected = Client::Connect({.endpoints = cluster_.endpoints(),
                                      .timeout = std::chrono::seconds(20),
                                      .attempt_timeout = milliseconds(200)});
    ASSERT_TRUE(connected.ok()) << connected.status();
    client_ = *std::move(connected);
    v1::AddSymbol symbol;
    symbol.set_name("ABC");
    symbol.mutable_tick_size()->set_mantissa(1);
    symbol.mutable_lot_size()->set_mantissa(1);
    ASSERT_TRUE(client_->AddSymbol(symbol).ok());
    auto session = client_->OpenSession("ABC", 1);
    ASSERT_TRUE(session.ok());
    session_ = *std::move(session);
  }

  void Send(v1::Side side, int64_t price) {
    v1::Command command;
    v1::NewOrder& order = *command.mutable_new_order();
    order.set_symbol("ABC");
    order.set_client_order_id(++orders_);
    order.set_side(side);
    order.set_type(v1::LIMIT);
    order.set_time_in_force(v1::GOOD_TILL_CANCEL);
    order.set_price(price);
    order.set_quantity(1);
    auto result = session_->Execute(command);
    ASSERT_TRUE(result.ok()) << result.status();
  }

  std::unique_ptr<MarketDataStream> Subscribe(SubscribeOptions options) {
    options.symbol = "ABC";
    auto stream = client_->Subscribe(options);
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }

  uint64_t LastEvent() {
    return cluster_.Look([](const auto& exchange) { return exchange.last_sequence(); });
  }

  // Reads updates until the book holds everything that happened, and compares it with the
  // exchange's.
  void ExpectSameBook(MarketDataStream& stream) {
    while (book_.event_sequence() < LastEvent()) {
      auto update = stream.Next();
      ASSERT_TRUE(update.ok()) << update.status();
      ASSERT_TRUE(book_.Apply(*update).ok()) << update->ShortDebugString();
    }
    const exchange::Depth depth = cluster_.Look([](const exchange::Exchange& exchange) {
      return exchange.GetDepth(exchange::SymbolId(1), 100);
    });
    ASSERT_EQ(book_.bids().size(), depth.bids.size());
    auto bid = book_.bids().begin();
    for (const exchange::LevelInfo& level : depth.bids) {
      EXPECT_EQ(bid->first, level.price);
      EXPECT_EQ(bid->second.quantity(), level.quantity);
      ++bid;
    }
  }

  // Reads an update while nobody gives one, and `mend`s that once node 1 has told three times that
  // it does not know the symbol.
  void ExpectUpdateOnceMended(MarketDataStream& stream, const std::function<void()>& mend) {
    const int before = cluster_.node(1).streams_opened();
    std::atomic<bool> over = false;
    absl::StatusOr<v1::MarketDataUpdate> update;
    std::thread reader([&] {
      update = stream.Next();
      over = true;
    });
    while (!over && cluster_.node(1).streams_opened() < before + 3) std::this_thread::yield();
    EXPECT_FALSE(over);
    mend();
    reader.join();
    EXPECT_TRUE(update.ok()) << update.status();
  }

  FakeCluster cluster_{3};
  std::unique_ptr<Client> client_;
  std::unique_ptr<OrderSession> session_;
  MarketBook book_;
  uint64_t orders_ = 0;
};

TEST_F(SubscriptionTest, FollowsTheBook) {
  Send(v1::BUY, 10);
  auto stream = Subscribe({.channel = v1::SubscribeRequest::L2, .depth = 100});
  ExpectSameBook(*stream);
  for (int64_t price = 1; price <= 9; ++price) Send(v1::BUY, price);
  Send(v1::SELL, 10);
  ExpectSameBook(*stream);
  EXPECT_EQ(stream->stats().snapshots, 1u);
  EXPECT_EQ(stream->stats().resubscribed, 0u);
}

TEST_F(SubscriptionTest, AGapAndEveryEndAreMendedByAnotherSnapshot) {
  for (const StreamFault fault :
       {StreamFault::kSkip, StreamFault::kDrop, StreamFault::kCut, StreamFault::kFull}) {
    SCOPED_TRACE(static_cast<int>(fault));
    book_ = MarketBook();
    // The stream of the last round would take the fault that is planned for this one.
    while (cluster_.subscribers() > 0) std::this_thread::yield();
    auto stream = Subscribe({.channel = v1::SubscribeRequest::L3, .node = 2});
    cluster_.node(2).PlanUpdate(fault, 2);
    ExpectSameBook(*stream);
    Send(v1::BUY, 100);
    Send(v1::BUY, 99);  // a gap shows with the update after it
    ExpectSameBook(*stream);
    Send(v1::BUY, 101);
    ExpectSameBook(*stream);
    EXPECT_EQ(stream->stats().resubscribed, 1u);
    EXPECT_EQ(stream->stats().snapshots, 2u);
    EXPECT_EQ(stream->stats().gaps, fault == StreamFault::kSkip ? 1u : 0u);
    EXPECT_EQ(stream->stats().cut, fault == StreamFault::kCut ? 1u : 0u);
  }
}

TEST_F(SubscriptionTest, NeverGoesBackInTime) {
  auto stream = Subscribe({.channel = v1::SubscribeRequest::L2, .depth = 100, .node = 1});
  Send(v1::BUY, 10);
  ExpectSameBook(*stream);
  cluster_.node(1).PlanUpdate(StreamFault::kDrop, 1);
  cluster_.node(2).PlanUpdate(StreamFault::kBehind, 1);
  cluster_.node(3).PlanUpdate(StreamFault::kBehind, 1);
  Send(v1::BUY, 11);
  const uint64_t before = book_.event_sequence();
  auto update = stream->Next();
  ASSERT_TRUE(update.ok()) << update.status();
  EXPECT_TRUE(update->snapshot());
  EXPECT_GE(update->event_sequence(), before);
}

TEST_F(SubscriptionTest, GoesOnAtAnotherNodeWhenOneDies) {
  auto stream = Subscribe({.channel = v1::SubscribeRequest::L2, .depth = 100, .node = 2});
  Send(v1::BUY, 10);
  ExpectSameBook(*stream);
  cluster_.node(2).Stop();
  Send(v1::BUY, 11);
  ExpectSameBook(*stream);
  EXPECT_GE(stream->stats().resubscribed, 1u);
}

TEST_F(SubscriptionTest, TradesHaveNoGaps) {
  auto stream = Subscribe({.channel = v1::SubscribeRequest::TRADES, .limit = 100, .node = 3});
  uint64_t last = 0;
  const auto take = [&](uint64_t until) {
    while (last < until) {
      auto update = stream->Next();
      ASSERT_TRUE(update.ok()) << update.status();
      for (const v1::Trade& trade : update->trades()) {
        if (update->snapshot() && trade.trade_id() <= last) continue;  // seen before
        ASSERT_EQ(trade.trade_id(), last + 1);
        last = trade.trade_id();
      }
    }
  };
  for (uint64_t i = 1; i <= 6; ++i) {
    if (i == 3) cluster_.node(3).PlanUpdate(StreamFault::kDrop, 1);
    Send(v1::BUY, 10);
    Send(v1::SELL, 10);
    take(i);
  }
}

TEST_F(SubscriptionTest, WhatIsNotThereIsSaid) {
  auto stream = client_->Subscribe({.symbol = "NOPE"});
  ASSERT_TRUE(stream.ok());
  const absl::Status status = (*stream)->Next().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_NE(std::string(status.message()).find("symbol list"), std::string::npos);
  EXPECT_EQ(client_->Subscribe({.symbol = "ABC", .node = 9}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->Subscribe({.symbol = "ABC", .depth = 1'001}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->Subscribe({}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SubscriptionTest, ASymbolIsUnknownOnlyWhenEveryNodeSaysSo) {
  auto stream = Subscribe({.channel = v1::SubscribeRequest::L1});
  cluster_.node(1).ForgetSymbols(true);
  cluster_.node(2).Stop();
  cluster_.node(3).ForgetSymbols(true);
  ExpectUpdateOnceMended(*stream, [&] { cluster_.node(2).Start(); });
}

TEST_F(SubscriptionTest, WhatWasSeenIsNotUnknown) {
  auto stream = Subscribe({.channel = v1::SubscribeRequest::L1, .node = 2});
  ASSERT_TRUE(stream->Next().ok());
  for (uint32_t id = 1; id <= 3; ++id) cluster_.node(id).ForgetSymbols(true);
  cluster_.node(2).PlanUpdate(StreamFault::kDrop, 1);
  Send(v1::BUY, 10);
  ExpectUpdateOnceMended(*stream, [&] { cluster_.node(3).ForgetSymbols(false); });
}

TEST_F(SubscriptionTest, NobodyServes) {
  auto connected =
      Client::Connect({.endpoints = cluster_.endpoints(), .timeout = milliseconds(300)});
  ASSERT_TRUE(connected.ok());
  auto stream = (*connected)->Subscribe({.symbol = "ABC"});
  for (uint32_t id = 1; id <= 3; ++id) cluster_.node(id).Stop();
  const absl::Status status = (*stream)->Next().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  for (const std::string& address : cluster_.endpoints()) {
    EXPECT_NE(std::string(status.message()).find(address), std::string::npos) << status;
  }
}

TEST_F(SubscriptionTest, CancelEndsANextThatWaits) {
  auto stream = Subscribe({.channel = v1::SubscribeRequest::L1});
  ASSERT_TRUE(stream->Next().ok());
  std::thread canceller([&] { stream->Cancel(); });
  EXPECT_EQ(stream->Next().status().code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_EQ(stream->Next().status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace quorumbook::client
