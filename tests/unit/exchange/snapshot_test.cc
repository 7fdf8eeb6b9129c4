// Snapshots: everything comes back, and damage is found.
#include "exchange/snapshot.h"

#include <gtest/gtest.h>

#include <cstring>

#include "common/digest.h"
#include "event_text.h"
#include "exchange/exchange.h"
#include "random_batches.h"

namespace quorumbook::exchange {
namespace {

Exchange Sample(uint64_t seed, uint64_t batches = 60) {
  Exchange exchange;
  ApplyResult result;
  for (const Batch& batch : RandomBatches(seed, batches)) exchange.Apply(batch, &result);
  return exchange;
}

std::string Sealed(std::string bytes) {
  if (bytes.size() < kSnapshotHeaderBytes) return bytes;
  const uint64_t checksum = Checksum64(std::string_view(bytes).substr(kSnapshotHeaderBytes));
  std::memcpy(bytes.data() + sizeof(kSnapshotMagic), &checksum, sizeof(checksum));
  return bytes;
}

void ExpectDataLoss(const std::string& bytes) {
  const absl::StatusOr<Exchange> restored = Exchange::Restore(bytes);
  EXPECT_EQ(restored.status().code(), absl::StatusCode::kDataLoss);
}

// Nothing is damaged: another program wrote it.
void ExpectNotOurs(const std::string& bytes) {
  const absl::StatusOr<Exchange> restored = Exchange::Restore(bytes);
  EXPECT_EQ(restored.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Snapshot, OfAnEmptyExchange) {
  const std::string bytes = Exchange().Snapshot();
  const absl::StatusOr<Exchange> restored = Exchange::Restore(bytes);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->Snapshot(), bytes);
  EXPECT_EQ(restored->sessions(), 0u);
}

TEST(Snapshot, ViewsAreTheSameAfterwards) {
  const Exchange before = Sample(1, 2'000);
  const absl::StatusOr<Exchange> restored = Exchange::Restore(before.Snapshot());
  ASSERT_TRUE(restored.ok()) << restored.status();
  const Exchange& after = *restored;
  EXPECT_EQ(after.time(), before.time());
  EXPECT_EQ(after.last_sequence(), before.last_sequence());
  EXPECT_EQ(after.open_orders(), before.open_orders());
  EXPECT_EQ(after.sessions(), kSessions);
  EXPECT_EQ(after.MarketDigest(), before.MarketDigest());
  ASSERT_EQ(after.Symbols().size(), 3u);
  for (const SymbolInfo& symbol : before.Symbols()) {
    EXPECT_EQ(after.FindSymbol(symbol.name)->id, symbol.id);
    const auto trades = before.RecentTrades(symbol.id, SIZE_MAX);
    const auto trades_after = after.RecentTrades(symbol.id, SIZE_MAX);
    ASSERT_GT(trades.size(), 100u);
    ASSERT_EQ(trades_after.size(), trades.size());
    EXPECT_EQ(trades_after.back().id, trades.back().id);
    EXPECT_EQ(trades_after.front().time, trades.front().time);
  }
  uint64_t finished = 0;
  for (uint64_t account = 1; account <= kSessions; ++account) {
    for (uint64_t id = 1; id <= 40; ++id) {
      const OrderName name{AccountId(account), SymbolId(1), ClientOrderId(id)};
      const auto order = before.FindOrder(name);
      const auto order_after = after.FindOrder(name);
      ASSERT_EQ(order_after.has_value(), order.has_value());
      if (!order) continue;
      EXPECT_EQ(ToText(*order_after), ToText(*order));
      finished += order->leaves == 0;
    }
  }
  EXPECT_GT(finished, 10u);
}

TEST(Snapshot, TruncatedAtEveryLengthItIsRefused) {
  const std::string bytes = Sample(2, 12).Snapshot();
  ASSERT_GT(bytes.size(), 1'000u);
  for (size_t length = 0; length < bytes.size(); ++length) {
    SCOPED_TRACE(length);
    ExpectDataLoss(bytes.substr(0, length));
    if (length >= kSnapshotHeaderBytes) ExpectNotOurs(Sealed(bytes.substr(0, length)));
  }
  ExpectDataLoss(bytes + '\0');
  ExpectNotOurs(Sealed(bytes + '\0'));
}

TEST(Snapshot, AnyFlippedBitIsNoticed) {
  const std::string bytes = Sample(3, 12).Snapshot();
  for (size_t bit = 0; bit < bytes.size() * 8; bit += 3) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    SCOPED_TRACE(bit);
    if (bit / 8 >= sizeof(kSnapshotMagic)) {
      ExpectDataLoss(flipped);
    } else {  // looks like that of another version of the program
      EXPECT_EQ(Exchange::Restore(flipped).status().code(), absl::StatusCode::kFailedPrecondition);
    }
  }
}

// Behind a good checksum anything may stand: it is refused, or it is a state like any other, which
// goes on trading.
TEST(Snapshot, GarbageIsRefusedOrAState) {
  const std::string bytes = Sample(4, 100).Snapshot();
  uint64_t taken = 0;
  uint64_t refused = 0;
  for (uint64_t seed = 1; seed <= 4'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string mutated = bytes;
    for (uint64_t changes = 1 + random.Below(3); changes > 0; --changes) {
      mutated[random.Below(mutated.size())] = static_cast<char>(random.Below(256));
    }
    if (random.OneIn(8)) mutated.resize(random.Below(mutated.size()));
    mutated = Sealed(mutated);
    absl::StatusOr<Exchange> restored = Exchange::Restore(mutated);
    if (!restored.ok()) {
      ++refused;
      ASSERT_EQ(restored.status().code(), mutated.size() < kSnapshotHeaderBytes
                                              ? absl::StatusCode::kDataLoss
                                              : absl::StatusCode::kFailedPrecondition);
      continue;
    }
    ++taken;
    ASSERT_EQ(restored->Snapshot(), mutated);
    ApplyResult result;
    for (const Batch& batch : RandomBatches(seed, 10)) restored->Apply(batch, &result);
  }
  EXPECT_GT(taken, 300u);
  EXPECT_GT(refused, 300u);
}

// Found by a fuzzer: order ids that begin again lead to a state that can not be restored.
TEST(Snapshot, NumbersThatWouldBeginAgainAreRefused) {
  const std::string bytes = Sample(3, 20).Snapshot();
  constexpr size_t kLastEvent = kSnapshotHeaderBytes + 2 * sizeof(uint64_t);
  for (const size_t at : {kLastEvent, kLastEvent + sizeof(uint64_t)}) {
    const auto with = [&](uint64_t number) {
      std::string changed = bytes;
      std::memcpy(changed.data() + at, &number, sizeof(number));
      return Sealed(changed);
    };
    EXPECT_TRUE(Exchange::Restore(with(kMaxCount)).ok()) << at;
    ExpectNotOurs(with(kMaxCount + 1));
    ExpectNotOurs(with(UINT64_MAX));
    // Of somebody who lies: what the state leads to must be restored as well.
    EXPECT_EQ(Exchange::RestoreReceived(with(kMaxReceivedCount + 1)).status().code(),
              absl::StatusCode::kFailedPrecondition);
    absl::StatusOr<Exchange> received = Exchange::RestoreReceived(with(kMaxReceivedCount));
    ASSERT_TRUE(received.ok()) << received.status();
    ApplyResult result;
    for (const Batch& batch : RandomBatches(3, 20)) received->Apply(batch, &result);
    EXPECT_TRUE(Exchange::Restore(received->Snapshot()).ok()) << at;
  }
}

// Two minutes with a trade each, and how one of their candles stands in the snapshot.
class CandlesOfALiarTest : public testing::Test {
 protected:
  CandlesOfALiarTest() {
    ApplyResult result;
    exchange_.Apply({0, {OpenSession{AccountId(1)}}}, &result);
    std::vector<Command> commands = {AddSymbol{"A", {1, 0}, {1, 0}}};
    for (uint64_t id = 1; id <= 4; ++id) {
      commands.push_back(NewOrder{.symbol = SymbolId(1),
                                  .client_order_id = ClientOrderId(id),
                                  .side = id % 2 == 1 ? Side::kBuy : Side::kSell,
                                  .price = kPrice,
                                  .quantity = 1});
    }
    const auto send = [&](Time time, uint64_t first, size_t count) {
      SessionCommands group{SessionId(1), first, first - 1, {}};
      for (size_t i = 0; i < count; ++i) group.commands.push_back(commands[first - 1 + i]);
      exchange_.Apply({time, {group}}, &result);
    };
    send(kDay, 1, 3);
    send(kDay + kCandleLength[0], 4, 2);
    EXPECT_EQ(exchange_.Candles(SymbolId(1), CandleInterval::kMinute, 9).size(), 2u);
  }

  // The open minute comes first, then the finished one of each interval. All but the minutes begin
  // with the day.
  std::string With(size_t candle, size_t field, uint64_t number) const {
    constexpr size_t kPrices = 4;
    const Price prices[kPrices] = {kPrice, kPrice, kPrice, kPrice};
    std::string bytes = exchange_.Snapshot();
    const std::string_view four(reinterpret_cast<const char*>(prices), sizeof(prices));
    size_t at = bytes.find(four, bytes.find(four) + sizeof(prices));  // behind those of the symbol
    for (size_t i = 0; i < candle; ++i) at = bytes.find(four, at + sizeof(prices));
    EXPECT_NE(at, std::string::npos);
    std::memcpy(bytes.data() + at + field, &number, sizeof(number));
    return Sealed(bytes);
  }

  static constexpr Price kPrice = 0x1122334455;
  static constexpr Time kDay = kCandleLength[kCandleIntervals - 1];
  static constexpr size_t kStart = -sizeof(Time);
  static constexpr size_t kTrades = 4 * sizeof(Price);
  Exchange exchange_;
};

TEST_F(CandlesOfALiarTest, TheyAreReadAsTheyAre) {
  const Time open = kDay + kCandleLength[0];
  EXPECT_TRUE(Exchange::Restore(With(0, kStart, static_cast<uint64_t>(open))).ok());
  EXPECT_TRUE(Exchange::Restore(With(1, kStart, static_cast<uint64_t>(kDay))).ok());
  EXPECT_TRUE(Exchange::Restore(With(1, kTrades, 1)).ok());
}

// The next minute would make the next snapshot one that is refused.
TEST_F(CandlesOfALiarTest, FinishedOnesOfAnyIntervalThatBeginAfterTheOpenMinuteAreRefused) {
  for (size_t i = 1; i <= kCandleIntervals; ++i) {
    SCOPED_TRACE(i);
    ExpectNotOurs(With(i, kStart, static_cast<uint64_t>(2 * kDay)));
  }
}

TEST_F(CandlesOfALiarTest, MoreTradesThanThereWereAreRefused) {
  for (size_t i = 0; i <= kCandleIntervals; ++i) {
    SCOPED_TRACE(i);
    ExpectNotOurs(With(i, kTrades, 3));
    ExpectNotOurs(With(i, kTrades, UINT64_MAX));
  }
  ExpectNotOurs(With(0, kTrades, 2));  // the finished one has one of the two
}

TEST(Snapshot, ACrossedBookIsRefused) {
  Exchange exchange;
  ApplyResult result;
  const auto order = [](uint64_t id, Side side, Price price) {
    return NewOrder{.symbol = SymbolId(1),
                    .client_order_id = ClientOrderId(id),
                    .side = side,
                    .price = price,
                    .quantity = 1};
  };
  constexpr Price kBid = 0x1122334455;
  exchange.Apply({0,
                  {OpenSession{AccountId(1)},
                   SessionCommands{SessionId(1),
                                   1,
                                   0,
                                   {AddSymbol{"A", {1, 0}, {1, 0}}, order(1, Side::kBuy, kBid),
                                    order(2, Side::kSell, kBid + 1)}}}},
                 &result);
  std::string bytes = exchange.Snapshot();
  const Price ask = kBid + 1;
  // The first place where the ask's price stands is its level.
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&ask), sizeof(ask)));
  ASSERT_NE(at, std::string::npos);
  std::memcpy(bytes.data() + at, &kBid, sizeof(kBid));
  ExpectNotOurs(Sealed(bytes));
  std::memcpy(bytes.data() + at, &ask, sizeof(ask));
  EXPECT_TRUE(Exchange::Restore(Sealed(bytes)).ok());
}

// The order in which sessions were used decides which is evicted: it must come back as well.
// More minutes than are kept: the oldest are forgotten, before and after a snapshot alike.
TEST(Snapshot, CandlesUpToTheirBoundComeBack) {
  constexpr Time kMinute = kCandleLength[0];
  constexpr Time kMinutes = 2 * Time{kMaxCandles[0]} + 7;
  Exchange exchange;
  ApplyResult result;
  const auto run = [&](uint64_t sequence, Time time, const Command& command) {
    exchange.Apply({time, {SessionCommands{SessionId(1), sequence, sequence - 1, {command}}}},
                   &result);
  };
  exchange.Apply({0, {OpenSession{AccountId(1)}}}, &result);
  run(1, 0, AddSymbol{"A", {1, 0}, {1, 0}});
  for (Time minute = 0; minute < kMinutes; ++minute) {
    for (const Side side : {Side::kBuy, Side::kSell}) {
      const auto id = static_cast<uint64_t>(2 * minute) + (side == Side::kBuy ? 2 : 3);
      run(id, minute * kMinute,
          NewOrder{.symbol = SymbolId(1),
                   .client_order_id = ClientOrderId(id),
                   .side = side,
                   .price = 5,
                   .quantity = 1});
    }
  }
  const std::vector<Candle> candles =
      exchange.Candles(SymbolId(1), CandleInterval::kMinute, SIZE_MAX);
  ASSERT_EQ(candles.size(), kMaxCandles[0]);
  EXPECT_EQ(candles.front().start, (kMinutes - Time{kMaxCandles[0]}) * kMinute);
  EXPECT_EQ(candles.back().start, (kMinutes - 1) * kMinute);
  const std::string bytes = exchange.Snapshot();
  const absl::StatusOr<Exchange> restored = Exchange::Restore(bytes);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->Snapshot(), bytes);
  EXPECT_EQ(restored->Candles(SymbolId(1), CandleInterval::kMinute, SIZE_MAX).size(),
            kMaxCandles[0]);
}

// As many open orders as there may be, and finished ones besides.
TEST(Snapshot, OpenOrdersUpToTheirBoundComeBackBesideFinishedOnes) {
  constexpr uint64_t kMost = 3;
  ReplicatedState state{
      .time = 0, .group_hash = 0, .market = Market(kMost), .sessions = SessionTable()};
  std::vector<Event> events;
  const CommandContext context{.account = AccountId(1), .time = 0, .events = &events};
  const auto enter = [&](uint64_t id, TimeInForce time_in_force) {
    state.market.Execute(context, NewOrder{.symbol = SymbolId(1),
                                           .client_order_id = ClientOrderId(id),
                                           .time_in_force = time_in_force,
                                           .price = 5,
                                           .quantity = 1});
  };
  state.market.Execute(context, AddSymbol{"A", {1, 0}, {1, 0}});
  for (uint64_t id = 1; id <= kMost; ++id) enter(id, TimeInForce::kGoodTillCancel);
  enter(7, TimeInForce::kImmediateOrCancel);
  ASSERT_EQ(state.market.orders().open_orders(), kMost);
  ASSERT_EQ(state.market.orders().finished_orders(), 1u);
  const std::string bytes = WriteSnapshot(state);
  const auto restore = [&](uint64_t most) {
    ReplicatedState copy{
        .time = 0, .group_hash = 0, .market = Market(most), .sessions = SessionTable()};
    return ReadSnapshot(bytes, kMaxCount, &copy);
  };
  EXPECT_EQ(restore(kMost), absl::OkStatus());
  EXPECT_EQ(restore(kMost - 1).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Snapshot, AnOrderTakesAtMost64Bytes) {
  Exchange exchange;
  ApplyResult result;
  exchange.Apply({1, {OpenSession{AccountId(1)}}}, &result);
  exchange.Apply({2, {SessionCommands{SessionId(1), 1, 0, {AddSymbol{"A", {1, 0}, {1, 0}}}}}},
                 &result);
  uint64_t entered = 0;
  // Each has a price of its own, at far away times. What a session remembers of results is not
  // what an order takes: they are acknowledged.
  const auto enter = [&](uint64_t count) {
    for (; count > 0; --count) {
      ++entered;
      const NewOrder order{.symbol = SymbolId(1),
                           .client_order_id = ClientOrderId(entered * 0x9e3779b97f4a7c15),
                           .price = static_cast<Price>(kMaxPrice - entered * 1'000'003),
                           .quantity = static_cast<Quantity>(kMaxQuantity - entered)};
      exchange.Apply({static_cast<Time>(entered * 1'000'000'007),
                      {SessionCommands{SessionId(1), 1 + entered, entered, {order}}}},
                     &result);
    }
    return exchange.Snapshot().size();
  };
  const size_t before = enter(1'000);
  const size_t after = enter(9'000);
  ASSERT_EQ(exchange.open_orders(), 10'000u);
  EXPECT_LE((after - before) / 9'000.0, 64.0);
  EXPECT_GT((after - before) / 9'000.0, 24.0) << "it has them";
}

TEST(Snapshot, SessionsComeBackInTheOrderOfTheirUse) {
  Exchange exchange;
  ApplyResult result;
  Batch open;
  for (uint64_t i = 0; i < kMaxSessions; ++i) {
    open.groups.emplace_back(OpenSession{AccountId(1 + i % 100)});
  }
  exchange.Apply(open, &result);
  const SessionCommands use{SessionId(1), 1, 0, {CancelOrder{SymbolId(1), ClientOrderId(1)}}};
  exchange.Apply({0, {use}}, &result);
  absl::StatusOr<Exchange> restored = Exchange::Restore(exchange.Snapshot());
  ASSERT_TRUE(restored.ok()) << restored.status();
  restored->Apply(
      {0, {OpenSession{AccountId(1)}, CloseSession{SessionId(1)}, CloseSession{SessionId(2)}}},
      &result);
  EXPECT_EQ(result.groups[0].session, SessionId(kMaxSessions + 1));
  EXPECT_EQ(result.groups[1].status, SessionStatus::kOk);
  EXPECT_EQ(result.groups[2].status, SessionStatus::kUnknown) << "the least recently used";
}

}  // namespace
}  // namespace quorumbook::exchange
