#include "client/replay/csv_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/client/replay/recordings.h"

namespace quorumbook::replay {
namespace {

using ::testing::HasSubstr;

constexpr char kHeader[] = "ts_ns,op,order_id,side,price,quantity\n";

class CsvFlowTest : public ::testing::Test {
 protected:
  std::pair<std::vector<v1::Command>, absl::Status> Read(const std::string& contents) {
    auto flow = CsvFlowReader::Open(directory_.Write("flow.csv", contents), "AMZN");
    if (!flow.ok()) return {{}, flow.status()};
    std::vector<v1::Command> commands;
    for (;;) {
      auto command = (*flow)->Next();
      if (!command.ok()) return {commands, command.status()};
      if (!command->has_value()) return {commands, absl::OkStatus()};
      commands.push_back(**command);
    }
  }
  std::string ErrorOf(const std::string& row) {
    auto [commands, end] = Read(std::string(kHeader) + "1,add,1,buy,100,10\n" + row + "\n");
    EXPECT_EQ(commands.size(), 1u) << row;
    EXPECT_EQ(end.code(), absl::StatusCode::kInvalidArgument) << row << ": " << end;
    return std::string(end.message());
  }

  TemporaryDirectory directory_;
};

TEST_F(CsvFlowTest, EveryOpBecomesItsCommand) {
  auto [commands, end] = Read(std::string(kHeader) +
                              "1,add,11,buy,100,10\n"
                              "2,ioc,12,sell,99,5\n"
                              "2,market,13,buy,,7\n"
                              "3,reduce,11,,,4\n"
                              "4,replace,11,,101,20\n"
                              "5,cancel,11,,,\n");
  ASSERT_TRUE(end.ok()) << end;
  ASSERT_EQ(commands.size(), 6u);

  const v1::NewOrder& add = commands[0].new_order();
  EXPECT_EQ(add.symbol(), "AMZN");
  EXPECT_EQ(add.client_order_id(), 11u);
  EXPECT_EQ(add.side(), v1::BUY);
  EXPECT_EQ(add.type(), v1::LIMIT);
  EXPECT_EQ(add.time_in_force(), v1::GOOD_TILL_CANCEL);
  EXPECT_EQ(add.price(), 100);
  EXPECT_EQ(add.quantity(), 10);

  const v1::NewOrder& ioc = commands[1].new_order();
  EXPECT_EQ(ioc.side(), v1::SELL);
  EXPECT_EQ(ioc.type(), v1::LIMIT);
  EXPECT_EQ(ioc.time_in_force(), v1::IMMEDIATE_OR_CANCEL);

  const v1::NewOrder& market = commands[2].new_order();
  EXPECT_EQ(market.type(), v1::MARKET);
  EXPECT_EQ(market.time_in_force(), v1::IMMEDIATE_OR_CANCEL);
  EXPECT_EQ(market.price(), 0);
  EXPECT_EQ(market.quantity(), 7);

  EXPECT_EQ(commands[3].reduce_order().client_order_id(), 11u);
  EXPECT_EQ(commands[3].reduce_order().quantity(), 4);
  EXPECT_EQ(commands[4].replace_order().client_order_id(), 11u);
  EXPECT_EQ(commands[4].replace_order().price(), 101);
  EXPECT_EQ(commands[4].replace_order().quantity(), 20);
  EXPECT_EQ(commands[5].cancel_order().client_order_id(), 11u);
}

// The exchange's refusal is part of a replay; only what can not be sent is an error of the file.
TEST_F(CsvFlowTest, WhatTheExchangeRefusesIsSent) {
  auto [commands, end] = Read(std::string(kHeader) + "1,add,0,buy,-5,0\n");
  ASSERT_TRUE(end.ok()) << end;
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].new_order().price(), -5);
}

TEST_F(CsvFlowTest, FieldsWithoutEffectMayBeFilled) {
  auto [commands, end] = Read(std::string(kHeader) + "1,cancel,7,buy,100,10\n1,market,8,buy,9,1\n");
  ASSERT_TRUE(end.ok()) << end;
  EXPECT_EQ(commands[0].cancel_order().client_order_id(), 7u);
  EXPECT_EQ(commands[1].new_order().price(), 0);
}

TEST_F(CsvFlowTest, AMalformedRowIsNamedByItsLine) {
  EXPECT_THAT(ErrorOf("2,add,2,buy,100"), HasSubstr("flow.csv:3: expected 6 fields"));
  EXPECT_THAT(ErrorOf("2,add,2,buy,100,10,1"), HasSubstr("expected 6 fields"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("expected 6 fields"));
  EXPECT_THAT(ErrorOf("x,add,2,buy,100,10"), HasSubstr("ts_ns \"x\""));
  EXPECT_THAT(ErrorOf("-1,add,2,buy,100,10"), HasSubstr("ts_ns \"-1\""));
  EXPECT_THAT(ErrorOf("2,ADD,2,buy,100,10"), HasSubstr("op \"ADD\" is none of add"));
  EXPECT_THAT(ErrorOf("2,add,-2,buy,100,10"), HasSubstr("order_id \"-2\""));
  EXPECT_THAT(ErrorOf("2,add,18446744073709551616,buy,100,10"), HasSubstr("order_id"));
  EXPECT_THAT(ErrorOf("2,add,2,bid,100,10"), HasSubstr("side \"bid\" is neither buy nor sell"));
  EXPECT_THAT(ErrorOf("2,add,2,,100,10"), HasSubstr("op \"add\" needs a side"));
  EXPECT_THAT(ErrorOf("2,add,2,buy,,10"), HasSubstr("op \"add\" needs a price"));
  EXPECT_THAT(ErrorOf("2,add,2,buy,1.5,10"), HasSubstr("price \"1.5\" is not an integer"));
  EXPECT_THAT(ErrorOf("2,add,2,buy,9223372036854775808,10"), HasSubstr("fits in 64 bits"));
  EXPECT_THAT(ErrorOf("2,market,2,buy,,"), HasSubstr("op \"market\" needs a quantity"));
  EXPECT_THAT(ErrorOf("2,reduce,2,,,"), HasSubstr("op \"reduce\" needs a quantity"));
  EXPECT_THAT(ErrorOf("2,replace,2,,,5"), HasSubstr("op \"replace\" needs a price"));
  EXPECT_THAT(ErrorOf("2,cancel,2,,,x"), HasSubstr("quantity \"x\""));
}

TEST_F(CsvFlowTest, ATruncatedFileIsNotTakenForAWholeOne) {
  // The last quantity may have been 100.
  auto [commands, end] = Read(std::string(kHeader) + "1,add,1,buy,100,10\n2,add,2,buy,100,10");
  EXPECT_EQ(commands.size(), 1u);
  EXPECT_EQ(end.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(end.message()), HasSubstr("flow.csv:3:"));
}

TEST_F(CsvFlowTest, TheHeaderIsAsked) {
  EXPECT_THAT(std::string(Read("1,add,1,buy,100,10\n").second.message()),
              HasSubstr("flow.csv:1: the header has to be ts_ns,op"));
  EXPECT_THAT(std::string(Read("").second.message()), HasSubstr("is empty"));
}

}  // namespace
}  // namespace quorumbook::replay
