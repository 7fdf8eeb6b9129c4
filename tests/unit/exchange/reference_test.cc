// The real market against the slow one, on random sequences: every event and the whole state.
//
// 794,000 commands. QUORUMBOOK_REFERENCE_ROUNDS=20 compares 20 times as many, from other seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "event_text.h"
#include "exchange/exchange.h"
#include "flow_coverage.h"
#include "random_flow.h"
#include "reference_market.h"

namespace quorumbook::exchange {
namespace {

constexpr uint64_t kAccounts = 4;

bool Same(const OrderInfo& a, const OrderInfo& b) {
  return std::tie(a.id, a.client_order_id, a.account, a.symbol, a.side, a.type, a.time_in_force,
                  a.status, a.reason, a.price, a.quantity, a.leaves, a.executed, a.entered,
                  a.changed, a.self_trade, a.post_only, a.parked, a.displayed) ==
             std::tie(b.id, b.client_order_id, b.account, b.symbol, b.side, b.type, b.time_in_force,
                      b.status, b.reason, b.price, b.quantity, b.leaves, b.executed, b.entered,
                      b.changed, b.self_trade, b.post_only, b.parked, b.displayed) &&
         a.terms == b.terms;
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

void ExpectSameCandles(const Exchange& real, const ReferenceMarket& wanted, SymbolId symbol) {
  for (const CandleInterval interval : {CandleInterval::kMinute, CandleInterval::k5Minutes,
                                        CandleInterval::kHour, CandleInterval::kDay}) {
    const std::vector<Candle> candles = real.Candles(symbol, interval, SIZE_MAX);
    const std::vector<Candle> wanted_candles = wanted.Candles(symbol, interval);
    ASSERT_EQ(candles.size(), wanted_candles.size());
    for (size_t i = 0; i < candles.size(); ++i) {
      const Candle& a = candles[i];
      const Candle& b = wanted_candles[i];
      EXPECT_EQ(std::tie(a.start, a.open, a.high, a.low, a.close, a.trades),
                std::tie(b.start, b.open, b.high, b.low, b.close, b.trades));
      EXPECT_TRUE(a.volume == b.volume && a.notional == b.notional);
    }
  }
}

void ExpectSameSymbol(const SymbolInfo& real, const SymbolInfo& wanted) {
  EXPECT_EQ(real.name, wanted.name);
  EXPECT_EQ(real.tick_size, wanted.tick_size);
  EXPECT_EQ(real.lot_size, wanted.lot_size);
  EXPECT_EQ(real.base, wanted.base);
  EXPECT_EQ(real.quote, wanted.quote);
  EXPECT_EQ(real.rules, wanted.rules);
  EXPECT_EQ(real.phase, wanted.phase);
  EXPECT_EQ(real.delisted, wanted.delisted);
  EXPECT_EQ(real.reference_price, wanted.reference_price);
}

void ExpectSameAuction(const Exchange& real, const ReferenceMarket& wanted, SymbolId symbol) {
  const auto auction = real.Indicative(symbol);
  const auto wanted_auction = wanted.Indicative(symbol);
  ASSERT_EQ(auction.has_value(), wanted_auction.has_value());
  if (!auction) return;
  EXPECT_EQ(auction->price, wanted_auction->price);
  EXPECT_EQ(auction->volume, wanted_auction->volume);
  EXPECT_EQ(auction->surplus, wanted_auction->surplus);
}

void ExpectSameAssets(const Exchange& real, const ReferenceMarket& wanted) {
  ASSERT_EQ(real.Assets().size(), wanted.assets());
  for (const AssetInfo& asset : real.Assets()) {
    const AssetInfo other = wanted.FindAsset(asset.id);
    EXPECT_EQ(asset.name, other.name);
    EXPECT_EQ(asset.exponent, other.exponent);
    EXPECT_EQ(asset.deposited, other.deposited);
    EXPECT_EQ(asset.fees, other.fees);
  }
}

void ExpectSameAccount(const AccountInfo& real, const AccountInfo& wanted) {
  EXPECT_EQ(real.limits, wanted.limits);
  EXPECT_EQ(real.blocked, wanted.blocked);
  EXPECT_EQ(real.open_orders, wanted.open_orders);
  for (const BalanceInfo& balance : wanted.balances) {
    BalanceInfo found{.asset = balance.asset};
    for (const BalanceInfo& one : real.balances) {
      if (one.asset == balance.asset) found = one;
    }
    EXPECT_EQ(found.free, balance.free);
    EXPECT_EQ(found.held, balance.held);
    EXPECT_EQ(found.position_limit, balance.position_limit);
  }
}

void ExpectSameState(const Exchange& real, const ReferenceMarket& wanted) {
  ASSERT_EQ(real.Symbols().size(), wanted.symbols());
  EXPECT_EQ(real.open_orders(), wanted.open_orders());
  for (const SymbolInfo& symbol : real.Symbols()) {
    ExpectSameSide(real, wanted, symbol.id, Side::kBuy);
    ExpectSameSide(real, wanted, symbol.id, Side::kSell);
    ExpectSameTrades(real, wanted, symbol.id);
    ExpectSameCandles(real, wanted, symbol.id);
    ExpectSameSymbol(symbol, wanted.FindSymbol(symbol.id));
    ExpectSameAuction(real, wanted, symbol.id);
  }
  ExpectSameAssets(real, wanted);
  for (uint64_t id = 1; id <= kAccounts; ++id) {
    // One that nothing was done with is not known.
    ExpectSameAccount(real.FindAccount(AccountId(id)).value_or(AccountInfo()),
                      wanted.FindAccount(AccountId(id)));
  }
  for (const auto& entry : wanted.orders()) {
    const auto& [account, symbol, id] = entry.first;
    const OrderName name{account, symbol, id};
    const auto found = real.FindOrder(name);
    ASSERT_TRUE(found.has_value()) << ToText(entry.second);
    ExpectSameOrder(*found, *wanted.FindOrder(name));
  }
}

// From here on `exchange` is one that came from a snapshot, which gives the same bytes again.
void SaveAndRestore(Exchange* exchange) {
  const std::string bytes = exchange->Snapshot();
  absl::StatusOr<Exchange> restored = Exchange::Restore(bytes);
  ASSERT_TRUE(restored.ok()) << restored.status();
  *exchange = *std::move(restored);
  EXPECT_EQ(exchange->Snapshot(), bytes);
}

// Runs `commands` random commands in batches of a few; compares every event, and now and then the
// whole state, and goes through a snapshot. Returns how many fills there were, to show that
// something happened.
uint64_t Compare(uint64_t seed, uint64_t commands, const FlowShape& shape,
                 FlowCoverage* coverage = nullptr) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Exchange real;
  ReferenceMarket wanted;
  ApplyResult result;
  Random random(seed);
  RandomFlow flow(seed * 31 + 7, shape);
  for (uint64_t i = 0; i < kAccounts; ++i) {
    real.Apply({0, {OpenSession{AccountId(i + 1), /*cancel_on_disconnect=*/i == 3}}}, &result);
  }
  std::vector<uint64_t> next(kAccounts, 1);
  const std::vector<Command> setup =
      shape.everything ? RandomFlow::Setup() : std::vector<Command>();
  uint64_t fills = 0;
  for (uint64_t done = 0, step = 0; done < commands; ++step) {
    Batch batch{.time = static_cast<Time>(step) * shape.tick, .groups = {}};
    std::vector<Event> events = wanted.BeginBatch(batch.time);
    if (coverage != nullptr) coverage->Others(wanted, events);
    const auto expect = [&](const std::vector<Event>& more) {
      events.insert(events.end(), more.begin(), more.end());
    };
    for (uint64_t group = random.Below(4); group > 0; --group) {
      const uint64_t who = random.Below(kAccounts);
      if (shape.everything && random.OneIn(100)) {
        batch.groups.emplace_back(SessionLost{SessionId(who + 1)});
        if (who == 3) {
          expect(wanted.Disconnect(AccountId(who + 1), batch.time));
          if (coverage != nullptr) coverage->Others(wanted, wanted.last_events());
        }
        continue;
      }
      SessionCommands message{SessionId(who + 1), next[who], next[who] - 1, {}};
      for (uint64_t count = 1 + random.Below(5); count > 0; --count) {
        const Command command = done < setup.size()       ? setup[done]
                                : done < 4 + setup.size() ? flow.NewSymbol()
                                                          : flow.Next(batch.time);
        if (coverage != nullptr) coverage->Before(wanted, AccountId(who + 1), command);
        expect(wanted.Execute(AccountId(who + 1), command, batch.time));
        if (coverage != nullptr) coverage->After(wanted, wanted.last_events());
        message.commands.push_back(command);
        ++next[who];
        ++done;
      }
      batch.groups.push_back(message);
    }
    real.Apply(batch, &result);
    for (size_t i = 0; i < std::min(events.size(), result.events.size()); ++i) {
      EXPECT_EQ(result.events[i], events[i]) << "seed " << seed << ", command " << done;
      if (testing::Test::HasFailure()) return 0;
      fills += events[i].type == EventType::kTrade;
    }
    EXPECT_EQ(result.events.size(), events.size()) << "seed " << seed << ", command " << done;
    if (step % (commands / 32) == 0 && done > setup.size()) ExpectSameState(real, wanted);
    // A snapshot takes time proportional to the orders there are, which grow with the commands.
    if (random.OneIn(std::max<uint64_t>(300, commands / 50))) SaveAndRestore(&real);
    if (testing::Test::HasFailure()) return 0;
  }
  ExpectSameState(real, wanted);
  return fills;
}

// The seeds from `first` to `last`, and for each further round as many others.
std::vector<uint64_t> Seeds(uint64_t first, uint64_t last) {
  const char* const rounds = std::getenv("QUORUMBOOK_REFERENCE_ROUNDS");
  std::vector<uint64_t> seeds;
  for (uint64_t round = 0; round < (rounds == nullptr ? 1 : std::stoull(rounds)); ++round) {
    for (uint64_t seed = first; seed <= last; ++seed) seeds.push_back(1'000'000 * round + seed);
  }
  return seeds;
}

TEST(Reference, FewPricesManyMeetings) {
  for (const uint64_t seed : Seeds(1, 30)) {
    EXPECT_GT(Compare(seed, 20'000, {}), 2'000u);
  }
}

TEST(Reference, ManyOrdersDeepBooks) {
  const FlowShape shape{.symbols = 2, .names = 2'000, .price_range = 400};
  for (const uint64_t seed : Seeds(1, 10)) {
    EXPECT_GT(Compare(seed, 20'000, shape), 2'000u);
  }
}

TEST(Reference, PricesOverNineDecades) {
  const FlowShape shape{.symbols = 1, .names = 500, .sparse = true};
  for (const uint64_t seed : Seeds(1, 10)) {
    EXPECT_GT(Compare(seed, 20'000, shape), 2'000u);
  }
}

// All kinds of commands: special orders, phases, auctions, accounts, limits, sweeps. Together they
// meet what FlowCoverage wants: every kind of order entered in every phase, and ended in every way.
// Work that takes more than one step, and orders with more fills than one may have, are not in it:
// the reference knows no steps (long_work_test.cc).
TEST(Reference, Everything) {
  FlowCoverage coverage;
  for (const uint64_t seed : Seeds(1, 60)) {
    const FlowShape shape{.names = seed % 2 == 0 ? 30u : 200u,
                          .price_range = seed % 3 == 0 ? 40 : 14,
                          .everything = true,
                          .tick = 2'000'000'000};
    EXPECT_GT(Compare(seed, 8'000, shape, &coverage), 100u);
  }
  for (const uint64_t seed : Seeds(101, 220)) {
    const FlowShape shape{
        .symbols = 6, .names = 20, .everything = true, .tick = 2'000'000'000, .delist_odds = 8};
    Compare(seed, 6'000, shape, &coverage);
  }
  for (const std::string& name : coverage.Missing()) ADD_FAILURE() << "never met: " << name;
}

// So many names that finished orders are forgotten.
TEST(Reference, FinishedOrdersAreForgottenOldestFirst) {
  const FlowShape shape{.symbols = 3, .names = 40'000, .price_range = 2'000};
  for (const uint64_t seed : Seeds(1, 1)) EXPECT_GT(Compare(seed, 150'000, shape), 2'000u);
}

}  // namespace
}  // namespace quorumbook::exchange
