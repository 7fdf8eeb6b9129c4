// What a shard counts of the exchange's events: each command and event once, under what it is.
#include "server/shard_counters.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>

#include "exchange/exchange.h"
#include "server/replica/member.h"
#include "server/shard_sample.h"

namespace quorumbook::server {
namespace {

using exchange::AccountId;
using exchange::ClientOrderId;
using exchange::CommandKind;
using exchange::EventType;
using exchange::OrderType;
using exchange::Reason;
using exchange::SessionCommands;
using exchange::Side;
using exchange::TimeInForce;

constexpr exchange::SymbolId kSymbol(1);
constexpr exchange::SessionId kSession(1);

exchange::NewOrder Order(uint64_t id, Side side, exchange::Quantity quantity, OrderType type) {
  const bool limit = type == OrderType::kLimit;
  return {.symbol = kSymbol,
          .client_order_id = ClientOrderId(id),
          .side = side,
          .type = type,
          .time_in_force = limit ? TimeInForce::kGoodTillCancel : TimeInForce::kImmediateOrCancel,
          .price = limit ? 10 : 0,
          .quantity = quantity};
}

class ShardCountersTest : public ::testing::Test {
 protected:
  ShardCountersTest() {
    Apply({exchange::OpenSession{AccountId(1)}});
    Apply({SessionCommands{
        kSession,
        1,
        0,
        {exchange::AddSymbol{.name = "A", .tick_size = {1, 0}, .lot_size = {1, 0}}}}});
  }

  void Apply(std::initializer_list<exchange::Group> groups) {
    ASSERT_TRUE(
        exchange_.Apply(exchange::EncodeBatch({.time = 1, .groups = groups}), &result_).ok());
    counters_.Count(result_);
  }
  uint64_t Commands(CommandKind kind, bool rejected) const {
    return (rejected ? counters_.rejected : counters_.accepted)[static_cast<size_t>(kind)];
  }
  uint64_t Orders(OrderType type, bool rejected) const {
    const auto& orders = rejected ? counters_.orders_rejected : counters_.orders_accepted;
    return orders[static_cast<size_t>(type)];
  }
  uint64_t Events(EventType type) const { return counters_.events[static_cast<size_t>(type)]; }

  exchange::Exchange exchange_;
  exchange::ApplyResult result_;
  ShardCounters counters_;
};

TEST_F(ShardCountersTest, CountsEachUnderWhatItIs) {
  const SessionCommands commands{
      kSession,
      2,
      0,
      {Order(1, Side::kSell, 5, OrderType::kLimit),
       Order(1, Side::kSell, 5, OrderType::kLimit),  // taken
       Order(2, Side::kBuy, 2, OrderType::kMarket), Order(3, Side::kBuy, 1, OrderType::kLimit),
       exchange::CancelOrder{kSymbol, ClientOrderId(1)},
       exchange::CancelOrder{kSymbol, ClientOrderId(1)}}};  // gone
  Apply({commands});
  EXPECT_EQ(Commands(CommandKind::kAddSymbol, false), 1u);
  EXPECT_EQ(Commands(CommandKind::kNewOrder, false), 3u);
  EXPECT_EQ(Commands(CommandKind::kNewOrder, true), 1u);
  EXPECT_EQ(Commands(CommandKind::kCancelOrder, false), 1u);
  EXPECT_EQ(Commands(CommandKind::kCancelOrder, true), 1u);
  EXPECT_EQ(Orders(OrderType::kLimit, false), 2u);
  EXPECT_EQ(Orders(OrderType::kLimit, true), 1u);
  EXPECT_EQ(Orders(OrderType::kMarket, false), 1u);
  EXPECT_EQ(Events(EventType::kOrderAccepted), 3u);
  EXPECT_EQ(Events(EventType::kTrade), 2u);
  EXPECT_EQ(counters_.traded_lots, 3u);
  EXPECT_EQ(counters_.cancels[static_cast<size_t>(Reason::kRequested)], 1u);
  EXPECT_EQ(counters_.rejects[static_cast<size_t>(Reason::kDuplicateClientOrderId)], 1u);
  EXPECT_EQ(counters_.rejects[static_cast<size_t>(Reason::kOrderFinished)], 1u);
  EXPECT_EQ(counters_.batches, 3u);
  EXPECT_EQ(counters_.last_event, exchange_.last_sequence());
}

TEST_F(ShardCountersTest, ARepeatIsADuplicateAndNothingElse) {
  const auto sell = Order(1, Side::kSell, 5, OrderType::kLimit);
  const auto buy = Order(2, Side::kBuy, 3, OrderType::kLimit);
  const auto bad = Order(3, Side::kBuy, 0, OrderType::kLimit);
  Apply({SessionCommands{kSession, 2, 0, {sell, buy}}});
  // Repeats stand before and after what is new.
  Apply(
      {SessionCommands{kSession, 2, 0, {sell, buy, bad}}, SessionCommands{kSession, 3, 0, {buy}}});
  EXPECT_EQ(counters_.duplicates, 3u);
  EXPECT_EQ(Commands(CommandKind::kNewOrder, false), 2u);
  EXPECT_EQ(Commands(CommandKind::kNewOrder, true), 1u);
  EXPECT_EQ(Events(EventType::kTrade), 1u);
  EXPECT_EQ(counters_.traded_lots, 3u);
  EXPECT_EQ(counters_.last_event, exchange_.last_sequence());
}

TEST(ShardCounters, EvidenceIsCountedByKindAndCulprit) {
  using consensus::Evidence;
  const NodeId anew = MakeMember(NodeId(3), 2);
  const auto now = std::chrono::steady_clock::now();
  ShardCounters counters;
  counters.Count(Evidence{Evidence::Kind::kDivergedState, NodeId(3), {}, {}},
                 now - std::chrono::hours(2));
  counters.Count(Evidence{Evidence::Kind::kDoubleVote, NodeId(3), {}, {}},
                 now - std::chrono::hours(2));
  counters.Count(Evidence{Evidence::Kind::kDivergedState, NodeId(2), {}, {}}, now);
  counters.Count(Evidence{Evidence::Kind::kDivergedState, anew, {}, {}},
                 now - std::chrono::hours(1));
  v1::ReplicaSample sample;
  FillSample(counters, CommitTimer(), &sample);
  ASSERT_EQ(sample.evidence_size(), 3);
  EXPECT_EQ(sample.evidence(0).kind(), "diverged_state");
  EXPECT_EQ(sample.evidence(0).culprit(), 3u);
  EXPECT_EQ(sample.evidence(0).count(), 2u) << "the same node, whatever it calls itself";
  EXPECT_GE(sample.evidence(0).age_seconds(), 3'600);
  EXPECT_LT(sample.evidence(0).age_seconds(), 7'200) << "since the last";
  EXPECT_EQ(sample.evidence(1).kind(), "double_vote");
  EXPECT_EQ(sample.evidence(2).culprit(), 2u);
}

}  // namespace
}  // namespace quorumbook::server
