// A recorded day of AMZN (2012-06-21), relived by the exchange's state machine.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "client/replay/line_reader.h"
#include "client/replay/replay_runner.h"
#include "tests/unit/client/replay/exchange_market.h"
#include "tests/unit/client/replay/local_session.h"
#include "tests/unit/client/replay/recordings.h"
#include "tests/unit/client/replay/wrong_market.h"

namespace quorumbook::replay {
namespace {

constexpr char kFiveLevels[] = "LOBSTER_SampleFile_AMZN_2012-06-21_5.zip";
constexpr char kOneLevel[] = "LOBSTER_SampleFile_AMZN_2012-06-21_1.zip";
constexpr char kCommands[] = "AMZN_2012-06-21_5.replay.csv.gz";
constexpr char kExpectedFills[] = "AMZN_2012-06-21_5.expected_fills.csv.gz";

// Skips the test when a recording is absent, and says which.
#define SKIP_WITHOUT(name) \
  if (!FindRecording(name).has_value()) GTEST_SKIP() << MissingRecording(name)

ReplayResult ReplayArchive(const char* name, LocalSession::Execution execute) {
  TemporaryDirectory directory;
  const LobsterPaths paths = ExtractLobster(*FindRecording(name), directory);
  v1::Decimal tick;
  tick.set_mantissa(1);
  tick.set_exponent(-2);
  auto recording = LobsterReader::Open(paths.messages, paths.orderbook, tick);
  EXPECT_TRUE(recording.ok()) << recording.status();
  LocalSession session(std::move(execute));
  ProgressBar progress(stderr);
  ReplayResult result =
      ReplayLobster(**recording, ExchangeMarket::kSymbol, session, nullptr, progress);
  EXPECT_TRUE(result.status.ok()) << result.status;
  return result;
}

double IdenticalFraction(const VerifierCounts& counts) {
  return static_cast<double>(counts.ioc_fills_identical) / static_cast<double>(counts.ioc_groups);
}

std::string Differences(const VerifierCounts& counts) {
  std::string text;
  for (const std::string& line : counts.first_differences) text += line + "\n";
  return text;
}

// 155,935 messages: 2,445 hidden executions, which show nothing, and 153,490 that are checked.
TEST(AmznReplay, FiveLevelsAreRelivedByPriceTimePriority) {
  SKIP_WITHOUT(kFiveLevels);
  ExchangeMarket market;
  const ReplayResult result = ReplayArchive(
      kFiveLevels, [&](const v1::Command& command) { return market.Execute(command); });
  const VerifierCounts& counts = result.lobster->verified;
  EXPECT_EQ(result.lobster->levels, 5u);
  EXPECT_EQ(result.lobster->planned.messages, 155'935u);
  EXPECT_EQ(counts.book_checks, 153'490u);
  EXPECT_EQ(counts.book_checks,
            counts.book_exact + counts.book_edge_differences + counts.book_inner_mismatches);
  EXPECT_EQ(counts.book_inner_mismatches, 0u) << Differences(counts);
  EXPECT_GT(counts.book_exact, 140'000u);
  EXPECT_EQ(counts.ioc_groups + counts.ioc_groups_synthetic + counts.ioc_groups_unknown, 6'591u);
  EXPECT_GT(counts.ioc_groups, 5'400u);
  EXPECT_GE(IdenticalFraction(counts), 0.990) << Differences(counts);
  // Also when an execution of an unknown order counts as one that should have been identical.
  EXPECT_GE(counts.ioc_fills_identical, 0.990 * (counts.ioc_groups + counts.ioc_groups_unknown));
  EXPECT_EQ(counts.event_errors, 0u) << Differences(counts);
  EXPECT_EQ(result.tally.rejected, 0u);
}

TEST(AmznReplay, OneLevelIsRelivedByPriceTimePriority) {
  SKIP_WITHOUT(kOneLevel);
  ExchangeMarket market;
  const ReplayResult result =
      ReplayArchive(kOneLevel, [&](const v1::Command& command) { return market.Execute(command); });
  const VerifierCounts& counts = result.lobster->verified;
  EXPECT_EQ(result.lobster->levels, 1u);
  EXPECT_EQ(counts.book_checks, 57'515u - 2'445u);
  EXPECT_EQ(counts.book_inner_mismatches, 0u) << Differences(counts);
  EXPECT_GT(counts.ioc_groups, 3'800u);
  EXPECT_GE(IdenticalFraction(counts), 0.990) << Differences(counts);
  EXPECT_EQ(result.tally.rejected, 0u);
}

// The comparison has to be able to fail.
TEST(AmznReplay, LastInFirstOutIsFoundOut) {
  SKIP_WITHOUT(kFiveLevels);
  LastInFirstOutMarket market;
  const ReplayResult result = ReplayArchive(
      kFiveLevels, [&](const v1::Command& command) { return market.Execute(command); });
  const VerifierCounts& counts = result.lobster->verified;
  EXPECT_LT(IdenticalFraction(counts), 0.70);
  EXPECT_GT(counts.book_inner_mismatches, 1'000u);
}

struct ExpectedGroup {
  std::vector<Fill> fills;
  bool clean = false;  // no synthetic order takes part
};

// By taker.
std::map<uint64_t, ExpectedGroup> ReadExpectedFills(const std::string& path) {
  std::map<uint64_t, ExpectedGroup> groups;
  auto lines = LineReader::Open(path);
  EXPECT_TRUE(lines.ok()) << lines.status();
  for (auto line = (*lines)->Next(); line.ok() && line->has_value(); line = (*lines)->Next()) {
    std::array<absl::string_view, 5> fields;
    Fill fill;
    if ((*lines)->line() == 1) continue;
    const bool parsed = SplitFields(**line, 5, 5, fields.data()) &&
                        ParseUint(fields[0], &fill.taker_id) &&
                        ParseUint(fields[1], &fill.maker_id) && ParseInt(fields[2], &fill.price) &&
                        ParseInt(fields[3], &fill.quantity);
    EXPECT_TRUE(parsed) << **line;
    groups[fill.taker_id].fills.push_back(fill);
    groups[fill.taker_id].clean = fields[4] == "1";
  }
  return groups;
}

std::map<uint64_t, std::vector<Fill>> ReplayCommands(LocalSession::Execution execute) {
  std::map<uint64_t, std::vector<Fill>> fills;
  auto flow = CsvFlowReader::Open(*FindRecording(kCommands), ExchangeMarket::kSymbol);
  EXPECT_TRUE(flow.ok()) << flow.status();
  LocalSession session([&](const v1::Command& command) {
    v1::CommandResult result = execute(command);
    for (const v1::ExecutionReport& report : result.reports()) {
      if (report.exec_type() != v1::ExecutionReport::TRADE) continue;
      fills[report.client_order_id()].push_back({report.client_order_id(),
                                                 report.contra_client_order_id(),
                                                 report.last_price(), report.last_quantity()});
    }
    return result;
  });
  ProgressBar progress(stderr);
  const ReplayResult result = ReplayCsv(**flow, session, nullptr, progress);
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.tally.commands, 181'208u);
  return fills;
}

// The part of the recorded executions without synthetic orders that came out the same.
double IdenticalToRecording(const std::map<uint64_t, std::vector<Fill>>& fills) {
  size_t clean = 0;
  size_t identical = 0;
  for (const auto& [taker, group] : ReadExpectedFills(*FindRecording(kExpectedFills))) {
    if (!group.clean) continue;
    ++clean;
    auto executed = fills.find(taker);
    if (executed != fills.end() && executed->second == group.fills) ++identical;
  }
  EXPECT_EQ(clean, 5'465u);
  return static_cast<double>(identical) / static_cast<double>(clean);
}

TEST(AmznReplay, CommandsGiveTheRecordedFills) {
  SKIP_WITHOUT(kCommands);
  SKIP_WITHOUT(kExpectedFills);
  ExchangeMarket market;
  const auto fills =
      ReplayCommands([&](const v1::Command& command) { return market.Execute(command); });
  EXPECT_GE(IdenticalToRecording(fills), 0.990);
}

TEST(AmznReplay, CommandsGiveOtherFillsLastInFirstOut) {
  SKIP_WITHOUT(kCommands);
  SKIP_WITHOUT(kExpectedFills);
  LastInFirstOutMarket market;
  const auto fills =
      ReplayCommands([&](const v1::Command& command) { return market.Execute(command); });
  EXPECT_LT(IdenticalToRecording(fills), 0.70);
}

}  // namespace
}  // namespace quorumbook::replay
