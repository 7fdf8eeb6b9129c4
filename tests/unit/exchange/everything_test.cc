// What must hold after every batch, whatever is sent: all kinds of orders and commands at random.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "event_text.h"
#include "exchange/exchange.h"
#include "feed_book.h"
#include "random_batches.h"

namespace quorumbook::exchange {
namespace {

constexpr FlowShape kEverything{.names = 60, .price_range = 14, .everything = true};

void ExpectFeedTellsTheBook(const Exchange& exchange, const FeedBook& feed) {
  for (const SymbolInfo& symbol : exchange.Symbols()) {
    for (const Side side : {Side::kBuy, Side::kSell}) {
      std::vector<FeedBook::Entry> book;
      for (const OrderInfo& order : exchange.GetOrders(symbol.id, side, SIZE_MAX)) {
        book.push_back({order.id, order.price, order.leaves, order.displayed});
      }
      ASSERT_EQ(book, feed.Orders(symbol.id, side)) << symbol.name << ' ' << ToText(side);
    }
  }
}

void ExpectSoundBooks(const Exchange& exchange) {
  for (const SymbolInfo& symbol : exchange.Symbols()) {
    const Depth depth = exchange.GetDepth(symbol.id, SIZE_MAX);
    if (symbol.phase == Phase::kContinuous && !depth.bids.empty() && !depth.asks.empty()) {
      ASSERT_LT(depth.bids[0].price, depth.asks[0].price) << symbol.name << " is crossed";
    }
    for (const Side side : {Side::kBuy, Side::kSell}) {
      std::map<Price, Quantity> shown;
      for (const OrderInfo& order : exchange.GetOrders(symbol.id, side, SIZE_MAX)) {
        ASSERT_GT(order.displayed, 0);
        ASSERT_LE(order.displayed, order.leaves);
        shown[order.price] += order.displayed;
      }
      for (const LevelInfo& level : side == Side::kBuy ? depth.bids : depth.asks) {
        ASSERT_EQ(level.quantity, shown[level.price]);
        shown.erase(level.price);
      }
      ASSERT_TRUE(shown.empty());
    }
  }
}

TEST(Everything, NothingIsCreatedLostOrCrossedAndEventsTellTheBook) {
  std::map<EventType, uint64_t> seen;
  std::map<Reason, uint64_t> reasons;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Exchange exchange;
    FeedBook feed;
    ApplyResult result;
    uint64_t sequence = 0;
    for (const Batch& batch : RandomBatches(seed, 1'200, kEverything)) {
      exchange.Apply(batch, &result);
      for (const Event& event : result.events) {
        ASSERT_EQ(event.sequence, ++sequence);
        ASSERT_GE(event.leaves, 0) << event;
        feed.Apply(event);
        ++seen[event.type];
        ++reasons[event.reason];
      }
      const absl::Status conserved = exchange.CheckConservation();
      ASSERT_TRUE(conserved.ok()) << conserved;
      ASSERT_EQ(feed.out_of_turn(), 0u) << "price, then time";
      ExpectSoundBooks(exchange);
      ExpectFeedTellsTheBook(exchange, feed);
      ASSERT_FALSE(HasFailure());
    }
  }
  for (int type = 1; type <= static_cast<int>(kLastEventType); ++type) {
    EXPECT_GT(seen[static_cast<EventType>(type)], 0u) << "event type " << type;
  }
  for (const Reason reason :
       {Reason::kWrongPhase, Reason::kPriceOutsideBand, Reason::kWouldTrade, Reason::kExpired,
        Reason::kDayOver, Reason::kSelfTradePrevented, Reason::kMinimumNotMet, Reason::kKillSwitch,
        Reason::kDisconnected, Reason::kProtectionReached, Reason::kInsufficientBalance,
        Reason::kPositionLimit, Reason::kOpenOrderLimit, Reason::kNotionalLimit}) {
    EXPECT_GT(reasons[reason], 0u) << ToText(reason);
  }
}

// Events, groups and running digest after each batch, compared with a twin that is saved and
// restored; and at every such point the same bytes.
TEST(Everything, ASnapshotAtAnyPointChangesNothing) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Exchange straight;
    Exchange saved;
    ApplyResult a;
    ApplyResult b;
    for (const Batch& batch : WithRetries(RandomBatches(seed + 50, 500, kEverything), seed)) {
      if (random.OneIn(15)) {
        const std::string bytes = saved.Snapshot();
        absl::StatusOr<Exchange> restored = Exchange::Restore(bytes);
        ASSERT_TRUE(restored.ok()) << restored.status();
        saved = *std::move(restored);
        ASSERT_EQ(saved.Snapshot(), bytes);
        ASSERT_EQ(straight.Snapshot(), bytes);
      }
      straight.Apply(batch, &a);
      saved.Apply(batch, &b);
      ASSERT_EQ(a.events, b.events);
      ASSERT_EQ(straight.RunningDigest(), saved.RunningDigest());
      ASSERT_EQ(straight.NextDeadline(), saved.NextDeadline());
    }
    EXPECT_EQ(straight.StateDigest(), saved.StateDigest());
    EXPECT_EQ(straight.MarketDigest(), saved.MarketDigest());
  }
}

// The running digest tells apart what differs in a time, a group or an event alone.
TEST(Everything, TheRunningDigestTakesAllIn) {
  const auto digest = [](Time time, const std::vector<Group>& groups) {
    Exchange exchange;
    ApplyResult result;
    exchange.Apply({time, groups}, &result);
    return exchange.RunningDigest();
  };
  const OpenSession open{AccountId(1)};
  const SessionCommands commands{SessionId(1), 1, 0, {AddAsset{"A", 0}}};
  const SessionCommands others{SessionId(1), 1, 0, {AddAsset{"", 0}}};
  EXPECT_EQ(digest(1, {open, commands}), digest(1, {open, commands}));
  EXPECT_NE(digest(1, {open, commands}), digest(2, {open, commands}));
  EXPECT_NE(digest(1, {open, commands}), digest(1, {open, others}));
  EXPECT_NE(digest(1, {open, commands}), digest(1, {open, open, commands}));
  // These two are refused for different reasons, and differ in nothing else.
  const SessionCommands unknown{SessionId(9), 1, 0, {AddAsset{"A", 0}}};
  const SessionCommands invalid{SessionId(9), 0, 0, {AddAsset{"A", 0}}};
  EXPECT_NE(digest(1, {open, unknown}), digest(1, {open, invalid}));
  EXPECT_NE(digest(1, {}), Exchange().RunningDigest());
}

// Pages of open orders, one after the other, are all of them by order id.
TEST(Everything, OpenOrdersInPages) {
  Exchange exchange;
  ApplyResult result;
  for (const Batch& batch : RandomBatches(3, 1'000)) exchange.Apply(batch, &result);
  for (uint64_t account = 1; account <= kSessions; ++account) {
    std::vector<OrderId> wanted;
    for (const SymbolInfo& symbol : exchange.Symbols()) {
      for (const Side side : {Side::kBuy, Side::kSell}) {
        for (const OrderInfo& order : exchange.GetOrders(symbol.id, side, SIZE_MAX)) {
          if (order.account == AccountId(account)) wanted.push_back(order.id);
        }
      }
    }
    std::ranges::sort(wanted);
    ASSERT_GT(wanted.size(), 10u);
    std::vector<OrderId> paged;
    for (OrderId after;;) {
      const std::vector<OrderInfo> page = exchange.OpenOrders(AccountId(account), 3, after);
      ASSERT_LE(page.size(), 3u);
      if (page.empty()) break;
      for (const OrderInfo& order : page) {
        ASSERT_GT(order.id, after);
        after = order.id;
        if (!order.parked) paged.push_back(order.id);
      }
    }
    EXPECT_EQ(paged, wanted);
    EXPECT_TRUE(exchange.OpenOrders(AccountId(account), 0).empty());
    std::vector<OrderId> by_symbol;
    for (const SymbolInfo& symbol : exchange.Symbols()) {
      for (OrderId after;;) {
        const auto page = exchange.OpenOrdersIn(AccountId(account), symbol.id, 3, after);
        ASSERT_LE(page.size(), 3u);
        if (page.empty()) break;
        for (const OrderInfo& order : page) {
          ASSERT_EQ(order.symbol, symbol.id);
          ASSERT_EQ(order.account, AccountId(account));
          ASSERT_GT(order.id, after);
          after = order.id;
          if (!order.parked) by_symbol.push_back(order.id);
        }
      }
    }
    std::ranges::sort(by_symbol);
    EXPECT_EQ(by_symbol, wanted);
  }
}

}  // namespace
}  // namespace quorumbook::exchange
