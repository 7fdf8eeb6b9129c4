#include "exchange/session_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "exchange/event_codec.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {
namespace {

constexpr AccountId kAccount(1);

// Executes one command of a session, as the exchange does: uses it, then keeps its result.
void Execute(SessionTable* table, SessionId id) {
  Session* session = table->Use(id);
  ASSERT_NE(session, nullptr);
  const std::vector<Event> events(1);
  const CommandResult command{.event_count = 1};
  table->Append(session, {&command, 1}, events);
  ++session->next_sequence;
}

TEST(SessionTable, WhatAllKeepIsBoundedAndTheLeastRecentlyUsedGoes) {
  SessionTable table(/*max_result_bytes=*/10 * kEventBytes);
  const SessionId oldest = table.Open(kAccount).id;
  const SessionId hog = table.Open(kAccount).id;
  const SessionId last = table.Open(kAccount).id;
  for (int i = 0; i < 4; ++i) Execute(&table, oldest);
  for (int i = 0; i < 4; ++i) Execute(&table, last);
  for (int i = 0; i < 2; ++i) Execute(&table, hog);
  EXPECT_EQ(table.result_bytes(), 10 * kEventBytes);
  EXPECT_EQ(table.size(), 3u);
  Execute(&table, hog);
  EXPECT_EQ(table.Use(oldest), nullptr) << "used least recently";
  EXPECT_NE(table.Use(last), nullptr);
  EXPECT_EQ(table.result_bytes(), 7 * kEventBytes);
  EXPECT_TRUE(table.TakeDisconnected().empty());
}

TEST(SessionTable, TellsWhoseOrdersGoWithAnEvictedSession) {
  SessionTable table(/*max_result_bytes=*/2 * kEventBytes);
  const SessionId closed = table.Open(AccountId(4), /*cancel_on_disconnect=*/true).id;
  EXPECT_TRUE(table.Close(closed));
  EXPECT_TRUE(table.TakeDisconnected().empty()) << "who closes knows";
  table.Open(AccountId(2), /*cancel_on_disconnect=*/true);
  table.Open(AccountId(3));
  const SessionId hog = table.Open(AccountId(5), /*cancel_on_disconnect=*/true).id;
  for (int i = 0; i < 3; ++i) Execute(&table, hog);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.TakeDisconnected(), std::vector<AccountId>{AccountId(2)});
  EXPECT_TRUE(table.TakeDisconnected().empty()) << "told once";
}

TEST(SessionTable, ASessionAloneIsNotEvictedByItself) {
  SessionTable table(/*max_result_bytes=*/3 * kEventBytes);
  const SessionId id = table.Open(kAccount).id;
  for (int i = 0; i < 5; ++i) Execute(&table, id);
  EXPECT_NE(table.Use(id), nullptr);
  EXPECT_EQ(table.result_bytes(), 5 * kEventBytes);
}

TEST(SessionTable, WhatIsAcknowledgedOrClosedCountsNoMore) {
  SessionTable table;
  const SessionId one = table.Open(kAccount).id;
  const SessionId two = table.Open(kAccount).id;
  for (int i = 0; i < 6; ++i) Execute(&table, one);
  for (int i = 0; i < 2; ++i) Execute(&table, two);
  table.Acknowledge(table.Use(one), 4);
  EXPECT_EQ(table.result_bytes(), 4 * kEventBytes);
  table.Acknowledge(table.Use(one), 3);
  EXPECT_EQ(table.result_bytes(), 4 * kEventBytes) << "an old acknowledgement";
  EXPECT_TRUE(table.Close(two));
  EXPECT_EQ(table.result_bytes(), 2 * kEventBytes);
}

TEST(SessionTable, RestoringCountsAndHoldsToTheBound) {
  SessionTable table(/*max_result_bytes=*/2 * kEventBytes);
  table.set_last_id(1);
  std::string events;
  EncodeEvent(Event(), &events);
  Session* session = table.Restore(SessionId(1), kAccount, false, 4);
  ASSERT_NE(session, nullptr);
  EXPECT_TRUE(table.RestoreResult(session, events));
  EXPECT_TRUE(table.RestoreResult(session, events));
  EXPECT_FALSE(table.RestoreResult(session, events));
  EXPECT_EQ(table.result_bytes(), 2 * kEventBytes);
}

NewOrder Limit(Side side, uint64_t id, Quantity quantity) {
  return {.symbol = SymbolId(1),
          .client_order_id = ClientOrderId(id),
          .side = side,
          .price = 100,
          .quantity = quantity};
}

// A batch of repeats asks for far more events than commands: they are not all answered at once.
TEST(Batch, BringsAboutABoundedNumberOfEvents) {
  Exchange exchange;
  ApplyResult result;
  SessionCommands makers{SessionId(1), 1, 0, {AddSymbol{"AMZN", {1, -2}, {1, 0}}}};
  for (uint64_t id = 1; id < kMaxFillsPerCommand; ++id) {
    makers.commands.push_back(Limit(Side::kSell, id, 1));
  }
  const SessionCommands sweep{SessionId(2), 1, 0, {Limit(Side::kBuy, 1, kMaxFillsPerCommand - 1)}};
  exchange.Apply({0, {OpenSession{kAccount}, OpenSession{kAccount}, makers}}, &result);
  ASSERT_EQ(result.groups[2].status, SessionStatus::kOk);
  exchange.Apply(
      {0,
       {SessionCommands{SessionId(2), 1, 0, {Limit(Side::kBuy, 99'999, kMaxFillsPerCommand - 1)}}}},
      &result);
  ASSERT_EQ(result.events.size(), kMaxFillsPerCommand);
  const Digest before = exchange.MarketDigest();

  const size_t fit = kMaxBatchEvents / kMaxFillsPerCommand;
  exchange.Apply({0, std::vector<Group>(fit + 5, sweep)}, &result);
  EXPECT_EQ(result.events.size(), kMaxBatchEvents);
  EXPECT_EQ(result.groups[fit - 1].status, SessionStatus::kOk);
  EXPECT_EQ(result.groups[fit].status, SessionStatus::kBatchFull);
  EXPECT_EQ(result.groups[fit].command_count, 0u);
  exchange.Apply({0, {sweep}}, &result);
  EXPECT_EQ(result.groups[0].status, SessionStatus::kOk) << "the next batch answers it";
  EXPECT_EQ(exchange.MarketDigest(), before);
}

}  // namespace
}  // namespace quorumbook::exchange
