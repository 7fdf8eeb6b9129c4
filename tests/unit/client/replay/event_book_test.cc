#include "client/replay/event_book.h"

#include <gtest/gtest.h>

#include <vector>

namespace quorumbook::replay {
namespace {

using Report = v1::ExecutionReport;

Report OrderReport(Report::ExecType type, uint64_t id, v1::Side side, int64_t price,
                   int64_t leaves) {
  Report report;
  report.set_exec_type(type);
  report.set_client_order_id(id);
  report.set_side(side);
  report.set_price(price);
  report.set_leaves_quantity(leaves);
  return report;
}

Report TradeReport(uint64_t taker, uint64_t maker, int64_t price, int64_t quantity) {
  Report report;
  report.set_exec_type(Report::TRADE);
  report.set_client_order_id(taker);
  report.set_contra_client_order_id(maker);
  report.set_last_price(price);
  report.set_last_quantity(quantity);
  return report;
}

class EventBookTest : public ::testing::Test {
 protected:
  void Rest(uint64_t id, v1::Side side, int64_t price, int64_t quantity) {
    EXPECT_TRUE(book_.Apply(OrderReport(Report::NEW, id, side, price, quantity)));
    book_.EndCommand();
  }

  EventBook book_;
};

TEST_F(EventBookTest, FollowsOrdersThroughTheirLives) {
  Rest(1, v1::SELL, 101, 10);
  Rest(2, v1::SELL, 101, 5);
  Rest(3, v1::BUY, 99, 7);
  EXPECT_EQ(book_.Describe(5), "asks 101x15, bids 99x7");

  // An incoming order trades and the rest of it rests.
  EXPECT_TRUE(book_.Apply(OrderReport(Report::NEW, 4, v1::BUY, 101, 20)));
  EXPECT_EQ(book_.Describe(5), "asks 101x15, bids 99x7");  // not yet
  EXPECT_TRUE(book_.Apply(TradeReport(4, 1, 101, 10)));
  EXPECT_TRUE(book_.Apply(TradeReport(4, 2, 101, 5)));
  book_.EndCommand();
  EXPECT_EQ(book_.Describe(5), "asks, bids 101x5 99x7");

  EXPECT_TRUE(book_.Apply(OrderReport(Report::REPLACED, 3, v1::BUY, 100, 3)));
  book_.EndCommand();
  EXPECT_EQ(book_.Describe(1), "asks, bids 101x5");
  EXPECT_TRUE(book_.Apply(OrderReport(Report::CANCELED, 4, v1::BUY, 101, 0)));
  book_.EndCommand();
  EXPECT_EQ(book_.Describe(5), "asks, bids 100x3");
}

TEST_F(EventBookTest, WhatIsLeftOfAnImmediateOrderDoesNotRest) {
  EXPECT_TRUE(book_.Apply(OrderReport(Report::NEW, 1, v1::BUY, 100, 5)));
  EXPECT_TRUE(book_.Apply(OrderReport(Report::CANCELED, 1, v1::BUY, 100, 0)));
  book_.EndCommand();
  EXPECT_EQ(book_.Describe(5), "asks, bids");
}

TEST_F(EventBookTest, RefusesReportsThatContradictEarlierOnes) {
  Rest(1, v1::SELL, 101, 10);
  const std::vector<Report> before_new = {
      OrderReport(Report::NEW, 1, v1::SELL, 101, 10),       // is open
      OrderReport(Report::REPLACED, 2, v1::SELL, 101, 10),  // is not open
      OrderReport(Report::CANCELED, 2, v1::SELL, 101, 0),
      TradeReport(3, 1, 101, 1),  // without an incoming order
  };
  for (const Report& report : before_new) EXPECT_FALSE(book_.Apply(report)) << report.DebugString();

  EXPECT_TRUE(book_.Apply(OrderReport(Report::NEW, 3, v1::BUY, 101, 5)));
  const std::vector<Report> after_new = {
      TradeReport(3, 2, 101, 1),                             // against nobody
      TradeReport(3, 1, 100, 1),                             // at another price
      TradeReport(3, 1, 101, 6),                             // more than the incoming order is for
      TradeReport(3, 1, 101, 0), TradeReport(9, 1, 101, 1),  // of another order
  };
  for (const Report& report : after_new) EXPECT_FALSE(book_.Apply(report)) << report.DebugString();
  EXPECT_TRUE(book_.Apply(OrderReport(Report::CANCELED, 3, v1::BUY, 101, 0)));
  book_.EndCommand();
  EXPECT_TRUE(book_.Apply(OrderReport(Report::NEW, 4, v1::SELL, 102, 5)));
  EXPECT_FALSE(book_.Apply(TradeReport(4, 1, 101, 1)));  // both sell
  EXPECT_EQ(book_.Describe(5), "asks 101x10, bids");
}

BookRow Row(size_t depth, std::vector<BookLevel> asks, std::vector<BookLevel> bids) {
  BookRow row;
  row.depth = depth;
  row.asks = std::move(asks);
  row.bids = std::move(bids);
  return row;
}

class CompareTest : public EventBookTest {
 protected:
  void SetUp() override {
    Rest(1, v1::SELL, 101, 10);
    Rest(2, v1::SELL, 102, 20);
    Rest(3, v1::SELL, 103, 30);
    Rest(4, v1::BUY, 99, 10);
    Rest(5, v1::BUY, 98, 20);
  }
};

constexpr EventBook::Match kExact = EventBook::Match::kExact;
constexpr EventBook::Match kEdge = EventBook::Match::kEdgeDiffers;
constexpr EventBook::Match kInner = EventBook::Match::kInnerDiffers;

TEST_F(CompareTest, LooksAsDeepAsTheRow) {
  const BookRow row = Row(2, {{101, 10}, {102, 20}}, {{99, 10}, {98, 20}});
  EXPECT_EQ(book_.Compare(row, row), kExact);
  const BookRow best = Row(1, {{101, 10}}, {{99, 10}});
  EXPECT_EQ(book_.Compare(best, best), kExact);
}

TEST_F(CompareTest, ADifferenceWhereTheRowBeforeShowedTheBookIsInner) {
  const BookRow before = Row(2, {{101, 10}, {102, 20}}, {{99, 10}, {98, 20}});
  EXPECT_EQ(book_.Compare(before, Row(2, {{101, 11}, {102, 20}}, {{99, 10}, {98, 20}})), kInner);
  EXPECT_EQ(book_.Compare(before, Row(2, {{101, 10}, {102, 21}}, {{99, 10}, {98, 20}})), kInner);
  EXPECT_EQ(book_.Compare(before, Row(2, {{101, 10}, {102, 20}}, {{99, 10}, {98, 21}})), kInner);
  // The book has a level that the recording has not, within what was shown.
  EXPECT_EQ(book_.Compare(before, Row(2, {{102, 20}, {103, 30}}, {{99, 10}, {98, 20}})), kInner);
  // And the other way round.
  EXPECT_EQ(book_.Compare(before, Row(2, {{100, 1}, {101, 10}}, {{99, 10}, {98, 20}})), kInner);
}

TEST_F(CompareTest, ADifferenceBeyondTheRowBeforeIsAtTheEdge) {
  const BookRow before = Row(2, {{100, 5}, {101, 10}}, {{99, 10}, {98, 20}});
  EXPECT_EQ(book_.Compare(before, Row(2, {{101, 10}, {102, 99}}, {{99, 10}, {98, 20}})), kEdge);
  EXPECT_EQ(book_.Compare(before, Row(2, {{101, 10}, {105, 1}}, {{99, 10}, {98, 20}})), kEdge);
  EXPECT_EQ(book_.Compare(before, Row(2, {{101, 10}}, {{99, 10}, {98, 20}})), kEdge);
  // Both sides count, the worse of the two.
  EXPECT_EQ(book_.Compare(before, Row(2, {{101, 10}, {102, 99}}, {{99, 11}, {98, 20}})), kInner);
}

TEST_F(CompareTest, ASideThatIsWhollyInViewHasNoEdge) {
  const BookRow before = Row(3, {{101, 10}, {102, 20}, {103, 30}}, {{99, 10}, {98, 20}});
  EXPECT_EQ(book_.Compare(before, before), kExact);
  const BookRow more = Row(3, {{101, 10}, {102, 20}, {103, 30}}, {{99, 10}, {98, 20}, {97, 1}});
  EXPECT_EQ(book_.Compare(before, more), kInner);
  const BookRow fewer = Row(3, {{101, 10}, {102, 20}, {103, 30}}, {{99, 10}});
  EXPECT_EQ(book_.Compare(before, fewer), kInner);
}

}  // namespace
}  // namespace quorumbook::replay
