// Market data against the market itself: whatever happens, who applies the updates has the book.
#include "server/market_data_feed.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "quorumbook/market_data.h"
#include "tests/unit/server/market_data_fixture.h"

namespace quorumbook::server {
namespace {

TEST_F(MarketDataFeedTest, BeginsWithASnapshot) {
  Send(1, {Order(1, Side::kBuy, 10, 5), Order(2, Side::kSell, 12, 6)});
  const auto levels = Add(Request(SubscribeRequest::L2));
  ASSERT_EQ(levels->updates.size(), 1u);
  const v1::MarketDataUpdate& update = levels->updates[0];
  EXPECT_TRUE(update.snapshot());
  EXPECT_EQ(update.event_sequence(), exchange_.last_sequence());
  EXPECT_EQ(update.time_ns(), time_);
  EXPECT_EQ(update.symbol().name(), "ABC");
  EXPECT_EQ(update.symbol().shard(), 3u);
  EXPECT_EQ(update.levels().ShortDebugString(),
            "bids { price: 10 quantity: 5 orders: 1 } asks { price: 12 quantity: 6 orders: 1 }");
}

TEST_F(MarketDataFeedTest, SaysWhatChangedAndNothingElse) {
  const auto levels = Add(Request(SubscribeRequest::L2));
  const auto best = Add(Request(SubscribeRequest::L1));
  const auto trades = Add(Request(SubscribeRequest::TRADES));
  Send(1, {Order(1, Side::kBuy, 10, 5), Order(2, Side::kBuy, 9, 5)});
  ASSERT_EQ(levels->updates.size(), 2u) << "one batch, one update";
  EXPECT_EQ(best->updates.size(), 2u);
  EXPECT_EQ(trades->updates.size(), 1u) << "no trade, no update";
  Send(1, {Order(3, Side::kBuy, 9, 5)});
  EXPECT_EQ(best->updates.size(), 2u) << "the best prices did not change";
  ASSERT_EQ(levels->updates.size(), 3u);
  EXPECT_EQ(levels->updates[2].levels().ShortDebugString(),
            "bids { price: 9 quantity: 10 orders: 2 }");
  Send(2, {Order(1, Side::kSell, 10, 5, TimeInForce::kImmediateOrCancel)});
  ASSERT_EQ(levels->updates.size(), 4u);
  EXPECT_EQ(levels->updates[3].levels().ShortDebugString(), "bids { price: 10 }");
  ASSERT_EQ(trades->updates.size(), 2u);
  EXPECT_EQ(trades->updates[1].trades(0).price(), 10);
  EXPECT_EQ(trades->updates[1].trades(0).taker_side(), v1::SELL);
  Send(1, {exchange::NewOrder{SymbolId(2), ClientOrderId(9), Side::kBuy, OrderType::kLimit,
                              TimeInForce::kGoodTillCancel, 7, 1}});
  EXPECT_EQ(levels->updates.size(), 4u) << "of another symbol";
}

// An auction that ends, or a sweep, may trade more in one batch than a message should hold.
TEST_F(MarketDataFeedTest, ManyTradesOfOneBatchComeInSeveralUpdates) {
  constexpr uint64_t kTrades = 10'000;
  for (uint64_t first = 1; first <= kTrades; first += 1'000) {
    std::vector<exchange::Command> orders;
    for (uint64_t id = first; id < first + 1'000; ++id) {
      orders.emplace_back(Order(id, Side::kSell, 10, 1));
    }
    Send(1, std::move(orders));
  }
  const auto trades = Add(Request(SubscribeRequest::TRADES));
  SubscribeRequest of_account = Request(SubscribeRequest::EXECUTIONS);
  of_account.set_account(1);
  const auto executions = Add(of_account);
  const size_t snapshots = trades->updates.size();
  Send(2, {Order(1, Side::kBuy, 10, kTrades)});
  uint64_t told = 0;
  uint64_t last_trade = 0;
  uint64_t last_event = 0;
  ASSERT_GT(trades->updates.size(), snapshots + 1);
  for (size_t i = snapshots; i < trades->updates.size(); ++i) {
    const v1::MarketDataUpdate& update = trades->updates[i];
    EXPECT_LT(update.ByteSizeLong(), size_t{1} << 18);
    EXPECT_EQ(update.time_ns(), time_);
    EXPECT_GT(update.event_sequence(), last_event);
    for (const v1::Trade& trade : update.trades()) {
      EXPECT_EQ(trade.trade_id(), last_trade + 1);
      last_trade = trade.trade_id();
      EXPECT_LE(trade.event_sequence(), update.event_sequence());
      EXPECT_GT(trade.event_sequence(), last_event);
      ++told;
    }
    last_event = update.event_sequence();
  }
  EXPECT_EQ(told, kTrades);
  EXPECT_EQ(last_event, exchange_.last_sequence());
  uint64_t fills = 0;
  for (const v1::MarketDataUpdate& update : executions->updates) {
    EXPECT_TRUE(update.snapshot() || update.ByteSizeLong() < size_t{1} << 20);
    if (!update.snapshot()) fills += static_cast<uint64_t>(update.executions_size());
  }
  EXPECT_EQ(fills, kTrades);
}

TEST_F(MarketDataFeedTest, ALevelThatMovesIntoTheDepthIsSaid) {
  Send(1, {Order(1, Side::kBuy, 10, 1), Order(2, Side::kBuy, 9, 1), Order(3, Side::kBuy, 8, 1)});
  const auto levels = Add(Request(SubscribeRequest::L2, 2));
  Send(1, {exchange::CancelOrder{SymbolId(1), ClientOrderId(1)}});
  EXPECT_EQ(levels->updates.back().levels().ShortDebugString(),
            "bids { price: 10 } bids { price: 8 quantity: 1 orders: 1 }");
  Send(1, {Order(4, Side::kBuy, 11, 1)});
  EXPECT_EQ(levels->updates.back().levels().ShortDebugString(),
            "bids { price: 11 quantity: 1 orders: 1 } bids { price: 8 }");
}

TEST_F(MarketDataFeedTest, OrdersShowTheirPlaceAndNotWhatTheyHide) {
  const auto orders = Add(Request(SubscribeRequest::L3));
  Send(1, {exchange::SpecialOrder{Order(1, Side::kSell, 10, 9), {.display = 3}},
           Order(2, Side::kSell, 10, 5)});
  ASSERT_EQ(orders->updates.back().orders().changes_size(), 2);
  EXPECT_EQ(orders->updates.back().orders().changes(0).quantity(), 3);
  // The iceberg is taken and shows again, behind the other.
  Send(2, {Order(1, Side::kBuy, 10, 3, TimeInForce::kImmediateOrCancel)});
  ASSERT_EQ(orders->updates.back().orders().changes_size(), 1);
  EXPECT_EQ(orders->updates.back().orders().changes(0).quantity(), 3);
  EXPECT_TRUE(orders->updates.back().orders().changes(0).queued());
  const size_t before = orders->updates.size();
  Send(1, {Order(3, Side::kBuy, 5, 1), exchange::CancelOrder{SymbolId(1), ClientOrderId(3)}});
  EXPECT_EQ(orders->updates.size(), before) << "came and went in one batch";
}

TEST_F(MarketDataFeedTest, CandlesAreTheMarketsOwn) {
  SubscribeRequest request = Request(SubscribeRequest::CANDLES);
  request.set_interval(v1::ONE_HOUR);
  const auto candles = Add(request);
  EXPECT_EQ(candles->updates[0].candles_size(), 0);
  Send(1, {Order(1, Side::kBuy, 10, 5)});
  EXPECT_EQ(candles->updates.size(), 1u);
  Send(2, {Order(1, Side::kSell, 10, 2)});
  ASSERT_EQ(candles->updates.size(), 2u);
  EXPECT_EQ(candles->updates[1].candles(0).close(), 10);
  EXPECT_EQ(candles->updates[1].candles(0).volume(), "2");
}

TEST_F(MarketDataFeedTest, PhasesAndAuctionsAreInTheBestPrices) {
  const auto best = Add(Request(SubscribeRequest::L1));
  Send(1, {exchange::SetPhase{SymbolId(1), Phase::kHalt, 0}});
  EXPECT_EQ(best->updates.back().best().phase(), v1::HALT);
  Send(1, {exchange::SetPhase{SymbolId(1), Phase::kOpeningAuction, 10}, Order(1, Side::kBuy, 11, 4),
           Order(2, Side::kSell, 9, 3)});
  EXPECT_EQ(best->updates.back().best().phase(), v1::OPENING_AUCTION);
  EXPECT_EQ(best->updates.back().best().auction().volume(), 3);
  Send(1, {exchange::SetPhase{SymbolId(1), Phase::kContinuous, 0}});
  EXPECT_FALSE(best->updates.back().best().has_auction());
  EXPECT_GT(best->updates.back().best().last(), 0);
}

TEST_F(MarketDataFeedTest, RefusesWhatItCanNotServe) {
  SubscribeRequest request = Request(SubscribeRequest::L2);
  request.set_symbol("NOPE");
  EXPECT_EQ(Add(request)->ended, RefusalCode::kNotFound);
  EXPECT_EQ(Add(Request(SubscribeRequest::CHANNEL_UNSPECIFIED))->ended, RefusalCode::kMalformed);
  EXPECT_EQ(Add(Request(static_cast<SubscribeRequest::Channel>(6)))->ended,
            RefusalCode::kMalformed);
  request = Request(SubscribeRequest::CANDLES);
  request.set_interval(static_cast<v1::CandleInterval>(4));
  EXPECT_EQ(Add(request)->ended, RefusalCode::kMalformed);
  EXPECT_EQ(feed_.subscribers(), 0u);
}

TEST_F(MarketDataFeedTest, TheNumberOfSubscriptionsIsBounded) {
  std::vector<std::shared_ptr<Recorder>> all;
  for (size_t i = 0; i < kMaxSubscriptions; ++i) all.push_back(Add(Request(SubscribeRequest::L1)));
  EXPECT_EQ(all.back()->ended, RefusalCode::kNone);
  EXPECT_EQ(Add(Request(SubscribeRequest::L1))->ended, RefusalCode::kTooManySubscriptions);
  feed_.Remove(all.front().get());
  EXPECT_EQ(Add(Request(SubscribeRequest::L1))->ended, RefusalCode::kNone);
  feed_.End({RefusalCode::kShuttingDown, "", NodeId()});
  EXPECT_EQ(all.back()->ended, RefusalCode::kShuttingDown);
  EXPECT_EQ(feed_.subscribers(), 0u);
  Send(1, {Order(1, Side::kBuy, 10, 5)});
  EXPECT_EQ(all.back()->updates.size(), 1u);
}

class Browser final : public MarketDataSubscriber {
 public:
  size_t OnUpdate(const SharedUpdate&, bool) override { return 0; }
  size_t Behind() const override { return 0; }
  size_t MostBeside() const override { return 2; }
  void OnEnd(const Refusal& refusal) override { ended = refusal.code; }

  RefusalCode ended = RefusalCode::kNone;
};

TEST_F(MarketDataFeedTest, SomeLeaveAShareToOthers) {
  const auto browser = std::make_shared<Browser>();
  const auto first = Add(Request(SubscribeRequest::L1));
  const auto second = Add(Request(SubscribeRequest::L1));
  feed_.Add(exchange_, Request(SubscribeRequest::L1), browser);
  EXPECT_EQ(browser->ended, RefusalCode::kTooManySubscriptions);
  EXPECT_EQ(Add(Request(SubscribeRequest::L1))->ended, RefusalCode::kNone);
  feed_.Remove(first.get());
  feed_.Remove(second.get());
  browser->ended = RefusalCode::kNone;
  feed_.Add(exchange_, Request(SubscribeRequest::L1), browser);
  EXPECT_EQ(browser->ended, RefusalCode::kNone);
  feed_.Remove(browser.get());
}

// Whoever asks for what: the market is looked at as often as there are kinds of things to ask for.
TEST_F(MarketDataFeedTest, ASymbolIsLookedAtOnceForAllDepths) {
  std::vector<std::shared_ptr<Recorder>> all;
  for (uint32_t depth = 1; depth <= kMaxDepth; ++depth) {
    all.push_back(Add(Request(SubscribeRequest::L2, depth)));
  }
  ASSERT_EQ(feed_.subscribers(), kMaxDepth);
  EXPECT_EQ(feed_.topics(), 1u);
  Add(Request(SubscribeRequest::L1));
  Add(Request(SubscribeRequest::L3));
  EXPECT_EQ(feed_.topics(), 3u);
  Send(1, {Order(1, Side::kBuy, 10, 1), Order(2, Side::kBuy, 9, 1), Order(3, Side::kBuy, 8, 1)});
  EXPECT_EQ(all[0]->updates.back().levels().bids_size(), 1);
  EXPECT_EQ(all[1]->updates.back().levels().bids_size(), 2);
  EXPECT_EQ(all.back()->updates.back().levels().bids_size(), 3);
  // The deepest go: the others are told as before.
  for (size_t i = 1; i < all.size(); ++i) feed_.Remove(all[i].get());
  Send(1, {exchange::CancelOrder{SymbolId(1), ClientOrderId(1)}});
  EXPECT_EQ(all[0]->updates.back().levels().ShortDebugString(),
            "bids { price: 10 } bids { price: 9 quantity: 1 orders: 1 }");
  feed_.Remove(all[0].get());
  EXPECT_EQ(feed_.topics(), 2u);
}

TEST_F(MarketDataFeedTest, TheLagIsThatOfTheSlowestSubscriber) {
  EXPECT_EQ(feed_.MostBehind(), 0u);
  const auto quick = Add(Request(SubscribeRequest::L1));
  const auto slow = Add(Request(SubscribeRequest::TRADES));
  quick->behind = 2;
  slow->behind = 30;
  EXPECT_EQ(feed_.MostBehind(), 30u);
  feed_.Remove(slow.get());
  EXPECT_EQ(feed_.MostBehind(), 2u);
}

TEST_F(MarketDataFeedTest, WhatIsDroppedForSlowSubscribersIsAddedUp) {
  const auto slow = Add(Request(SubscribeRequest::L2));
  const auto quick = Add(Request(SubscribeRequest::L2));
  EXPECT_EQ(feed_.dropped(), 0u);
  slow->dropping = 3;
  feed_.Refresh(exchange_, slow.get());
  feed_.Refresh(exchange_, slow.get());
  feed_.Refresh(exchange_, quick.get());
  EXPECT_EQ(feed_.dropped(), 6u);
}

TEST_F(MarketDataFeedTest, AnotherStateGivesEverybodyASnapshot) {
  const auto levels = Add(Request(SubscribeRequest::L2));
  auto other = exchange::Exchange::Restore(exchange_.Snapshot());
  ASSERT_TRUE(other.ok()) << other.status();
  exchange_ = *std::move(other);
  Send(1, {Order(1, Side::kBuy, 10, 5)});
  feed_.Restored(exchange_);
  EXPECT_TRUE(levels->updates.back().snapshot());
  EXPECT_EQ(levels->updates.back().levels().bids_size(), 1);
  const size_t before = levels->updates.size();
  Send(1, {Order(2, Side::kBuy, 11, 5)});
  ASSERT_EQ(levels->updates.size(), before + 1);
  EXPECT_EQ(levels->updates.back().levels().bids_size(), 1) << "told against the restored state";
}

// A repeat has its first events in the result again: to the market they are no news.
TEST_F(MarketDataFeedTest, RepeatsAreNotPublishedAgain) {
  const auto orders = Add(Request(SubscribeRequest::L3));
  const auto trades = Add(Request(SubscribeRequest::TRADES));
  const auto rest = Message(1, {Order(1, Side::kBuy, 10, 5), Order(2, Side::kBuy, 10, 5)});
  const auto take = Message(2, {Order(1, Side::kSell, 10, 2, TimeInForce::kImmediateOrCancel)});
  Apply({rest});
  Apply({take, take});
  ASSERT_EQ(trades->updates.size(), 2u);
  EXPECT_EQ(trades->updates[1].trades_size(), 1) << "repeated in its own batch";
  const size_t before = orders->updates.size();
  Apply({take, rest});
  EXPECT_EQ(trades->updates.size(), 2u);
  EXPECT_EQ(orders->updates.size(), before) << "no order lost its place";
  // Nor to one that came since, of what happened while nobody was subscribed.
  feed_.Remove(orders.get());
  feed_.Remove(trades.get());
  Apply({Message(2, {Order(2, Side::kSell, 10, 1, TimeInForce::kImmediateOrCancel)})});
  const auto late = Add(Request(SubscribeRequest::TRADES));
  Apply({take, exchange::SessionCommands{
                   exchange::SessionId(2),
                   2,
                   0,
                   {Order(2, Side::kSell, 10, 1, TimeInForce::kImmediateOrCancel)}}});
  EXPECT_EQ(late->updates.size(), 1u);
}

// What a subscriber made of all updates.
struct Follower {
  std::shared_ptr<Recorder> recorder;
  MarketBook book;
  size_t applied = 0;

  void CatchUp() {
    for (; applied < recorder->updates.size(); ++applied) {
      const absl::Status status = book.Apply(recorder->updates[applied]);
      ASSERT_TRUE(status.ok()) << status << '\n' << recorder->updates[applied].ShortDebugString();
    }
  }
};

class RandomFeedTest : public MarketDataFeedTest, public testing::WithParamInterface<uint64_t> {
 protected:
  template <typename Levels>
  static void ExpectLevels(const Levels& mine, const std::vector<exchange::LevelInfo>& real) {
    ASSERT_EQ(mine.size(), real.size());
    auto level = mine.begin();
    for (const exchange::LevelInfo& wanted : real) {
      ASSERT_EQ(level->first, wanted.price);
      ASSERT_EQ(level->second.quantity(), wanted.quantity);
      ASSERT_EQ(level->second.orders(), wanted.orders);
      ++level;
    }
  }
  void ExpectBook(const MarketBook& book, size_t depth) {
    const exchange::Depth real = exchange_.GetDepth(SymbolId(1), depth);
    ExpectLevels(book.bids(), real.bids);
    ExpectLevels(book.asks(), real.asks);
  }
  // Also the queue of every price.
  void ExpectQueues(const MarketBook& book) {
    for (const Side side : {Side::kBuy, Side::kSell}) {
      std::map<exchange::Price, std::vector<std::pair<uint64_t, int64_t>>> real;
      for (const auto& order : exchange_.GetOrders(SymbolId(1), side, 10'000)) {
        real[order.price].emplace_back(order.id.value(), order.displayed);
      }
      for (const auto& [price, wanted] : real) {
        std::vector<std::pair<uint64_t, int64_t>> mine;
        for (const auto& order : book.OrdersAt(static_cast<v1::Side>(side), price)) {
          mine.emplace_back(order.id, order.quantity);
        }
        ASSERT_EQ(mine, wanted) << "at " << price;
      }
    }
  }
};

TEST_P(RandomFeedTest, WhoeverFollowsHasTheBook) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  RandomCommands random(GetParam());
  Follower shallow{Add(Request(SubscribeRequest::L2, 3)), {}, 0};
  Follower deep{Add(Request(SubscribeRequest::L2, 1'000)), {}, 0};
  Follower orders{Add(Request(SubscribeRequest::L3)), {}, 0};
  const auto best = Add(Request(SubscribeRequest::L1));
  const auto trades = Add(Request(SubscribeRequest::TRADES));
  uint64_t last_trade = 0;
  std::vector<exchange::Group> sent;
  for (int batch = 0; batch < 400; ++batch) {
    SCOPED_TRACE("batch " + std::to_string(batch));
    std::vector<exchange::Command> commands;
    for (uint64_t i = 0; i <= random.Draw(4); ++i) commands.push_back(random.Next());
    std::vector<exchange::Group> groups{Message(1 + random.Draw(kAccounts), std::move(commands))};
    sent.push_back(groups.front());
    // A client that did not hear the answer asks again, perhaps in the same batch.
    if (random.Draw(4) == 0) groups.push_back(sent[random.Draw(sent.size())]);
    if (random.Draw(4) == 0) groups.insert(groups.begin(), sent[random.Draw(sent.size())]);
    Apply(std::move(groups));
    for (Follower* follower : {&shallow, &deep, &orders}) follower->CatchUp();
    ExpectBook(shallow.book, 3);
    ExpectBook(deep.book, 1'000);
    ExpectBook(orders.book, 1'000);
    ExpectQueues(orders.book);
    const exchange::MarketSummary summary = *exchange_.Summary(SymbolId(1));
    EXPECT_EQ(best->updates.back().best().bid().price(), summary.best_bid);
    EXPECT_EQ(best->updates.back().best().ask().price(), summary.best_ask);
    EXPECT_EQ(best->updates.back().best().last(), summary.last);
    if (HasFatalFailure()) return;
  }
  for (const v1::MarketDataUpdate& update : trades->updates) {
    for (const v1::Trade& trade : update.trades()) {
      ASSERT_EQ(trade.trade_id(), ++last_trade);
    }
  }
  EXPECT_EQ(last_trade, exchange_.Summary(SymbolId(1))->trades);
  EXPECT_GT(last_trade, 50u) << "the flow is too thin to prove anything";
  EXPECT_GT(orders.recorder->updates.size(), 100u);
}

// A level as it is said: its quantity and orders; 0 when it went.
using Said = std::map<exchange::Price, std::pair<int64_t, uint64_t>>;

Said SaidOf(const google::protobuf::RepeatedPtrField<v1::Level>& levels) {
  Said said;
  for (const v1::Level& level : levels) {
    EXPECT_TRUE(said.try_emplace(level.price(), level.quantity(), level.orders()).second)
        << "said twice: " << level.price();
  }
  return said;
}

// What is between two states of a side, and nothing else.
Said Between(const std::vector<exchange::LevelInfo>& before,
             const std::vector<exchange::LevelInfo>& after) {
  Said said;
  for (const exchange::LevelInfo& level : before) said[level.price] = {0, 0};
  for (const exchange::LevelInfo& level : after) said[level.price] = {level.quantity, level.orders};
  for (const exchange::LevelInfo& level : before) {
    const auto now = said.find(level.price);
    if (now->second == std::pair<int64_t, uint64_t>(level.quantity, level.orders)) said.erase(now);
  }
  return said;
}

// Whatever others ask for, each is told what changed within its own depth.
TEST_P(RandomFeedTest, EachDepthIsToldItsOwnChangesExactly) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  RandomCommands random(GetParam());
  std::map<uint32_t, std::shared_ptr<Recorder>> all;
  std::map<uint32_t, exchange::Depth> before;
  size_t told = 0;
  size_t silent = 0;
  for (int batch = 0; batch < 300; ++batch) {
    SCOPED_TRACE("batch " + std::to_string(batch));
    // They come and go.
    const auto depth = static_cast<uint32_t>(1 + random.Draw(14));
    const auto known = all.find(depth);
    if (known == all.end()) {
      all[depth] = Add(Request(SubscribeRequest::L2, depth));
    } else if (random.Draw(3) == 0) {
      feed_.Remove(known->second.get());
      all.erase(known);
    }
    for (const auto& [levels, recorder] : all) {
      before[levels] = exchange_.GetDepth(SymbolId(1), levels);
      recorder->updates.clear();
    }
    std::vector<exchange::Command> commands;
    for (uint64_t i = 0; i <= random.Draw(6); ++i) commands.push_back(random.Next());
    Send(1 + random.Draw(kAccounts), std::move(commands));
    for (const auto& [levels, recorder] : all) {
      SCOPED_TRACE("depth " + std::to_string(levels));
      const exchange::Depth after = exchange_.GetDepth(SymbolId(1), levels);
      const Said bids = Between(before[levels].bids, after.bids);
      const Said asks = Between(before[levels].asks, after.asks);
      const bool changed = bids.size() + asks.size() > 0;
      (changed ? told : silent) += 1;
      ASSERT_EQ(recorder->updates.size(), changed ? 1u : 0u);
      if (!changed) continue;
      ASSERT_EQ(SaidOf(recorder->updates[0].levels().bids()), bids);
      ASSERT_EQ(SaidOf(recorder->updates[0].levels().asks()), asks);
    }
  }
  EXPECT_GT(told, 300u);
  EXPECT_GT(silent, 100u);
}

// A subscriber that takes nothing for a while is conflated, and then has the book again.
TEST_P(RandomFeedTest, AConflatedFollowerCatchesUpWithASnapshot) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  RandomCommands random(GetParam());
  const auto recorder = Add(Request(SubscribeRequest::L2, 1'000));
  MarketDataQueue queue(true);
  MarketBook book;
  uint64_t sequence = 0;
  size_t pushed = 0;
  int conflations = 0;
  for (int round = 0; round < 30; ++round) {
    const uint64_t batches = random.Draw(600);
    for (uint64_t i = 0; i < batches; ++i) Send(1 + random.Draw(kAccounts), {random.Next()});
    const auto push = [&] {
      for (; pushed < recorder->updates.size(); ++pushed) {
        const v1::MarketDataUpdate& update = recorder->updates[pushed];
        queue.Push(std::make_shared<const std::string>(update.SerializeAsString()),
                   update.snapshot());
      }
    };
    push();
    if (queue.wants_snapshot()) {
      ++conflations;
      feed_.Refresh(exchange_, recorder.get());
      push();
    }
    while (!queue.empty()) {
      v1::MarketDataUpdate update;
      ASSERT_TRUE(update.ParseFromString(*queue.Pop()));
      update.set_sequence(++sequence);
      ASSERT_TRUE(book.Apply(update).ok());
    }
    ExpectBook(book, 1'000);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(conflations, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomFeedTest, testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace quorumbook::server
