#include "client/replay/replay_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "client/replay/replay_report.h"
#include "tests/unit/client/replay/exchange_market.h"
#include "tests/unit/client/replay/local_session.h"
#include "tests/unit/client/replay/recordings.h"

namespace quorumbook::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kFlow[] =
    "ts_ns,op,order_id,side,price,quantity\n"
    "1,add,1,sell,101,10\n"
    "2,add,2,sell,101,5\n"
    "3,add,2,sell,102,5\n"  // open already
    "4,cancel,77,,,\n"      // never seen
    "5,ioc,3,buy,101,12\n"
    "6,add,4,buy,100,0\n";  // no quantity

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ReplayRunnerTest : public ::testing::Test {
 protected:
  LocalSession MakeSession() {
    return LocalSession([this](const v1::Command& command) { return market_.Execute(command); });
  }
  ReplayResult Replay(const std::string& flow, LocalSession& session, FillLog* fills = nullptr) {
    auto reader = CsvFlowReader::Open(directory_.Write("flow.csv", flow), ExchangeMarket::kSymbol);
    EXPECT_TRUE(reader.ok()) << reader.status();
    ProgressBar progress(stderr);
    return ReplayCsv(**reader, session, fills, progress);
  }

  TemporaryDirectory directory_;
  ExchangeMarket market_;
};

TEST_F(ReplayRunnerTest, CountsWhatBecameOfEveryCommand) {
  LocalSession session = MakeSession();
  const ReplayResult result = Replay(kFlow, session);
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.tally.commands, 6u);
  EXPECT_EQ(result.tally.accepted, 3u);
  EXPECT_EQ(result.tally.rejected, 3u);
  EXPECT_EQ(result.tally.fills, 2u);
  EXPECT_EQ(result.tally.filled_quantity, 12);
  EXPECT_THAT(result.tally.rejected_by_reason,
              ElementsAre(Pair("duplicate_client_order_id", 1), Pair("invalid_quantity", 1),
                          Pair("unknown_order", 1)));
  EXPECT_THAT(
      result.tally.first_rejections,
      ElementsAre("command 3 (order 2): duplicate_client_order_id",
                  "command 4 (order 77): unknown_order", "command 6 (order 4): invalid_quantity"));
}

TEST_F(ReplayRunnerTest, OnlyTheFirstRejectionsAreShown) {
  std::string flow = "ts_ns,op,order_id,side,price,quantity\n";
  for (int i = 0; i < 50; ++i) flow += "1,cancel,77,,,\n";
  LocalSession session = MakeSession();
  const ReplayResult result = Replay(flow, session);
  EXPECT_EQ(result.tally.rejected, 50u);
  EXPECT_EQ(result.tally.first_rejections.size(), ReplayTally::kMaxDescribed);
}

TEST_F(ReplayRunnerTest, WritesFillsInExecutionOrder) {
  const std::string path = (directory_.path() / "fills.csv").string();
  auto fills = FillLog::Create(path);
  ASSERT_TRUE(fills.ok()) << fills.status();
  LocalSession session = MakeSession();
  Replay(kFlow, session, fills->get());
  EXPECT_TRUE((*fills)->Close().ok());
  EXPECT_EQ(ReadFile(path), "taker_id,maker_id,price,quantity\n3,1,101,10\n3,2,101,2\n");
}

TEST_F(ReplayRunnerTest, FillsThatCanNotBeWrittenAreAnError) {
  const std::string nowhere = (directory_.path() / "no" / "fills.csv").string();
  EXPECT_THAT(std::string(FillLog::Create(nowhere).status().message()), HasSubstr(nowhere));
  auto full = FillLog::Create("/dev/full");
  ASSERT_TRUE(full.ok());
  (*full)->Append({1, 2, 3, 4});
  EXPECT_EQ((*full)->Close().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ReplayRunnerTest, WhatWasReadBeforeAMalformedRowIsSentAndCounted) {
  LocalSession session = MakeSession();
  const ReplayResult result = Replay(
      "ts_ns,op,order_id,side,price,quantity\n1,add,1,sell,101,10\n2,add,2,sell,101\n"
      "3,add,3,sell,101,10\n",
      session);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("flow.csv:3: expected 6 fields"));
  EXPECT_EQ(result.tally.commands, 1u);
  EXPECT_EQ(result.tally.accepted, 1u);
  EXPECT_EQ(market_.exchange().open_orders(), 1u);
}

TEST_F(ReplayRunnerTest, StopsWhenTheSessionIsOver) {
  LocalSession session = MakeSession();
  session.FailSubmitFrom(3);
  const ReplayResult result = Replay(kFlow, session);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(result.tally.commands, 2u);
}

TEST_F(ReplayRunnerTest, CommandsOfUnknownFateAreNeitherAcceptedNorRejected) {
  LocalSession session = MakeSession();
  session.FailAnswersFrom(3);
  const ReplayResult result = Replay(kFlow, session);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(result.tally.commands, 2u);
  EXPECT_EQ(result.tally.accepted, 2u);
  EXPECT_EQ(result.tally.unanswered, 4u);
}

constexpr char kMessages[] =
    "34200.1,5,0,1,1000000,1\n"
    "34200.2,1,7,5,1000000,1\n"
    "34200.3,4,7,5,1000000,1\n"
    "34200.4,1,8,x,1000000,1\n";
constexpr char kRows[] =
    "1010000,10,990000,10\n"
    "1010000,10,1000000,5\n"
    "1010000,10,990000,10\n"
    "1010000,10,990000,10\n";

TEST_F(ReplayRunnerTest, ALobsterRecordingIsCheckedUpToItsMalformedLine) {
  v1::Decimal tick;
  tick.set_mantissa(1);
  tick.set_exponent(-2);
  auto recording = LobsterReader::Open(directory_.Write("messages.csv", kMessages),
                                       directory_.Write("books.csv", kRows), tick);
  ASSERT_TRUE(recording.ok());
  LocalSession session = MakeSession();
  ProgressBar progress(stderr);
  const ReplayResult result =
      ReplayLobster(**recording, ExchangeMarket::kSymbol, session, nullptr, progress);
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("messages.csv:4: "));
  ASSERT_TRUE(result.lobster.has_value());
  EXPECT_EQ(result.lobster->levels, 1u);
  EXPECT_EQ(result.lobster->planned.messages, 3u);
  EXPECT_EQ(result.lobster->verified.book_exact, 2u);
  EXPECT_EQ(result.lobster->verified.ioc_groups, 1u);
  EXPECT_EQ(result.lobster->verified.ioc_fills_identical, 1u);
  EXPECT_EQ(result.tally.commands, 4u);
}

TEST_F(ReplayRunnerTest, TheReportHasEveryNumber) {
  LocalSession session = MakeSession();
  ReplayReport report;
  report.format = "csv";
  report.symbol = "AMZN";
  report.shard = 7;
  report.result = Replay(kFlow, session);
  report.result.session.resent = 40;
  report.result.session.longest_outage = std::chrono::microseconds(1'500);
  report.result.seconds = 2;
  report.result.lobster.emplace();
  report.state.emplace();
  report.state->last_index = 99;
  report.state->market_digest = "abc";
  report.state->replicas = {{1, true, 99, "abc", ""}, {2, false, 0, "", "no answer"}};
  const nlohmann::ordered_json json = ToJson(report);
  EXPECT_EQ(json["format"], "csv");
  EXPECT_EQ(json["symbol"], "AMZN");
  EXPECT_EQ(json["shard"], 7);
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["error"], nullptr);
  EXPECT_EQ(json["commands"], 6);
  EXPECT_EQ(json["accepted"], 3);
  EXPECT_EQ(json["rejected"], 3);
  EXPECT_EQ(json["rejected_by_reason"]["unknown_order"], 1);
  EXPECT_EQ(json["fills"], 2);
  EXPECT_EQ(json["filled_quantity"], 12);
  EXPECT_EQ(json["retries"], 40);
  EXPECT_EQ(json["longest_outage_ms"], 1.5);
  EXPECT_EQ(json["seconds"], 2.0);
  EXPECT_EQ(json["commands_per_second"], 3.0);
  EXPECT_EQ(json["digest"], "abc");
  EXPECT_EQ(json["last_index"], 99);
  EXPECT_EQ(json["replicas_agreeing"], 1);
  EXPECT_EQ(json["replicas"][1]["error"], "no answer");
  for (const char* key : {"book_checks", "book_exact", "book_edge_differences",
                          "book_inner_mismatches", "ioc_groups", "ioc_fills_identical"}) {
    EXPECT_EQ(json[key], 0) << key;
  }
  report.state.reset();
  report.result.status = absl::InvalidArgumentError("flow.csv:3: malformed");
  EXPECT_EQ(ToJson(report)["digest"], nullptr);
  EXPECT_EQ(ToJson(report)["complete"], false);
  EXPECT_EQ(ToJson(report)["error"], "flow.csv:3: malformed");
}

}  // namespace
}  // namespace quorumbook::replay
