// The real market against the slow one, on random sequences: every event and the whole state.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "event_text.h"
#include "exchange/exchange.h"
#include "random_flow.h"
#include "reference_market.h"

namespace quorumbook::exchange {
namespace {

constexpr uint64_t kAccounts = 4;

bool Same(const OrderInfo& a, const OrderInfo& b) {
  return std::tie(a.id, a.client_order_id, a.account, a.symbol, a.side, a.type, a.time_in_force,
                  a.status, a.reason, a.price, a.quantity, a.leaves, a.executed, a.entered,
                  a.changed) == std::tie(b.id, b.client_order_id, b.account, b.symbol, b.side,
                                         b.type, b.time_in_force, b.status, b.reason, b.price,
                                         b.quantity, b.leaves, b.executed, b.entered, b.changed);
}

void ExpectSameOrder(const OrderInfo& real, const OrderInfo& wanted) {
  EXPECT_TRUE(Same(real, wanted)) << ToText(real) << "\nwanted: " << ToText(wanted);
}

void ExpectSameSide(const Exchange& real, const ReferenceMarket& wanted, SymbolId symbol,
                    Side side) {
  const std::vector<OrderInfo> orders = real.GetOrders(symbol, side, SIZE_MAX);
  const std::vector<OrderInfo> wanted_orders = wanted.GetOrders(symbol, side);
  ASSERT_EQ(orders.size(), wanted_orders.size());
  for (size_t i = 0; i < orders.size(); ++i) ExpectSameOrder(orders[i], wanted_orders[i]);
  const Depth depth = real.GetDepth(symbol, SIZE_MAX);
  const std::vector<LevelInfo>& levels = side == Side::kBuy ? depth.bids : depth.asks;
  const std::vector<LevelInfo> wanted_levels = wanted.GetLevels(symbol, side);
  ASSERT_EQ(levels.size(), wanted_levels.size());
  for (size_t i = 0; i < levels.size(); ++i) {
    EXPECT_EQ(levels[i].price, wanted_levels[i].price);
    EXPECT_EQ(levels[i].quantity, wanted_levels[i].quantity);
    EXPECT_EQ(levels[i].orders, wanted_levels[i].orders);
  }
}

void ExpectSameTrades(const Exchange& real, const ReferenceMarket& wanted, SymbolId symbol) {
  const std::vector<TradeInfo> trades = real.RecentTrades(symbol, SIZE_MAX);
  const std::vector<TradeInfo> wanted_trades = wanted.RecentTrades(symbol);
  ASSERT_EQ(trades.size(), wanted_trades.size());
  for (size_t i = 0; i < trades.size(); ++i) {
    EXPECT_EQ(trades[i].id, wanted_trades[i].id);
    EXPECT_EQ(trades[i].sequence, wanted_trades[i].sequence);
    EXPECT_EQ(trades[i].time, wanted_trades[i].time);
    EXPECT_EQ(trades[i].taker_side, wanted_trades[i].taker_side);
    EXPECT_EQ(trades[i].price, wanted_trades[i].price);
    EXPECT_EQ(trades[i].quantity, wanted_trades[i].quantity);
  }
  const MarketSummary a = real.Summary(symbol).value();
  const MarketSummary b = wanted.Summary(symbol);
  EXPECT_EQ(a.last, b.last);
  EXPECT_EQ(a.open, b.open);
  EXPECT_EQ(a.high, b.high);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.trades, b.trades);
  EXPECT_TRUE(a.volume == b.volume);
  EXPECT_TRUE(a.notional == b.notional);
  EXPECT_EQ(a.best_bid, b.best_bid);
  EXPECT_EQ(a.best_ask, b.best_ask);
  EXPECT_EQ(a.best_bid_quantity, b.best_bid_quantity);
  EXPECT_EQ(a.best_ask_quantity, b.best_ask_quantity);
}

void ExpectSameState(const Exchange& real, const ReferenceMarket& wanted) {
  ASSERT_EQ(real.Symbols().size(), wanted.symbols());
  EXPECT_EQ(real.open_orders(), wanted.open_orders());
  for (const SymbolInfo& symbol : real.Symbols()) {
    ExpectSameSide(real, wanted, symbol.id, Side::kBuy);
    ExpectSameSide(real, wanted, symbol.id, Side::kSell);
    ExpectSameTrades(real, wanted, symbol.id);
  }
  for (const auto& [name, order] : wanted.orders()) {
    const auto found = real.FindOrder({std::get<0>(name), std::get<1>(name), std::get<2>(name)});
    ASSERT_TRUE(found.has_value()) << ToText(order);
    ExpectSameOrder(*found, order);
  }
}

// Runs `commands` random commands in batches of a few; compares every event, and now and then the
// whole state. Returns how many fills there were, to show that something happened.
uint64_t Compare(uint64_t seed, uint64_t commands, const FlowShape& shape) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Exchange real;
  ReferenceMarket wanted;
  ApplyResult result;
  Random random(seed);
  RandomFlow flow(seed * 31 + 7, shape);
  for (uint64_t i = 0; i < kAccounts; ++i)
    real.Apply({0, {OpenSession{AccountId(i + 1)}}}, &result);
  std::vector<uint64_t> next(kAccounts, 1);
  uint64_t fills = 0;
  for (uint64_t done = 0, step = 0; done < commands; ++step) {
    Batch batch{.time = static_cast<Time>(step), .groups = {}};
    std::vector<Event> events;
    for (uint64_t group = random.Below(4); group > 0; --group) {
      const uint64_t who = random.Below(kAccounts);
      SessionCommands message{SessionId(who + 1), next[who], next[who] - 1, {}};
      for (uint64_t count = 1 + random.Below(5); count > 0; --count) {
        const Command command = done < 4 ? flow.NewSymbol() : flow.Next();
        const auto expected = wanted.Execute(AccountId(who + 1), command, batch.time);
        events.insert(events.end(), expected.begin(), expected.end());
        message.commands.push_back(command);
        ++next[who];
        ++done;
      }
      batch.groups.push_back(message);
    }
    real.Apply(batch, &result);
    for (size_t i = 0; i < std::min(events.size(), result.events.size()); ++i) {
      EXPECT_EQ(result.events[i], events[i]) << "seed " << seed << ", command " << done;
      fills += events[i].type == EventType::kTrade;
    }
    EXPECT_EQ(result.events.size(), events.size());
    if (step % (commands / 8) == 0) ExpectSameState(real, wanted);
    if (testing::Test::HasFailure()) return 0;
  }
  ExpectSameState(real, wanted);
  return fills;
}

TEST(Reference, FewPricesManyMeetings) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    EXPECT_GT(Compare(seed, 20'000, {}), 2'000u);
  }
}

TEST(Reference, ManyOrdersDeepBooks) {
  const FlowShape shape{.symbols = 2, .names = 2'000, .price_range = 400};
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_GT(Compare(seed, 20'000, shape), 2'000u);
  }
}

TEST(Reference, PricesOverNineDecades) {
  const FlowShape shape{.symbols = 1, .names = 500, .sparse = true};
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    EXPECT_GT(Compare(seed, 20'000, shape), 2'000u);
  }
}

// So many names that finished orders are forgotten.
TEST(Reference, FinishedOrdersAreForgottenOldestFirst) {
  const FlowShape shape{.symbols = 3, .names = 40'000, .price_range = 2'000};
  EXPECT_GT(Compare(1, 150'000, shape), 2'000u);
}

}  // namespace
}  // namespace quorumbook::exchange
