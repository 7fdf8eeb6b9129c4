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

TEST(SessionTable, WhatAllKeepIsBoundedAndWhoHoldsMostGoes) {
  SessionTable table(/*max_result_bytes=*/16 * kEventBytes);
  const SessionId idle = table.Open(AccountId(2)).id;
  const SessionId some = table.Open(AccountId(3)).id;
  Execute(&table, some);
  // One that acknowledges nothing, in one session after the other.
  std::vector<SessionId> hogs;
  for (const int results : {4, 6, 5}) {
    hogs.push_back(table.Open(kAccount).id);
    for (int i = 0; i < results; ++i) Execute(&table, hogs.back());
  }
  EXPECT_EQ(table.result_bytes(), 16 * kEventBytes);
  EXPECT_EQ(table.size(), 5u);
  Execute(&table, hogs[2]);
  EXPECT_EQ(table.Use(hogs[1]), nullptr) << "it holds most";
  EXPECT_EQ(table.result_bytes(), 11 * kEventBytes);
  for (const SessionId stays : {idle, some, hogs[0], hogs[2]}) {
    EXPECT_NE(table.Use(stays), nullptr) << stays;
  }
}

// Each of its sessions holds less than the other account's only one.
TEST(SessionTable, AnAccountThatHoldsMostInManySessionsLosesThem) {
  SessionTable table(/*max_result_bytes=*/16 * kEventBytes);
  const SessionId honest = table.Open(AccountId(2)).id;
  for (int i = 0; i < 4; ++i) Execute(&table, honest);
  std::vector<SessionId> hogs;
  for (int session = 0; session < 7; ++session) {
    hogs.push_back(table.Open(kAccount).id);
    Execute(&table, hogs.back());
    if (session < 6) Execute(&table, hogs.back());
  }
  EXPECT_NE(table.Use(honest), nullptr);
  EXPECT_EQ(table.Use(hogs[0]), nullptr);
  EXPECT_EQ(table.Use(hogs[1]), nullptr);
  EXPECT_NE(table.Use(hogs[2]), nullptr);
}

TEST(SessionTable, OfThoseThatHoldAsMuchTheLeastRecentlyUsedGoUntilThereIsRoom) {
  SessionTable table(/*max_result_bytes=*/16 * kEventBytes);
  std::vector<SessionId> ids;
  for (int i = 0; i < 17; ++i) {
    ids.push_back(table.Open(kAccount).id);
    Execute(&table, ids.back());
    if (i == 3) {
      ASSERT_NE(table.Use(ids[0]), nullptr);
    }
  }
  EXPECT_EQ(table.result_bytes(), 14 * kEventBytes) << "an eighth is free";
  for (const size_t gone : {1, 2, 3}) EXPECT_EQ(table.Use(ids[gone]), nullptr) << gone;
  EXPECT_NE(table.Use(ids[0]), nullptr);
  EXPECT_NE(table.Use(ids[4]), nullptr);
}

TEST(SessionTable, AnAccountWithManySessionsLosesItsOwn) {
  SessionTable table(kMaxResultBytes, /*max_account_sessions=*/3);
  const SessionId other = table.Open(AccountId(2)).id;
  std::vector<SessionId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(table.Open(kAccount).id);
  ASSERT_NE(table.Use(ids[0]), nullptr);
  ids.push_back(table.Open(kAccount).id);
  EXPECT_EQ(table.Use(ids[1]), nullptr) << "used least recently";
  EXPECT_TRUE(table.Close(ids[2]));
  ids.push_back(table.Open(kAccount).id);
  for (const SessionId stays : {other, ids[0], ids[3], ids[4]}) {
    EXPECT_NE(table.Use(stays), nullptr) << stays;
  }
  EXPECT_EQ(table.size(), 4u);
}

TEST(SessionTable, TellsWhichOrdersGoWithASession) {
  SessionTable table(kMaxResultBytes, /*max_account_sessions=*/1);
  const auto open = [&](uint64_t account, uint64_t last_order) {
    Session& session = table.Open(AccountId(account), /*cancel_on_disconnect=*/true);
    session.last_order = OrderId(last_order);
    return session.id;
  };
  const SessionId lost = open(4, 7);
  EXPECT_EQ(table.Disconnect(lost), (Disconnected{AccountId(4), OrderId(7)}));
  EXPECT_EQ(table.Disconnect(lost), (Disconnected{AccountId(4), OrderId()})) << "told once";
  open(4, 8);
  EXPECT_TRUE(table.TakeDisconnected().empty()) << "evicted, and told before";
  open(4, 9);
  open(5, 0);
  open(5, 0);
  EXPECT_EQ(table.TakeDisconnected(), (std::vector<Disconnected>{{AccountId(4), OrderId(8)}}));
  EXPECT_TRUE(table.TakeDisconnected().empty()) << "told once";
  EXPECT_EQ(table.Disconnect(lost), std::nullopt) << "there is none";
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
