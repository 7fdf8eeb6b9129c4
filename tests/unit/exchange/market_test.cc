// The bounds of the market, and what must hold whatever happens.
#include "exchange/market.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "event_text.h"
#include "exchange/exchange.h"
#include "random_batches.h"

namespace quorumbook::exchange {
namespace {

constexpr SymbolId kSymbol(1);

// A market with one symbol, driven command by command.
class MarketTest : public testing::Test {
 protected:
  MarketTest() { Run(AddSymbol{"AMZN", {1, -2}, {1, 0}}); }

  template <typename Command>
  const Event& Run(const Command& command, uint64_t account = 1) {
    events_.clear();
    market_.Execute({.account = AccountId(account), .time = 0, .events = &events_}, command);
    return events_.back();
  }
  const Event& Limit(Side side, uint64_t id, Quantity quantity, Price price,
                     TimeInForce time_in_force = TimeInForce::kGoodTillCancel) {
    return Run(NewOrder{.symbol = kSymbol,
                        .client_order_id = ClientOrderId(id),
                        .side = side,
                        .time_in_force = time_in_force,
                        .price = price,
                        .quantity = quantity});
  }
  // Orders 1 to `count` that sell 1 at 100.
  void Offer(uint32_t count) {
    for (uint32_t id = 1; id <= count; ++id) Limit(Side::kSell, id, 1, 100);
  }

  static constexpr uint64_t kMaxOpen = 40'000;
  Market market_{kMaxOpen};
  std::vector<Event> events_;
};

constexpr uint64_t kTaker = 1'000'000;
constexpr Quantity kFills = kMaxFillsPerCommand;

TEST_F(MarketTest, AnOrderOfAsManyFillsAsAllowedIsFilled) {
  Offer(kMaxFillsPerCommand + 1);
  EXPECT_EQ(Limit(Side::kBuy, kTaker, kFills, 100).type, EventType::kTrade);
  EXPECT_EQ(events_.back().leaves, 0);
  EXPECT_EQ(events_.size(), kMaxFillsPerCommand + 1u);
}

TEST_F(MarketTest, BeyondTheFillLimitTheRestIsCancelled) {
  Offer(kMaxFillsPerCommand + 1);
  const Event& last = Limit(Side::kBuy, kTaker, kFills + 7, 100);
  EXPECT_EQ(last.type, EventType::kOrderCanceled);
  EXPECT_EQ(last.reason, Reason::kFillLimit);
  EXPECT_EQ(last.quantity, 7);
  EXPECT_EQ(last.executed, kFills);
  EXPECT_EQ(events_.size(), kMaxFillsPerCommand + 2u);
  EXPECT_EQ(market_.orders().open_orders(), 1u);
}

TEST_F(MarketTest, AReplacedOrderObeysTheFillLimit) {
  Limit(Side::kBuy, kTaker, 1, 99);
  Offer(kMaxFillsPerCommand + 1);
  const Event& last = Run(ReplaceOrder{SymbolId(1), ClientOrderId(kTaker), 100, kFills + 7});
  EXPECT_EQ(last.reason, Reason::kFillLimit);
  EXPECT_EQ(last.command, CommandKind::kReplaceOrder);
  EXPECT_EQ(market_.orders().open_orders(), 1u);
}

TEST_F(MarketTest, AnOrderThatFillsAtTheLimitWithNothingLeftToCrossRests) {
  Offer(kMaxFillsPerCommand);
  EXPECT_EQ(Limit(Side::kBuy, kTaker, kFills + 7, 100).type, EventType::kTrade);
  EXPECT_EQ(market_.orders().open_orders(), 1u);
}

TEST_F(MarketTest, AFillOrKillThatNeedsMoreFillsThanAllowedIsNotFillable) {
  Offer(kMaxFillsPerCommand + 1);
  EXPECT_EQ(Limit(Side::kBuy, kTaker, kFills + 1, 100, TimeInForce::kFillOrKill).reason,
            Reason::kNotFillable);
  EXPECT_EQ(Limit(Side::kBuy, kTaker + 1, kFills, 100, TimeInForce::kFillOrKill).type,
            EventType::kTrade);
  EXPECT_EQ(market_.orders().open_orders(), 1u);
}

TEST_F(MarketTest, AFillOrKillOverManyLevelsCountsTheirOrders) {
  for (uint32_t id = 1; id <= kMaxFillsPerCommand; ++id) {
    Limit(Side::kSell, id, 1, 100 + id % 100);
  }
  Limit(Side::kSell, kTaker, 1, 500);
  EXPECT_EQ(Limit(Side::kBuy, kTaker + 1, kFills + 1, 500, TimeInForce::kFillOrKill).reason,
            Reason::kNotFillable);
  EXPECT_EQ(Limit(Side::kBuy, kTaker + 2, kFills, 500, TimeInForce::kFillOrKill).leaves, 0);
  EXPECT_EQ(market_.orders().open_orders(), 1u);
}

// An order that shows `display` at a time.
SpecialOrder Iceberg(Side side, uint64_t id, Quantity quantity, Quantity display, Price price) {
  return {{.symbol = kSymbol,
           .client_order_id = ClientOrderId(id),
           .side = side,
           .price = price,
           .quantity = quantity},
          {.display = display}};
}

// Each part that an iceberg shows is a fill.
TEST_F(MarketTest, AFillOrKillCountsThePartsOfIcebergs) {
  constexpr Quantity kParts = kMaxDisplays;
  constexpr uint64_t kIcebergs = kMaxFillsPerCommand / kMaxDisplays;
  Quantity offered = 0;
  for (uint64_t id = 1; id <= kIcebergs; ++id) {
    const Quantity display = 1 + static_cast<Quantity>(id % 3);
    const Quantity quantity = display * kParts - (display - 1);  // the last part is one lot
    Run(Iceberg(Side::kSell, id, quantity, display, 100));
    offered += quantity;
  }
  Limit(Side::kSell, kTaker, 1, 101);
  EXPECT_EQ(Limit(Side::kBuy, kTaker + 1, offered + 1, 101, TimeInForce::kFillOrKill).reason,
            Reason::kNotFillable);
  EXPECT_EQ(Limit(Side::kBuy, kTaker + 2, offered, 101, TimeInForce::kFillOrKill).leaves, 0);
  EXPECT_EQ(events_.size(), 2 * kMaxFillsPerCommand - kIcebergs + 1u);
  EXPECT_EQ(market_.orders().open_orders(), 1u);
}

// A FOK order trades whole exactly when an IOC order would, whatever icebergs and own orders are
// in its way, and else not at all.
TEST(MarketProperties, AFillOrKillTradesWholeOrNotAtAll) {
  uint64_t whole = 0;
  uint64_t nothing = 0;
  for (uint64_t seed = 1; seed <= 1'000; ++seed) {
    std::vector<Event> events;
    const auto executed = [&](TimeInForce time_in_force) {
      Random random(seed);
      Market market;
      const auto run = [&](const auto& command, uint64_t account) {
        events.clear();
        market.Execute({.account = AccountId(account), .time = 0, .events = &events}, command);
      };
      run(AddSymbol{"A", {1, 0}, {1, 0}}, 1);
      for (uint64_t id = 1 + random.Below(8); id > 0; --id) {
        const auto quantity = static_cast<Quantity>(1 + random.Below(12));
        const auto display = static_cast<Quantity>(random.Below(4));
        run(Iceberg(Side::kSell, id, quantity, std::min(display, quantity),
                    100 + static_cast<Price>(random.Below(3))),
            random.OneIn(6) ? 1 : 2);
      }
      const auto quantity = static_cast<Quantity>(1 + random.Below(60));
      run(NewOrder{.symbol = kSymbol,
                   .client_order_id = ClientOrderId(kTaker),
                   .time_in_force = time_in_force,
                   .price = 100 + static_cast<Price>(random.Below(3)),
                   .quantity = quantity,
                   .self_trade = static_cast<SelfTrade>(random.Below(5))},
          1);
      const OrderTable& orders = market.orders();
      const Order& taker = orders[orders.Find({AccountId(1), kSymbol, ClientOrderId(kTaker)})];
      return std::pair(taker.executed, quantity);
    };
    const auto [wanted, quantity] = executed(TimeInForce::kImmediateOrCancel);
    const auto [real, same] = executed(TimeInForce::kFillOrKill);
    ASSERT_EQ(real, wanted == quantity ? quantity : 0) << "seed " << seed;
    ++(real == 0 ? nothing : whole);
  }
  EXPECT_GT(whole, 150u);
  EXPECT_GT(nothing, 150u);
}

TEST_F(MarketTest, WaitingStopsAreBounded) {
  const auto stop = [this](uint64_t id, Price price) {
    return Run(SpecialOrder{{.symbol = kSymbol,
                             .client_order_id = ClientOrderId(id),
                             .type = OrderType::kStop,
                             .quantity = 1},
                            {.stop_price = price}});
  };
  for (uint64_t id = 1; id <= kMaxStops; ++id) {
    ASSERT_EQ(stop(id, 100).type, EventType::kOrderParked);
  }
  EXPECT_EQ(stop(kTaker, 100).reason, Reason::kTooManyStops);
  // Triggered ones count until they have had their turn.
  Limit(Side::kSell, kTaker, 1, 100);
  Limit(Side::kBuy, kTaker + 1, 1, 100);
  EXPECT_EQ(stop(kTaker + 2, 101).reason, Reason::kTooManyStops);
  while (market_.has_work()) {
    events_.clear();
    market_.Work({.account = {}, .time = 0, .events = &events_});
    EXPECT_LE(events_.size(), kMaxStepEvents + 2u);
  }
  EXPECT_EQ(market_.orders().open_orders(), 0u);
  EXPECT_EQ(stop(kTaker + 2, 101).type, EventType::kOrderParked);
}

TEST_F(MarketTest, TrailingStopsAreBounded) {
  const auto trail = [this](uint64_t id) {
    return Run(SpecialOrder{{.symbol = kSymbol,
                             .client_order_id = ClientOrderId(id),
                             .type = OrderType::kTrailingStop,
                             .quantity = 1},
                            {.trail = 5}});
  };
  Run(SetPhase{kSymbol, Phase::kHalt, 100});
  Run(SetPhase{kSymbol, Phase::kContinuous, 0});
  for (uint64_t id = 1; id <= kMaxTrailingStops; ++id) {
    ASSERT_EQ(trail(id).type, EventType::kOrderParked);
  }
  EXPECT_EQ(trail(kTaker).reason, Reason::kTooManyTrailingStops);
  Run(CancelOrder{kSymbol, ClientOrderId(1)});
  EXPECT_EQ(trail(kTaker).type, EventType::kOrderParked);
}

TEST_F(MarketTest, WaitingAllOrNoneOrdersAreBoundedASide) {
  const auto all_or_none = [this](Side side, uint64_t id) {
    return Run(SpecialOrder{{.symbol = kSymbol,
                             .client_order_id = ClientOrderId(id),
                             .side = side,
                             .price = 100,
                             .quantity = 2},
                            {.all_or_none = true}});
  };
  for (uint64_t id = 1; id <= kMaxAllOrNone; ++id) {
    ASSERT_EQ(all_or_none(Side::kBuy, id).type, EventType::kOrderParked);
  }
  EXPECT_EQ(all_or_none(Side::kBuy, kTaker).reason, Reason::kTooManyAllOrNone);
  EXPECT_EQ(all_or_none(Side::kSell, kTaker).type, EventType::kOrderParked);
  Run(CancelOrder{kSymbol, ClientOrderId(1)});
  EXPECT_EQ(all_or_none(Side::kBuy, kTaker + 1).type, EventType::kOrderParked);
}

TEST_F(MarketTest, AssetsAndAccountsAreBounded) {
  for (uint32_t i = 1; i <= kMaxAssets; ++i) {
    ASSERT_EQ(Run(AddAsset{"A" + std::to_string(i), 0}).type, EventType::kAssetAdded);
  }
  EXPECT_EQ(Run(AddAsset{"ONEMORE", 0}).reason, Reason::kTooManyAssets);
  EXPECT_EQ(Run(AddAsset{"A1", 0}).type, EventType::kAssetAdded);
  for (uint64_t id = 1; id <= kMaxAccounts; ++id) {
    ASSERT_EQ(Run(Deposit{AccountId(id), AssetId(1), 1}).type, EventType::kBalanceChanged);
  }
  EXPECT_EQ(Run(Deposit{AccountId(kTaker + 1), AssetId(1), 1}).reason, Reason::kTooManyAccounts);
  EXPECT_EQ(Run(SetAccountLimits{AccountId(kTaker + 1), {}}).reason, Reason::kTooManyAccounts);
  EXPECT_EQ(Run(SetKillSwitch{AccountId(kTaker + 1), true}).reason, Reason::kTooManyAccounts);
  EXPECT_EQ(Run(Deposit{AccountId(1), AssetId(1), 1}).type, EventType::kBalanceChanged);
}

TEST_F(MarketTest, OpenOrdersAreBounded) {
  Offer(kMaxOpen);
  const Event& refused = Limit(Side::kSell, kTaker, 1, 100);
  EXPECT_EQ(refused.type, EventType::kCommandRejected);
  EXPECT_EQ(refused.reason, Reason::kTooManyOrders);
  // What can not rest is still welcome, and makes room.
  Limit(Side::kBuy, kTaker, 1, 100, TimeInForce::kImmediateOrCancel);
  EXPECT_EQ(events_.back().type, EventType::kTrade);
  EXPECT_EQ(Limit(Side::kSell, kTaker + 1, 1, 100).type, EventType::kOrderAccepted);
}

TEST_F(MarketTest, SymbolsAreBounded) {
  for (uint32_t i = 2; i <= kMaxSymbols; ++i) {
    ASSERT_EQ(Run(AddSymbol{"S" + std::to_string(i), {1, 0}, {1, 0}}).symbol, SymbolId(i));
  }
  EXPECT_EQ(Run(AddSymbol{"ONEMORE", {1, 0}, {1, 0}}).reason, Reason::kTooManySymbols);
  EXPECT_EQ(Run(AddSymbol{"AMZN", {1, -2}, {1, 0}}).type, EventType::kSymbolAdded);
  EXPECT_EQ(Run(AddSymbol{"AMZN", {1, -2}, {2, 0}}).reason, Reason::kSymbolExists);
}

TEST_F(MarketTest, FinishedOrdersAreRememberedUpToTheBound) {
  const auto finish = [this](uint64_t id) {
    Limit(Side::kBuy, id, 1, 100);
    Run(CancelOrder{SymbolId(1), ClientOrderId(id)});
  };
  for (uint64_t id = 1; id <= kMaxFinishedOrders; ++id) finish(id);
  EXPECT_EQ(Run(CancelOrder{SymbolId(1), ClientOrderId(1)}).reason, Reason::kOrderFinished);
  finish(kMaxFinishedOrders + 1);
  EXPECT_EQ(Run(CancelOrder{SymbolId(1), ClientOrderId(1)}).reason, Reason::kUnknownOrder);
  EXPECT_EQ(Run(CancelOrder{SymbolId(1), ClientOrderId(2)}).reason, Reason::kOrderFinished);
  // An id that is used again is no longer among the finished: it makes room for another.
  Limit(Side::kBuy, 2, 1, 100);
  finish(kMaxFinishedOrders + 2);
  EXPECT_EQ(Run(CancelOrder{SymbolId(1), ClientOrderId(3)}).reason, Reason::kOrderFinished);
  EXPECT_EQ(market_.orders().finished_orders(), kMaxFinishedOrders);
}

// Batches tell which order a command probably names; what it is then may have changed since.
TEST_F(MarketTest, AGuessAtTheOrderThatIsNamedIsNoMoreThanThat) {
  const auto handle_of = [this](uint64_t id) {
    return market_.orders().Find({AccountId(1), kSymbol, ClientOrderId(id)});
  };
  const auto cancel = [this](uint64_t id, OrderHandle guess) {
    events_.clear();
    market_.Execute({.account = AccountId(1), .time = 0, .events = &events_, .named = guess},
                    CancelOrder{kSymbol, ClientOrderId(id)});
    return events_.back();
  };
  Limit(Side::kBuy, 1, 1, 100);
  Limit(Side::kBuy, 2, 1, 100);
  const OrderHandle first = handle_of(1);
  EXPECT_EQ(cancel(2, first).client_order_id, ClientOrderId(2));
  EXPECT_EQ(handle_of(1), first);
  EXPECT_EQ(cancel(1, first).type, EventType::kOrderCanceled);
  EXPECT_EQ(cancel(1, first).reason, Reason::kOrderFinished);
  for (uint64_t id = 3; handle_of(1) != kNullHandle; ++id) {
    Limit(Side::kBuy, id, 1, 100);
    cancel(id, kNullHandle);
  }
  EXPECT_EQ(cancel(1, first).reason, Reason::kUnknownOrder) << "its place is free";
}

TEST_F(MarketTest, TheLargestTradeIsCountedWithoutOverflow) {
  for (uint64_t i = 0; i < 40; ++i) {
    Limit(Side::kSell, 1, kMaxQuantity, kMaxPrice);
    ASSERT_EQ(Limit(Side::kBuy, 2, kMaxQuantity, kMaxPrice).leaves, 0);
  }
  const MarketStats& stats = market_.symbols().Find(kSymbol)->stats;
  EXPECT_TRUE(stats.notional == Uint128{40} * kMaxQuantity * kMaxPrice);
}

TEST_F(MarketTest, RecentTradesAreTheLastOnes) {
  const uint64_t trades = kMaxRecentTrades * 2 + 300;
  for (uint64_t i = 1; i <= trades; ++i) {
    Limit(Side::kSell, 1, 1, static_cast<Price>(i));
    Limit(Side::kBuy, 2, 1, static_cast<Price>(i));
  }
  const TradeRing& recent = market_.symbols().Find(kSymbol)->stats.recent;
  ASSERT_EQ(recent.size(), kMaxRecentTrades);
  for (size_t i = 0; i < recent.size(); ++i) {
    EXPECT_EQ(recent[i].id, trades - kMaxRecentTrades + 1 + i);
    EXPECT_EQ(recent[i].price, static_cast<Price>(recent[i].id));
  }
}

// What was entered is executed, taken off, or still open: for every order and for all together.
class Ledger {
 public:
  void Add(const Event& event) {
    ASSERT_EQ(event.sequence, ++last_sequence_);
    ASSERT_GE(event.leaves, 0);
    ASSERT_GE(event.executed, 0);
    ASSERT_GE(event.maker_leaves, 0);
    Quantity& open = open_[event.order_id];
    switch (event.type) {
      case EventType::kOrderAccepted:
      case EventType::kOrderReplaced:
        open = event.quantity - event.executed;
        break;
      case EventType::kTrade:
        ASSERT_GT(event.quantity, 0);
        open -= event.quantity;
        open_[event.maker_order_id] -= event.quantity;
        ASSERT_EQ(open_[event.maker_order_id], event.maker_leaves);
        break;
      case EventType::kOrderCanceled:
      case EventType::kOrderReduced:
        open -= event.quantity;
        break;
      default:
        return;
    }
    ASSERT_EQ(open, event.leaves) << event;
  }
  void ExpectBook(const Exchange& exchange) {
    std::map<OrderId, Quantity> resting;
    for (const SymbolInfo& symbol : exchange.Symbols()) {
      const MarketSummary summary = exchange.Summary(symbol.id).value();
      if (summary.best_bid != 0 && summary.best_ask != 0) {
        EXPECT_LT(summary.best_bid, summary.best_ask) << "crossed";
      }
      for (const Side side : {Side::kBuy, Side::kSell}) {
        for (const OrderInfo& order : exchange.GetOrders(symbol.id, side, SIZE_MAX)) {
          EXPECT_GT(order.leaves, 0);
          resting[order.id] = order.leaves;
        }
      }
    }
    std::erase_if(open_, [](const auto& entry) { return entry.second == 0; });
    EXPECT_EQ(resting, open_);
  }

 private:
  std::map<OrderId, Quantity> open_;
  uint64_t last_sequence_ = 0;
};

TEST(MarketProperties, NothingIsCreatedLostOrCrossed) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Exchange exchange;
    Ledger ledger;
    ApplyResult result;
    for (const Batch& batch : RandomBatches(seed, 1'500, {.sparse = seed % 2 == 0})) {
      exchange.Apply(batch, &result);
      for (const Event& event : result.events) ledger.Add(event);
      ledger.ExpectBook(exchange);
      ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(exchange.Summary(SymbolId(1)).value().trades, 100u);
  }
}

}  // namespace
}  // namespace quorumbook::exchange
