// The book that a client keeps from market data.
#include <gtest/gtest.h>

#include "quorumbook/market_data.h"

namespace quorumbook {
namespace {

class MarketBookTest : public testing::Test {
 protected:
  v1::MarketDataUpdate& Next(bool snapshot = false) {
    update_.Clear();
    update_.set_sequence(++sequence_);
    update_.set_event_sequence(100 + sequence_);
    update_.set_snapshot(snapshot);
    return update_;
  }
  void SetLevel(bool bid, int64_t price, int64_t quantity, uint32_t orders) {
    v1::LevelChanges* levels = update_.mutable_levels();
    v1::Level* level = bid ? levels->add_bids() : levels->add_asks();
    level->set_price(price);
    level->set_quantity(quantity);
    level->set_orders(orders);
  }
  void Change(uint64_t id, v1::Side side, int64_t price, int64_t quantity, bool queued) {
    v1::OrderChange* change = update_.mutable_orders()->add_changes();
    change->set_order_id(id);
    change->set_side(side);
    change->set_price(price);
    change->set_quantity(quantity);
    change->set_queued(queued);
  }
  // "id:quantity ..." in priority order
  std::string Queue(v1::Side side, int64_t price) {
    std::string text;
    for (const MarketBook::Order& order : book_.OrdersAt(side, price)) {
      text += std::to_string(order.id) + ":" + std::to_string(order.quantity) + " ";
    }
    return text;
  }

  MarketBook book_;
  v1::MarketDataUpdate update_;
  uint64_t sequence_ = 0;
};

TEST_F(MarketBookTest, LevelsAreSetAndTakenAway) {
  Next(true);
  SetLevel(true, 10, 5, 1);
  SetLevel(true, 9, 6, 2);
  SetLevel(false, 12, 7, 1);
  ASSERT_TRUE(book_.Apply(update_).ok());
  Next();
  SetLevel(true, 10, 0, 0);
  SetLevel(false, 11, 3, 1);
  ASSERT_TRUE(book_.Apply(update_).ok());
  EXPECT_EQ(book_.event_sequence(), 102u);
  ASSERT_EQ(book_.bids().size(), 1u);
  EXPECT_EQ(book_.bids().begin()->second.quantity(), 6);
  ASSERT_EQ(book_.asks().size(), 2u);
  EXPECT_EQ(book_.asks().begin()->first, 11);
}

TEST_F(MarketBookTest, ASnapshotTakesThePlaceOfEverything) {
  Next(true);
  SetLevel(true, 10, 5, 1);
  Change(1, v1::SELL, 20, 3, true);
  ASSERT_TRUE(book_.Apply(update_).ok());
  sequence_ = 0;  // of another stream
  Next(true);
  SetLevel(true, 8, 1, 1);
  ASSERT_TRUE(book_.Apply(update_).ok());
  ASSERT_EQ(book_.bids().size(), 1u);
  EXPECT_EQ(book_.bids().begin()->first, 8);
  EXPECT_TRUE(book_.asks().empty());
  EXPECT_EQ(Queue(v1::SELL, 20), "");
}

TEST_F(MarketBookTest, OrdersKeepOrLoseTheirPlace) {
  Next(true);
  Change(1, v1::BUY, 10, 5, true);
  Change(2, v1::BUY, 10, 6, true);
  Change(3, v1::BUY, 10, 7, true);
  ASSERT_TRUE(book_.Apply(update_).ok());
  EXPECT_EQ(Queue(v1::BUY, 10), "1:5 2:6 3:7 ");
  Next();
  Change(2, v1::BUY, 10, 4, false);
  ASSERT_TRUE(book_.Apply(update_).ok());
  EXPECT_EQ(Queue(v1::BUY, 10), "1:5 2:4 3:7 ");
  Next();
  Change(1, v1::BUY, 10, 5, true);
  Change(3, v1::BUY, 11, 7, true);
  ASSERT_TRUE(book_.Apply(update_).ok());
  EXPECT_EQ(Queue(v1::BUY, 10), "2:4 1:5 ");
  EXPECT_EQ(Queue(v1::BUY, 11), "3:7 ");
  EXPECT_EQ(book_.bids().at(10).quantity(), 9);
  EXPECT_EQ(book_.bids().at(10).orders(), 2u);
  Next();
  Change(3, v1::BUY, 11, 0, false);
  ASSERT_TRUE(book_.Apply(update_).ok());
  EXPECT_EQ(book_.bids().size(), 1u);
}

TEST_F(MarketBookTest, AMissingUpdateIsNoticedAndOnlyASnapshotMends) {
  EXPECT_EQ(book_.Apply(Next()).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(book_.Apply(Next(true)).ok());
  Next();
  Next();
  EXPECT_EQ(book_.Apply(update_).code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(book_.Apply(Next()).ok());
  EXPECT_TRUE(book_.Apply(Next(true)).ok());
}

TEST_F(MarketBookTest, AChangeOfAnOrderThatIsNotThereIsNoticed) {
  ASSERT_TRUE(book_.Apply(Next(true)).ok());
  Next();
  Change(4, v1::BUY, 10, 0, false);
  EXPECT_EQ(book_.Apply(update_).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace quorumbook
