// Channel EXECUTIONS: whoever follows it knows what became of an account's orders.
#include "server/market_data_executions.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>

#include "tests/unit/server/market_data_fixture.h"

namespace quorumbook::server {
namespace {

using v1::ExecutionReport;

SubscribeRequest Executions(uint64_t account, const std::string& symbol = "") {
  SubscribeRequest request;
  request.set_channel(SubscribeRequest::EXECUTIONS);
  request.set_account(account);
  request.set_symbol(symbol);
  return request;
}

class ExecutionsTest : public MarketDataFeedTest {
 protected:
  // What the last update brought, in words.
  static std::string Last(const Recorder& recorder) {
    std::string text;
    for (const ExecutionReport& report : recorder.updates.back().executions()) {
      text += ExecutionReport::ExecType_Name(report.exec_type()) + " " +
              std::to_string(report.client_order_id()) + ": " +
              std::to_string(report.last_quantity()) + " at " +
              std::to_string(report.last_price()) + ", leaves " +
              std::to_string(report.leaves_quantity()) + " of " +
              std::to_string(report.leaves_quantity() + report.cumulative_quantity()) + "; ";
    }
    return text;
  }
};

TEST_F(ExecutionsTest, TheOwnerOfARestingOrderHearsOfItsFills) {
  const auto maker = Add(Executions(1));
  const auto taker = Add(Executions(2));
  const auto other = Add(Executions(3));
  Send(1, {Order(7, Side::kBuy, 10, 5)});
  EXPECT_EQ(Last(*maker), "NEW 7: 0 at 0, leaves 5 of 5; ");
  Send(2, {Order(8, Side::kSell, 10, 2), Order(9, Side::kSell, 10, 1)});
  EXPECT_EQ(Last(*maker), "TRADE 7: 2 at 10, leaves 3 of 5; TRADE 7: 1 at 10, leaves 2 of 5; ");
  EXPECT_EQ(maker->updates.back().executions(0).side(), v1::BUY);
  EXPECT_EQ(maker->updates.back().executions(0).account(), 1u);
  EXPECT_EQ(maker->updates.back().event_sequence(), exchange_.last_sequence());
  EXPECT_EQ(maker->updates.back().time_ns(), time_);
  EXPECT_EQ(Last(*taker),
            "NEW 8: 0 at 0, leaves 2 of 2; TRADE 8: 2 at 10, leaves 0 of 2; "
            "NEW 9: 0 at 0, leaves 1 of 1; TRADE 9: 1 at 10, leaves 0 of 1; ");
  EXPECT_EQ(other->updates.size(), 1u) << "it had no part in it";
}

TEST_F(ExecutionsTest, ATradeWithOneselfIsToldOfBothOrders) {
  const auto account = Add(Executions(1));
  Send(1, {Order(1, Side::kBuy, 10, 5)});
  Send(1, {Order(2, Side::kSell, 10, 5)});
  EXPECT_EQ(Last(*account),
            "NEW 2: 0 at 0, leaves 5 of 5; TRADE 2: 5 at 10, leaves 0 of 5; "
            "TRADE 1: 5 at 10, leaves 0 of 5; ");
}

TEST_F(ExecutionsTest, WhatOthersAndTimeBringAboutIsTold) {
  const auto account = Add(Executions(1));
  Send(1, {exchange::SpecialOrder{Order(1, Side::kBuy, 10, 5, TimeInForce::kGoodTillTime),
                                  {.expires = time_ + 10'000'000'000}},
           Order(2, Side::kBuy, 10, 6)});
  Send(2, {});
  Send(2, {exchange::MassCancel{AccountId(1), SymbolId(), {}}});
  std::string all;
  for (const v1::MarketDataUpdate& update : account->updates) {
    for (const ExecutionReport& report : update.executions()) {
      all += ExecutionReport::ExecType_Name(report.exec_type()) + " " +
             std::to_string(report.client_order_id()) + "; ";
    }
  }
  EXPECT_EQ(all, "NEW 1; NEW 2; EXPIRED 1; CANCELED 2; MASS_CANCELED 0; ");
}

TEST_F(ExecutionsTest, OfOneSymbolWhenItIsNamed) {
  const auto named = Add(Executions(1, "OTHER"));
  const auto all = Add(Executions(1));
  Send(1, {Order(1, Side::kBuy, 10, 5)});
  EXPECT_EQ(named->updates.size(), 1u);
  EXPECT_EQ(all->updates.size(), 2u);
  // The asset's number is that of ABC.
  Send(1, {exchange::AddAsset{"COIN", 0}});
  Send(2, {exchange::Deposit{AccountId(1), exchange::AssetId(1), 100}});
  EXPECT_EQ(all->updates.back().executions(0).exec_type(), ExecutionReport::BALANCE_CHANGED);
  EXPECT_EQ(Add(Executions(1, "ABC"))->updates.back().open_orders_size(), 1);
  EXPECT_EQ(named->updates.size(), 1u);
}

TEST_F(ExecutionsTest, TheSnapshotHasTheOpenOrdersUpToTheLimit) {
  Send(1, {Order(1, Side::kBuy, 10, 5), Order(2, Side::kBuy, 11, 5),
           exchange::NewOrder{SymbolId(2), ClientOrderId(3), Side::kSell, OrderType::kLimit,
                              TimeInForce::kGoodTillCancel, 7, 1}});
  Send(2, {Order(1, Side::kSell, 11, 2)});
  const auto all = Add(Executions(1));
  ASSERT_EQ(all->updates[0].open_orders_size(), 3);
  EXPECT_FALSE(all->updates[0].more_open_orders());
  EXPECT_EQ(all->updates[0].open_orders(1).cumulative_quantity(), 2);
  EXPECT_EQ(all->updates[0].open_orders(2).symbol(), "OTHER");
  SubscribeRequest two = Executions(1);
  two.set_limit(2);
  const auto some = Add(two);
  EXPECT_EQ(some->updates[0].open_orders_size(), 2);
  EXPECT_TRUE(some->updates[0].more_open_orders());
  SubscribeRequest one = Executions(1, "OTHER");
  one.set_limit(1);
  const auto other = Add(one);
  ASSERT_EQ(other->updates[0].open_orders_size(), 1) << "orders of other symbols take no place";
  EXPECT_EQ(other->updates[0].open_orders(0).symbol(), "OTHER");
  EXPECT_FALSE(other->updates[0].more_open_orders());
}

TEST_F(ExecutionsTest, AnAccountIsNamedWithThisChannelAndWithNoOther) {
  EXPECT_EQ(Add(Executions(0))->ended, RefusalCode::kMalformed);
  SubscribeRequest request = Request(SubscribeRequest::L1);
  request.set_account(1);
  EXPECT_EQ(Add(request)->ended, RefusalCode::kMalformed);
  EXPECT_EQ(Add(Executions(1, "NOPE"))->ended, RefusalCode::kNotFound);
  EXPECT_EQ(feed_.subscribers(), 0u);
}

TEST_F(ExecutionsTest, WhoIsGoneIsToldNothing) {
  const auto gone = Add(Executions(1));
  const auto stays = Add(Executions(1, "ABC"));
  feed_.Remove(gone.get());
  Send(1, {Order(1, Side::kBuy, 10, 5)});
  EXPECT_EQ(gone->updates.size(), 1u);
  EXPECT_EQ(stays->updates.size(), 2u);
  feed_.Remove(stays.get());
  Send(1, {Order(2, Side::kBuy, 10, 5)});
  EXPECT_EQ(stays->updates.size(), 2u);
}

// The open orders that snapshots and reports make: order id to (client order id, leaves, executed).
struct Ledger {
  std::shared_ptr<Recorder> recorder;
  std::map<uint64_t, std::tuple<uint64_t, int64_t, int64_t>> open;
  size_t applied = 0;

  void CatchUp() {
    for (; applied < recorder->updates.size(); ++applied) {
      const v1::MarketDataUpdate& update = recorder->updates[applied];
      if (update.snapshot()) open.clear();
      for (const v1::Order& order : update.open_orders()) {
        open[order.order_id()] = {order.client_order_id(), order.leaves_quantity(),
                                  order.cumulative_quantity()};
      }
      for (const ExecutionReport& report : update.executions()) Apply(report);
    }
  }
  void Apply(const ExecutionReport& report) {
    switch (report.order_status()) {
      case v1::ORDER_NEW:
      case v1::PARTIALLY_FILLED:
        open[report.order_id()] = {report.client_order_id(), report.leaves_quantity(),
                                   report.cumulative_quantity()};
        break;
      case v1::FILLED:
      case v1::ORDER_CANCELED:
      case v1::ORDER_EXPIRED:
        EXPECT_EQ(report.leaves_quantity(), 0);
        open.erase(report.order_id());
        break;
      default:
        break;
    }
  }
};

class RandomExecutionsTest : public MarketDataFeedTest,
                             public testing::WithParamInterface<uint64_t> {};

TEST_P(RandomExecutionsTest, WhoeverFollowsKnowsTheOpenOrders) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  RandomCommands random(GetParam());
  std::map<uint64_t, Ledger> ledgers;
  for (uint64_t account = 1; account <= kAccounts; ++account) {
    ledgers[account] = {Add(Executions(account)), {}, 0};
  }
  for (int batch = 0; batch < 400; ++batch) {
    SCOPED_TRACE("batch " + std::to_string(batch));
    std::vector<exchange::Command> commands;
    for (uint64_t i = 0; i <= random.Draw(4); ++i) commands.push_back(random.Next());
    Send(1 + random.Draw(kAccounts), std::move(commands));
    for (auto& [account, ledger] : ledgers) {
      ledger.CatchUp();
      decltype(ledger.open) real;
      for (const auto& order : exchange_.OpenOrders(AccountId(account), 10'000)) {
        real[order.id.value()] = {order.client_order_id.value(), order.leaves, order.executed};
      }
      ASSERT_EQ(ledger.open, real) << "of account " << account;
    }
  }
  int64_t lots = 0;
  for (const auto& [account, ledger] : ledgers) {
    for (const v1::MarketDataUpdate& update : ledger.recorder->updates) {
      for (const ExecutionReport& report : update.executions()) lots += report.last_quantity();
    }
  }
  const exchange::MarketSummary summary = *exchange_.Summary(SymbolId(1));
  EXPECT_GT(summary.trades, 50u) << "the flow is too thin to prove anything";
  EXPECT_EQ(lots, 2 * static_cast<int64_t>(summary.volume)) << "each trade has two sides";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomExecutionsTest, testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace quorumbook::server
