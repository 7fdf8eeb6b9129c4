#include "client/replay/lobster_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/client/replay/recordings.h"

namespace quorumbook::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMessage[] = "34200.18960767,1,7,21,2238100,1\n";
constexpr char kRow[] = "2239500,100,2238100,21,9999999999,0,-9999999999,0\n";

v1::Decimal Decimal(int64_t mantissa, int32_t exponent) {
  v1::Decimal value;
  value.set_mantissa(mantissa);
  value.set_exponent(exponent);
  return value;
}

class LobsterFilesTest : public ::testing::Test {
 protected:
  std::pair<std::vector<LobsterStep>, absl::Status> Read(const std::string& messages,
                                                         const std::string& rows,
                                                         v1::Decimal tick = Decimal(1, -2)) {
    auto reader = LobsterReader::Open(directory_.Write("messages.csv", messages),
                                      directory_.Write("books.csv", rows), tick);
    if (!reader.ok()) return {{}, reader.status()};
    std::vector<LobsterStep> steps;
    for (;;) {
      auto step = (*reader)->Next();
      if (!step.ok()) return {steps, step.status()};
      if (!step->has_value()) return {steps, absl::OkStatus()};
      steps.push_back(**step);
    }
  }
  std::string MessageError(const std::string& message) {
    auto [steps, end] = Read(std::string(kMessage) + message + "\n", std::string(kRow) + kRow);
    EXPECT_EQ(steps.size(), 1u) << message;
    EXPECT_EQ(end.code(), absl::StatusCode::kInvalidArgument) << end;
    EXPECT_THAT(std::string(end.message()), HasSubstr("messages.csv:2: "));
    return std::string(end.message());
  }
  std::string RowError(const std::string& row) {
    auto [steps, end] = Read(std::string(kMessage) + kMessage, std::string(kRow) + row + "\n");
    EXPECT_EQ(steps.size(), 1u) << row;
    EXPECT_EQ(end.code(), absl::StatusCode::kInvalidArgument) << end;
    EXPECT_THAT(std::string(end.message()), HasSubstr("books.csv:2: "));
    return std::string(end.message());
  }

  TemporaryDirectory directory_;
};

TEST_F(LobsterFilesTest, ReadsMessagesWithTheirRows) {
  auto [steps, end] = Read("34200.18960767,1,7,21,2238100,1\n34200.5,5,0,10,2238155,-1,null\n",
                           std::string(kRow) + "2239500,90,2238100,21,2240000,5,2230000,7\n");
  ASSERT_TRUE(end.ok()) << end;
  ASSERT_EQ(steps.size(), 2u);
  const LobsterMessage& first = steps[0].message;
  EXPECT_EQ(first.time_ns, 34'200'189'607'670);
  EXPECT_EQ(first.type, LobsterType::kNew);
  EXPECT_EQ(first.order_id, 7u);
  EXPECT_EQ(first.quantity, 21);
  EXPECT_EQ(first.price, 22'381);
  EXPECT_EQ(first.side, v1::BUY);
  EXPECT_EQ(steps[0].row->depth, 2u);
  EXPECT_THAT(steps[0].row->asks, ElementsAre(BookLevel{22'395, 100}));
  EXPECT_THAT(steps[0].row->bids, ElementsAre(BookLevel{22'381, 21}));
  // Hidden executions lie off the tick.
  EXPECT_EQ(steps[1].message.type, LobsterType::kHiddenExecution);
  EXPECT_EQ(steps[1].message.side, v1::SELL);
  EXPECT_EQ(steps[1].line, 2);
  EXPECT_THAT(steps[1].row->asks, ElementsAre(BookLevel{22'395, 90}, BookLevel{22'400, 5}));
  EXPECT_THAT(steps[1].row->bids, ElementsAre(BookLevel{22'381, 21}, BookLevel{22'300, 7}));
}

TEST_F(LobsterFilesTest, PricesAreInTicksOfTheSymbol) {
  const auto price = [&](v1::Decimal tick) {
    auto [steps, end] = Read(kMessage, kRow, tick);
    EXPECT_TRUE(end.ok()) << end;
    return steps.empty() ? -1 : steps[0].message.price;
  };
  EXPECT_EQ(price(Decimal(1, -2)), 22'381);
  EXPECT_EQ(price(Decimal(10, -3)), 22'381);
  EXPECT_EQ(price(Decimal(1, -4)), 2'238'100);
  EXPECT_EQ(price(Decimal(5, -3)), 44'762);
  for (v1::Decimal tick : {Decimal(1, -5), Decimal(15, -5), Decimal(0, -2)}) {
    EXPECT_EQ(Read(kMessage, kRow, tick).second.code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(std::string(Read(kMessage, kRow, Decimal(1, 1)).second.message()),
              HasSubstr("price 2238100 is not a multiple of the tick"));
}

TEST_F(LobsterFilesTest, TimesKeepTheirNanoseconds) {
  const auto time = [&](const std::string& text) {
    auto [steps, end] = Read(text + ",1,7,21,2238100,1\n", kRow);
    return end.ok() ? steps[0].message.time_ns : -1;
  };
  EXPECT_EQ(time("34200"), 34'200'000'000'000);
  EXPECT_EQ(time("34200.000000001"), 34'200'000'000'001);
  EXPECT_EQ(time("34200.0000000019"), 34'200'000'000'001);
  for (const char* bad : {"", ".5", "34200.", "34200.1e3", "-1.5", "x", "99999999"}) {
    EXPECT_EQ(time(bad), -1) << bad;
  }
}

TEST_F(LobsterFilesTest, AMalformedMessageIsNamedByItsLine) {
  EXPECT_THAT(MessageError("34200.1,1,7,21,2238100"), HasSubstr("expected seconds,type"));
  EXPECT_THAT(MessageError("34200.1,0,7,21,2238100,1"), HasSubstr("type \"0\" is not 1 to 7"));
  EXPECT_THAT(MessageError("34200.1,8,7,21,2238100,1"), HasSubstr("not 1 to 7"));
  EXPECT_THAT(MessageError("34200.1,1,7,21,2238100,0"), HasSubstr("direction is malformed"));
  EXPECT_THAT(MessageError("34200.1,1,7,x,2238100,1"), HasSubstr("malformed"));
  EXPECT_THAT(MessageError("34200.1,1,0,21,2238100,1"), HasSubstr("order id 0 is not in 1 to"));
  EXPECT_THAT(MessageError("34200.1,1,8000000000000,21,2238100,1"), HasSubstr("order id"));
  EXPECT_THAT(MessageError("34200.1,1,7,0,2238100,1"), HasSubstr("have to be positive"));
  EXPECT_THAT(MessageError("34200.1,1,7,21,2238150,1"), HasSubstr("not a multiple of the tick"));
}

TEST_F(LobsterFilesTest, AMalformedRowIsNamedByItsLine) {
  EXPECT_THAT(RowError("2239500,100,2238100,21"), HasSubstr("expected 8 fields"));
  EXPECT_THAT(RowError("2239500,x,2238100,21,9999999999,0,-9999999999,0"), HasSubstr("level 1"));
  EXPECT_THAT(RowError("2239500,0,2238100,21,9999999999,0,-9999999999,0"), HasSubstr("level 1"));
  EXPECT_THAT(RowError("2239550,1,2238100,21,9999999999,0,-9999999999,0"),
              HasSubstr("off the tick"));
  EXPECT_THAT(RowError("9999999999,0,2238100,21,2239500,1,-9999999999,0"),
              HasSubstr("after an empty level"));
  EXPECT_THAT(RowError("2239500,1,2238100,21,2239500,1,-9999999999,0"),
              HasSubstr("not worse than that of the level before"));
  EXPECT_THAT(RowError("2239500,1,2238100,21,9999999999,0,2238200,5"),
              HasSubstr("not worse than that of the level before"));
  auto [steps, end] = Read(kMessage, "2239500,100,2238100\n");
  EXPECT_THAT(std::string(end.message()), HasSubstr("books.csv:1: 3 fields"));
}

TEST_F(LobsterFilesTest, BothFilesHaveALineForEveryMessage) {
  auto [steps, end] = Read(std::string(kMessage) + kMessage, kRow);
  EXPECT_EQ(steps.size(), 1u);
  EXPECT_EQ(end.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(end.message()), HasSubstr("books.csv:2: the file ends here"));
  auto [fewer, error] = Read(kMessage, std::string(kRow) + kRow);
  EXPECT_EQ(fewer.size(), 1u);
  EXPECT_THAT(std::string(error.message()), HasSubstr("messages.csv:2: the file ends here"));
  auto [none, empty] = Read("", "");
  EXPECT_THAT(none, IsEmpty());
  EXPECT_TRUE(empty.ok());
}

}  // namespace
}  // namespace quorumbook::replay
