// Equal commands give equal states, however they were packed, timed or retried; and a state that
// went through a snapshot goes on as if it had not.
#include <gtest/gtest.h>

#include "event_text.h"
#include "exchange/exchange.h"
#include "random_batches.h"

namespace quorumbook::exchange {
namespace {

Exchange RunAll(const std::vector<Batch>& batches) {
  Exchange exchange;
  ApplyResult result;
  for (const Batch& batch : batches) exchange.Apply(batch, &result);
  return exchange;
}

TEST(Determinism, TheSameBatchesGiveTheSameState) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<Batch> batches = RandomBatches(seed, 1'000);
    const Exchange a = RunAll(batches);
    const Exchange b = RunAll(batches);
    EXPECT_GT(a.last_sequence(), 3'000u);
    EXPECT_EQ(a.Snapshot(), b.Snapshot());
    EXPECT_EQ(a.StateDigest(), b.StateDigest());
    EXPECT_EQ(a.MarketDigest(), b.MarketDigest());
    EXPECT_NE(a.MarketDigest(), RunAll(RandomBatches(seed + 100, 1'000)).MarketDigest());
  }
}

TEST(Determinism, PackingTimingAndRetriesDoNotShowInTheMarketDigest) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<Batch> batches = RandomBatches(seed, 1'000);
    const std::vector<Batch> retried = WithRetries(batches, seed);
    EXPECT_GT(retried.size(), Unpacked(batches).size() * 5 / 4);
    const Exchange once = RunAll(batches);
    EXPECT_EQ(RunAll(Unpacked(batches)).MarketDigest(), once.MarketDigest());
    EXPECT_EQ(RunAll(retried).MarketDigest(), once.MarketDigest());
    EXPECT_NE(RunAll(Unpacked(batches)).StateDigest(), once.StateDigest()) << "times are state";
  }
}

// As many events, the same book: what was refused is enough to be seen.
TEST(Determinism, EveryEventShowsInTheMarketDigest) {
  const auto run = [](uint64_t refused) {
    SessionCommands message{SessionId(1), 1, 0, {AddSymbol{"A", {1, 0}, {1, 0}}}};
    message.commands.emplace_back(CancelOrder{SymbolId(1), ClientOrderId(refused)});
    return RunAll({{0, {OpenSession{AccountId(1)}, message}}});
  };
  EXPECT_EQ(run(1).MarketDigest(), run(1).MarketDigest());
  EXPECT_NE(run(1).MarketDigest(), run(2).MarketDigest());
}

// Events, results and state after each batch, compared with a twin that is saved and restored.
TEST(Determinism, ASnapshotAtAnyPointChangesNothing) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const FlowShape shape{.names = seed % 2 == 0 ? 40u : 400u, .sparse = seed % 3 == 0};
    const std::vector<Batch> batches = WithRetries(RandomBatches(seed, 600, shape), seed);
    Exchange straight;
    Exchange saved;
    ApplyResult a;
    ApplyResult b;
    for (const Batch& batch : batches) {
      if (random.OneIn(20)) {
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
      ASSERT_EQ(a.commands.size(), b.commands.size());
      for (size_t i = 0; i < a.groups.size(); ++i) {
        ASSERT_EQ(a.groups[i].status, b.groups[i].status);
        ASSERT_EQ(a.groups[i].expected_sequence, b.groups[i].expected_sequence);
      }
    }
    EXPECT_EQ(straight.StateDigest(), saved.StateDigest());
    EXPECT_EQ(straight.MarketDigest(), saved.MarketDigest());
  }
}

TEST(Determinism, TimeNeverGoesBack) {
  Exchange exchange;
  ApplyResult result;
  exchange.Apply({.time = 50, .groups = {OpenSession{AccountId(1)}}}, &result);
  EXPECT_EQ(result.time, 50);
  const SessionCommands message{
      SessionId(1),
      1,
      0,
      {AddSymbol{"A", {1, 0}, {1, 0}},
       NewOrder{
           .symbol = SymbolId(1), .client_order_id = ClientOrderId(1), .price = 1, .quantity = 1}}};
  exchange.Apply({.time = 20, .groups = {message}}, &result);
  EXPECT_EQ(result.time, 50);
  EXPECT_EQ(exchange.time(), 50);
  EXPECT_EQ(exchange.FindOrder({AccountId(1), SymbolId(1), ClientOrderId(1)}).value().entered, 50);
  EXPECT_FALSE(exchange.FindOrder({AccountId(2), SymbolId(1), ClientOrderId(1)}).has_value());
}

}  // namespace
}  // namespace quorumbook::exchange
