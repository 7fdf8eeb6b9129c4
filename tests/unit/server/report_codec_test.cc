// What the exchange says, in the public protocol.
#include "server/report_codec.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/market_codec.h"

namespace quorumbook::server {
namespace {

using exchange::Event;
using exchange::EventType;
using exchange::Reason;
using v1::ExecutionReport;

// An event in which every field says something.
Event EventOf(EventType type) {
  Event event;
  event.sequence = 1;
  event.type = type;
  event.side = exchange::Side::kSell;
  event.symbol = exchange::SymbolId(2);
  event.account = exchange::AccountId(3);
  event.order_id = exchange::OrderId(4);
  event.client_order_id = exchange::ClientOrderId(5);
  event.price = 6;
  event.quantity = 7;
  event.leaves = 8;
  event.executed = 9;
  event.trade_id = 10;
  event.maker_account = exchange::AccountId(11);
  event.maker_order_id = exchange::OrderId(12);
  event.maker_client_order_id = exchange::ClientOrderId(13);
  event.maker_leaves = 14;
  event.maker_executed = 17;
  event.fee = 15;
  event.maker_fee = 16;
  return event;
}

ExecutionReport Report(const Event& event) {
  ExecutionReport report;
  report.set_last_quantity(99);  // what was there before must go
  ToProto(event, &report);
  return report;
}

// Whether every field of `message` is set but `absent`.
void ExpectAllSetBut(const google::protobuf::Message& message,
                     const std::set<std::string>& absent) {
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    const bool set = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) > 0
                                          : message.GetReflection()->HasField(message, field);
    EXPECT_EQ(set, !absent.contains(std::string(field->name()))) << field->name();
  }
}

TEST(ReportCodec, ATradeAsItsTakerMaySeeIt) {
  const ExecutionReport report = Report(EventOf(EventType::kTrade));
  EXPECT_EQ(report.ShortDebugString(),
            "event_sequence: 1 exec_type: TRADE order_status: PARTIALLY_FILLED symbol_id: 2 "
            "order_id: 4 client_order_id: 5 side: SELL leaves_quantity: 8 cumulative_quantity: 9 "
            "last_price: 6 last_quantity: 7 trade_id: 10 contra_order_id: 12 fee: 15 account: 3");
}

TEST(ReportCodec, ATradeAsItsMakerMaySeeIt) {
  ExecutionReport report;
  ToMakerProto(EventOf(EventType::kTrade), &report);
  EXPECT_EQ(report.ShortDebugString(),
            "event_sequence: 1 exec_type: TRADE order_status: PARTIALLY_FILLED symbol_id: 2 "
            "order_id: 12 client_order_id: 13 side: BUY leaves_quantity: 14 "
            "cumulative_quantity: 17 last_price: 6 last_quantity: 7 trade_id: 10 "
            "contra_order_id: 4 fee: 16 account: 11");
}

TEST(ReportCodec, ATradeWithOneselfShowsBothSides) {
  Event event = EventOf(EventType::kTrade);
  event.maker_account = event.account;
  event.leaves = 0;
  const ExecutionReport report = Report(event);
  EXPECT_EQ(report.order_status(), v1::FILLED);
  EXPECT_EQ(report.contra_client_order_id(), 13u);
  EXPECT_EQ(report.contra_leaves_quantity(), 14);
  EXPECT_EQ(report.contra_fee(), 16);
}

struct Meaning {
  EventType type;
  ExecutionReport::ExecType exec_type;
  v1::OrderStatus status;  // with something executed
};

TEST(ReportCodec, EveryTypeOfEventHasItsMeaning) {
  const Meaning meanings[] = {
      {EventType::kSymbolAdded, ExecutionReport::SYMBOL_ADDED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kOrderAccepted, ExecutionReport::NEW, v1::PARTIALLY_FILLED},
      {EventType::kTrade, ExecutionReport::TRADE, v1::PARTIALLY_FILLED},
      {EventType::kOrderCanceled, ExecutionReport::CANCELED, v1::ORDER_CANCELED},
      {EventType::kOrderReduced, ExecutionReport::REPLACED, v1::PARTIALLY_FILLED},
      {EventType::kOrderReplaced, ExecutionReport::REPLACED, v1::PARTIALLY_FILLED},
      {EventType::kCommandRejected, ExecutionReport::REJECTED, v1::ORDER_REJECTED},
      {EventType::kOrderParked, ExecutionReport::NEW, v1::PARTIALLY_FILLED},
      {EventType::kOrderTriggered, ExecutionReport::TRIGGERED, v1::PARTIALLY_FILLED},
      {EventType::kOrderDisplayed, ExecutionReport::RESTATED, v1::PARTIALLY_FILLED},
      {EventType::kMassCanceled, ExecutionReport::MASS_CANCELED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kPhaseChanged, ExecutionReport::PHASE_CHANGED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kUncrossed, ExecutionReport::UNCROSSED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kRulesChanged, ExecutionReport::RULES_CHANGED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kSymbolDelisted, ExecutionReport::SYMBOL_DELISTED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kAssetAdded, ExecutionReport::ASSET_ADDED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kBalanceChanged, ExecutionReport::BALANCE_CHANGED, v1::ORDER_STATUS_UNSPECIFIED},
      {EventType::kAccountChanged, ExecutionReport::ACCOUNT_CHANGED, v1::ORDER_STATUS_UNSPECIFIED}};
  ASSERT_EQ(std::size(meanings), static_cast<size_t>(exchange::kLastEventType));
  for (const Meaning& meaning : meanings) {
    SCOPED_TRACE(static_cast<int>(meaning.type));
    const ExecutionReport report = Report(EventOf(meaning.type));
    EXPECT_EQ(report.exec_type(), meaning.exec_type);
    EXPECT_EQ(report.order_status(), meaning.status);
    EXPECT_EQ(report.event_sequence(), 1u);
    EXPECT_EQ(report.account(), 3u);
    EXPECT_EQ(report.order_id(), 4u);
    EXPECT_EQ(report.client_order_id(), 5u);
  }
}

TEST(ReportCodec, AnOrderWithoutFillsIsNew) {
  for (const EventType type : {EventType::kOrderAccepted, EventType::kOrderParked,
                               EventType::kOrderTriggered, EventType::kOrderReplaced}) {
    Event event = EventOf(type);
    event.executed = 0;
    EXPECT_EQ(Report(event).order_status(), v1::ORDER_NEW);
  }
}

TEST(ReportCodec, FieldsWithAMeaningOfTheirOwn) {
  EXPECT_TRUE(Report(EventOf(EventType::kOrderAccepted)).working());
  EXPECT_TRUE(Report(EventOf(EventType::kOrderTriggered)).working());
  const ExecutionReport parked = Report(EventOf(EventType::kOrderParked));
  EXPECT_FALSE(parked.working());
  EXPECT_EQ(parked.trigger_price(), 10);
  EXPECT_EQ(parked.trade_id(), 0u);
  Event phase = EventOf(EventType::kPhaseChanged);
  phase.quantity = static_cast<int64_t>(exchange::Phase::kHalt);
  EXPECT_EQ(Report(phase).phase(), v1::HALT);
  EXPECT_EQ(Report(phase).quantity(), 0);
  EXPECT_EQ(Report(phase).price(), 6);
  const ExecutionReport balance = Report(EventOf(EventType::kBalanceChanged));
  EXPECT_EQ(balance.asset_id(), 2u);
  EXPECT_EQ(balance.symbol_id(), 0u);
  EXPECT_EQ(balance.quantity(), 7);
  EXPECT_EQ(balance.leaves_quantity(), 8);
}

// However the quantity of an order became smaller, a report says what it is now.
TEST(ReportCodec, AReducedOrderHasItsNewQuantity) {
  Event event = EventOf(EventType::kOrderReduced);
  EXPECT_EQ(Report(event).exec_type(), ExecutionReport::REPLACED);
  EXPECT_EQ(Report(event).quantity(), event.leaves + event.executed);
  EXPECT_EQ(Report(event).price(), 6);
  event.reason = Reason::kSelfTradePrevented;
  EXPECT_EQ(Report(event).exec_type(), ExecutionReport::RESTATED) << "nobody asked for it";
  EXPECT_EQ(Report(event).order_status(), v1::PARTIALLY_FILLED);
  EXPECT_EQ(Report(event).quantity(), event.leaves + event.executed);
}

TEST(ReportCodec, CancellationsByTimeAreExpiries) {
  for (const Reason reason : {Reason::kExpired, Reason::kDayOver}) {
    Event event = EventOf(EventType::kOrderCanceled);
    event.reason = reason;
    EXPECT_EQ(Report(event).exec_type(), ExecutionReport::EXPIRED);
    EXPECT_EQ(Report(event).order_status(), v1::ORDER_EXPIRED);
  }
}

TEST(ReportCodec, StatusOfARefusedCancelIsNotTheOrders) {
  Event event = EventOf(EventType::kCommandRejected);
  event.command = exchange::CommandKind::kCancelOrder;
  EXPECT_EQ(Report(event).order_status(), v1::ORDER_STATUS_UNSPECIFIED);
  event.command = exchange::CommandKind::kSpecialOrder;
  EXPECT_EQ(Report(event).order_status(), v1::ORDER_REJECTED);
}

// Every reason has the same number and, but for the writing, the same name on both sides.
TEST(ReportCodec, EveryReasonIsInTheProtocol) {
  for (int number = 0; number <= 255; ++number) {
    EXPECT_EQ(v1::Reason_IsValid(number), exchange::IsKnown(static_cast<Reason>(number))) << number;
  }
  Event event = EventOf(EventType::kCommandRejected);
  event.reason = Reason::kNotionalLimit;
  EXPECT_EQ(Report(event).reason(), v1::NOTIONAL_LIMIT);
}

TEST(ReportCodec, EveryFieldOfAnOrder) {
  exchange::OrderInfo order;
  order.id = exchange::OrderId(1);
  order.client_order_id = exchange::ClientOrderId(2);
  order.account = exchange::AccountId(3);
  order.side = exchange::Side::kSell;
  order.type = exchange::OrderType::kStopLimit;
  order.time_in_force = exchange::TimeInForce::kGoodTillTime;
  order.status = exchange::OrderStatus::kPartiallyFilled;
  order.reason = Reason::kRequested;
  order.price = 4;
  order.quantity = 5;
  order.leaves = 6;
  order.executed = 7;
  order.entered = 8;
  order.changed = 9;
  order.self_trade = exchange::SelfTrade::kDecrement;
  order.post_only = true;
  order.displayed = 10;
  order.terms = {11, 12, 13, 14, 15, 16, true};
  v1::Order out;
  ToProto(order, "ABC", &out);
  EXPECT_EQ(out.ShortDebugString(),
            "order_id: 1 client_order_id: 2 account: 3 symbol: \"ABC\" side: SELL type: STOP_LIMIT "
            "time_in_force: GOOD_TILL_DATE status: PARTIALLY_FILLED reason: REQUESTED price: 4 "
            "quantity: 5 leaves_quantity: 6 cumulative_quantity: 7 entered_ns: 8 changed_ns: 9 "
            "self_trade_prevention: DECREMENT post_only: true stop_price: 11 trail: 12 "
            "display_quantity: 13 minimum_quantity: 14 protection: 15 expires_ns: 16 "
            "all_or_none: true working: true displayed_quantity: 10");
  ExpectAllSetBut(out, {});
  order.parked = true;
  ToProto(order, "ABC", &out);
  EXPECT_FALSE(out.working());
  order.reason = Reason::kDayOver;
  ToProto(order, "ABC", &out);
  EXPECT_EQ(out.status(), v1::ORDER_EXPIRED);
}

// Of a market that has everything.
class MarketCodecTest : public testing::Test {
 protected:
  void SetUp() override {
    Run(exchange::OpenSession{exchange::AccountId(1)});
    Send({exchange::AddAsset{"BTC", -8}, exchange::AddAsset{"USD", -2}});
    Send({exchange::AddSymbol{"BTCUSD",
                              {1, -2},
                              {1, 0},
                              exchange::AssetId(1),
                              exchange::AssetId(2),
                              {1, 1'000, 9'000, 8'000, 50, 10, 20},
                              exchange::Phase::kPreOpen},
          exchange::SetPhase{exchange::SymbolId(1), exchange::Phase::kOpeningAuction, 100},
          exchange::Deposit{exchange::AccountId(1), exchange::AssetId(2), 1'000'000},
          exchange::Deposit{exchange::AccountId(1), exchange::AssetId(1), 5'000'000'000},
          exchange::SetAccountLimits{exchange::AccountId(1), {500, 400'000, 30}},
          exchange::SetPositionLimit{exchange::AccountId(1), exchange::AssetId(1), 9'000'000'000}});
  }
  void Run(exchange::Group group) {
    exchange_.Apply(exchange::Batch{++time_, {std::move(group)}}, &result_);
    for (const Event& event : result_.events) {
      EXPECT_NE(event.type, EventType::kCommandRejected) << static_cast<int>(event.reason);
    }
  }
  void Send(std::vector<exchange::Command> commands) {
    const uint64_t first = sequence_;
    sequence_ += commands.size();
    Run(exchange::SessionCommands{exchange::SessionId(1), first, first - 1, std::move(commands)});
  }
  static exchange::NewOrder Order(uint64_t id, exchange::Side side, exchange::Price price,
                                  exchange::Quantity quantity) {
    return {exchange::SymbolId(1),
            exchange::ClientOrderId(id),
            side,
            exchange::OrderType::kLimit,
            exchange::TimeInForce::kGoodTillCancel,
            price,
            quantity};
  }

  exchange::Exchange exchange_;
  exchange::ApplyResult result_;
  exchange::Time time_ = 0;
  uint64_t sequence_ = 1;
};

TEST_F(MarketCodecTest, EveryFieldOfASymbol) {
  Send({Order(1, exchange::Side::kBuy, 101, 3), Order(2, exchange::Side::kSell, 99, 2)});
  v1::Symbol out;
  ToProto(*exchange_.FindSymbol("BTCUSD"), exchange_, ShardId(4), &out);
  ExpectAllSetBut(out, {"delisted", "busy"});
  ExpectAllSetBut(out.rules(), {});
  EXPECT_EQ(out.base(), "BTC");
  EXPECT_EQ(out.quote_exponent(), -2);
  EXPECT_EQ(out.phase(), v1::OPENING_AUCTION);
  EXPECT_EQ(out.reference_price(), 100);
  EXPECT_EQ(out.auction().volume(), 2);
  EXPECT_EQ(out.rules().ShortDebugString(),
            "min_quantity: 1 max_quantity: 1000 static_band_bp: 9000 dynamic_band_bp: 8000 "
            "protection: 50 maker_fee_bp: 10 taker_fee_bp: 20");
}

TEST_F(MarketCodecTest, EveryFieldOfAnAccount) {
  Send({Order(1, exchange::Side::kBuy, 100, 3)});
  v1::Account out;
  ToProto(*exchange_.FindAccount(exchange::AccountId(1)), exchange_, &out);
  ExpectAllSetBut(out, {"kill_switch"});
  ExpectAllSetBut(out.limits(), {});
  EXPECT_EQ(out.limits().ShortDebugString(),
            "max_order_quantity: 500 max_notional: 400000 max_open_orders: 30");
  EXPECT_EQ(out.open_orders(), 1u);
  ASSERT_EQ(out.balances_size(), 2);
  EXPECT_EQ(out.balances(0).asset().name(), "BTC");
  EXPECT_EQ(out.balances(0).position_limit(), 9'000'000'000);
  EXPECT_EQ(out.balances(1).asset().exponent(), -2);
  EXPECT_EQ(out.balances(1).free() + out.balances(1).held(), 1'000'000);
  EXPECT_GT(out.balances(1).held(), 0);
  v1::Asset asset;
  ToProto(*exchange_.FindAsset("USD"), &asset);
  EXPECT_EQ(asset.ShortDebugString(), "id: 2 name: \"USD\" exponent: -2 deposited: 1000000");
}

TEST_F(MarketCodecTest, TradesSummariesAndCandles) {
  Send({exchange::SetPhase{exchange::SymbolId(1), exchange::Phase::kContinuous, 100},
        Order(1, exchange::Side::kSell, 101, 3), Order(2, exchange::Side::kBuy, 101, 2),
        Order(3, exchange::Side::kBuy, 90, 2)});
  v1::Summary summary;
  ToProto(*exchange_.Summary(exchange::SymbolId(1)), &summary);
  ExpectAllSetBut(summary, {"symbol"});
  EXPECT_EQ(summary.notional(), "202");
  v1::Candle candle;
  ToProto(exchange_.Candles(exchange::SymbolId(1), exchange::CandleInterval::kMinute, 1).at(0),
          &candle);
  ExpectAllSetBut(candle, {"start_ns"});
  v1::Trade trade;
  ToProto(exchange_.RecentTrades(exchange::SymbolId(1), 1).at(0), &trade);
  ExpectAllSetBut(trade, {});
  // The feed makes trades of events: the same ones.
  for (const Event& event : result_.events) {
    if (event.type != EventType::kTrade) continue;
    v1::Trade from_event;
    ToProto(TradeOf(event, result_.time), &from_event);
    EXPECT_EQ(from_event.ShortDebugString(), trade.ShortDebugString());
  }
}

TEST(MarketCodec, BigNumbersAreDigits) {
  EXPECT_EQ(ToDecimal(0), "0");
  EXPECT_EQ(ToDecimal(~exchange::Uint128{0}), "340282366920938463463374607431768211455");
}

}  // namespace
}  // namespace quorumbook::server
