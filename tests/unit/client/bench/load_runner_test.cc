// Whole runs against the fake cluster, which speaks the real protocol.
#include "client/bench/load_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/bench/bench_report.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::bench {
namespace {

using testing::HasSubstr;

class LoadRunnerTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<LoadRunner>> Create(const LoadOptions& options) {
    return LoadRunner::Create(
        [&] { return Client::Connect({.endpoints = {cluster_.node(1).address()}}); }, options);
  }
  LoadResult Run(const LoadOptions& options) {
    auto runner = Create(options);
    EXPECT_TRUE(runner.ok()) << runner.status();
    if (!runner.ok()) return {};
    return (*runner)->Run([](double, uint64_t) {});
  }

  client::FakeCluster cluster_{3};
};

TEST_F(LoadRunnerTest, AClosedLoopMeasuresEachOfItsOrders) {
  LoadOptions options;
  options.connections = 3;
  options.in_flight = 2;
  options.group = options.max_batch = 7;
  options.warm_up = std::chrono::milliseconds(10);
  options.orders = 1'000;
  options.symbols = 2;
  options.open_orders = 50;
  const LoadResult result = Run(options);
  EXPECT_EQ(result.tally.latency.count(), 1'000u);
  EXPECT_GE(result.tally.answered_in_all, 1'050u);
  EXPECT_EQ(result.tally.rejects, 0u);
  EXPECT_EQ(result.tally.errors, 0u);
  EXPECT_GT(result.seconds, 0);
  ASSERT_EQ(result.processes.size(), 1u);

  const nlohmann::ordered_json json = ToJson(options, result, {});
  EXPECT_GT(json["orders_per_second"], 0);
  EXPECT_GE(json["latency_us"]["max"], json["latency_us"]["p50"]);
  EXPECT_EQ(json["cpu_us_per_order"], nullptr) << "no daemon was named";
}

TEST_F(LoadRunnerTest, AnOpenLoopAccountsForEveryOrderThatWasDue) {
  LoadOptions options;
  options.connections = 2;
  options.in_flight = 1'000;
  options.max_batch = 100;
  options.rate = 10'000;
  options.warm_up = std::chrono::milliseconds(20);
  options.duration = std::chrono::milliseconds(200);
  const LoadResult result = Run(options);
  // Answered or not sent: each that was due has a latency.
  EXPECT_EQ(result.tally.latency.count(), 2'000u);
  EXPECT_EQ(result.tally.answered_in_all + result.tally.not_sent, 2'200u);
  EXPECT_DOUBLE_EQ(result.seconds, 0.2);
}

TEST_F(LoadRunnerTest, SaysWhatIsNotThere) {
  LoadOptions options;
  options.disk = "no-such-disk";
  EXPECT_THAT(std::string(Create(options).status().message()), HasSubstr("no disk 'no-such-disk'"));
  options.disk = "";
  options.symbol_prefix = "A NAME WITH SPACES";
  EXPECT_EQ(Create(options).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace quorumbook::bench
