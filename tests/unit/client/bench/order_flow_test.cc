#include "client/bench/order_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace quorumbook::bench {
namespace {

using testing::HasSubstr;

TEST(ParseMix, TakesSharesByName) {
  auto mix = ParseMix("cross=5,add=95");
  ASSERT_TRUE(mix.ok()) << mix.status();
  EXPECT_EQ(mix->add, 95u);
  EXPECT_EQ(mix->cancel, 0u);
  EXPECT_EQ(mix->cross, 5u);
}

TEST(ParseMix, SaysWhatIsWrong) {
  EXPECT_THAT(std::string(ParseMix("add=50,cancel=40").status().message()),
              HasSubstr("90 percent, not 100"));
  EXPECT_THAT(std::string(ParseMix("add=50,add=50").status().message()), HasSubstr("100"));
  for (const char* text : {"", "add", "add=x", "add=-1,cross=101", "buy=100", "add=100,", "add=1=2",
                           "add=4294967297,cross=99"}) {
    EXPECT_EQ(ParseMix(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

// What the exchange would hold: open adds and crosses by symbol.
struct Book {
  std::set<uint64_t> adds;
  uint64_t offered = 0;  // lots at the trading price
};

class Market {
 public:
  void Execute(const v1::Command& command) {
    ++commands_;
    if (command.has_cancel_order()) {
      ++cancels_;
      Book& book = books_[command.cancel_order().symbol()];
      EXPECT_EQ(book.adds.erase(command.cancel_order().client_order_id()), 1u) << "no live order";
      return;
    }
    const v1::NewOrder& order = command.new_order();
    EXPECT_TRUE(ids_.insert(order.client_order_id()).second) << "an id comes twice";
    Book& book = books_[order.symbol()];
    if (order.price() != kTradingPrice) {
      ++adds_;
      // Never at a price where it would trade with another.
      EXPECT_EQ(order.side() == v1::BUY, order.price() < kTradingPrice);
      EXPECT_EQ(order.time_in_force(), v1::GOOD_TILL_CANCEL);
      EXPECT_GT(order.quantity(), 0);
      book.adds.insert(order.client_order_id());
    } else if (order.side() == v1::SELL) {
      ++crosses_;
      ++book.offered;
    } else {
      ++crosses_;
      EXPECT_EQ(order.time_in_force(), v1::IMMEDIATE_OR_CANCEL);
      ASSERT_GT(book.offered, 0u) << "nothing to buy";
      --book.offered;
    }
  }

  static constexpr int64_t kTradingPrice = 10'000;
  std::map<std::string, Book> books_;
  std::set<uint64_t> ids_;
  uint64_t commands_ = 0;
  uint64_t adds_ = 0;
  uint64_t cancels_ = 0;
  uint64_t crosses_ = 0;
};

TEST(OrderFlow, EveryCommandMeansWhatItSays) {
  OrderFlow flow({.add = 50, .cancel = 40, .cross = 10}, {"A", "B", "C"}, /*seed=*/3, 1'000);
  Market market;
  for (int i = 0; i < 100; ++i) market.Execute(flow.NextAdd());
  for (int i = 0; i < 20'000; ++i) market.Execute(flow.Next());
  EXPECT_EQ(market.books_.size(), 3u);
  EXPECT_EQ(market.commands_, 20'100u);
  EXPECT_NEAR(static_cast<double>(market.adds_), 10'100, 500);
  EXPECT_NEAR(static_cast<double>(market.cancels_), 8'000, 500);
  EXPECT_NEAR(static_cast<double>(market.crosses_), 2'000, 300);
  EXPECT_EQ(flow.open_adds(), market.adds_ - market.cancels_);
  EXPECT_EQ(*market.ids_.begin(), 1'000u);
}

TEST(OrderFlow, ACancelWithoutAnOpenOrderIsAnAdd) {
  OrderFlow flow({.add = 0, .cancel = 100, .cross = 0}, {"A"}, 1, 1);
  EXPECT_TRUE(flow.Next().has_new_order());
  EXPECT_TRUE(flow.Next().has_cancel_order());
  EXPECT_TRUE(flow.Next().has_new_order());
}

// However the commands of several flows reach the exchange, each buyer finds a seller.
TEST(OrderFlow, FlowsShareSymbols) {
  std::vector<OrderFlow> flows;
  for (uint64_t i = 0; i < 3; ++i) {
    flows.emplace_back(OrderMix{.add = 0, .cancel = 0, .cross = 100},
                       std::vector<std::string>{"A", "B"}, i, 1 + i * 1'000'000);
  }
  Market market;
  for (size_t i = 0; i < 10'000; ++i) market.Execute(flows[i * i % 3].Next());
  EXPECT_EQ(market.crosses_, 10'000u);
}

TEST(OrderFlow, DependsOnItsSeedAlone) {
  OrderFlow one({}, {"A", "B"}, 5, 1);
  OrderFlow same({}, {"A", "B"}, 5, 1);
  OrderFlow other({}, {"A", "B"}, 6, 1);
  int differences = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::string command = one.Next().SerializeAsString();
    ASSERT_EQ(command, same.Next().SerializeAsString()) << "command " << i;
    if (command != other.Next().SerializeAsString()) ++differences;
  }
  EXPECT_GT(differences, 0);
}

}  // namespace
}  // namespace quorumbook::bench
