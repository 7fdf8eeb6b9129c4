#include "client/bench/load_connection.h"

#include <gtest/gtest.h>

#include <deque>
#include <utility>

namespace quorumbook::bench {
namespace {

// Answers when told to.
class ManualSession : public OrderSession {
 public:
  absl::Status Submit(v1::Command, Callback callback) override {
    if (!status.ok()) return status;
    waiting.push_back(std::move(callback));
    return absl::OkStatus();
  }
  void Answer(const absl::StatusOr<v1::CommandResult>& result = v1::CommandResult()) {
    const Callback callback = std::move(waiting.front());
    waiting.pop_front();
    callback(result);
  }
  absl::StatusOr<v1::CommandResult> Execute(v1::Command) override { return v1::CommandResult(); }
  absl::Status Drain() override { return absl::OkStatus(); }
  uint64_t id() const override { return 1; }
  uint32_t shard() const override { return 1; }
  uint64_t account() const override { return 1; }
  SessionStats stats() const override { return {}; }

  absl::Status status;
  std::deque<Callback> waiting;
};

class LoadConnectionTest : public testing::Test {
 protected:
  std::vector<uint32_t> TakeReady() {
    std::vector<uint32_t> ready;
    ready_.Take(&ready, std::chrono::steady_clock::time_point());
    return ready;
  }

  Window window_;
  ClosedLoop loop_;
  ReadyList ready_;
  ManualSession* session_ = new ManualSession;  // the connection's
  LoadConnection connection_{5,
                             nullptr,
                             std::unique_ptr<OrderSession>(session_),
                             OrderFlow({}, {"A"}, 1, 1),
                             {.orders = 4, .group = 2},
                             &window_,
                             &loop_,
                             &ready_};
};

TEST_F(LoadConnectionTest, IsReadyWhenAGroupHasRoom) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(connection_.HasRoom(), i < 3);
    connection_.Send(NowNs());
  }
  ASSERT_TRUE(connection_.WaitForRoom());
  session_->Answer();
  EXPECT_TRUE(TakeReady().empty());
  session_->Answer();
  EXPECT_EQ(TakeReady(), std::vector<uint32_t>{5});
  session_->Answer();
  EXPECT_TRUE(TakeReady().empty()) << "told once, though nobody asked again";
  EXPECT_FALSE(connection_.WaitForRoom()) << "there is room at once";
}

TEST_F(LoadConnectionTest, EachAnswerOfAClosedLoopSendsTheNextOrders) {
  loop_.Begin(NowNs() + 3'600'000'000'000, /*orders=*/7, /*only_adds=*/false);
  connection_.Pump();
  EXPECT_EQ(connection_.sent(), 4u);
  session_->Answer();
  EXPECT_EQ(connection_.sent(), 4u) << "a group has no room";
  session_->Answer();
  EXPECT_EQ(connection_.sent(), 6u);
  EXPECT_TRUE(TakeReady().empty());
  session_->Answer();
  session_->Answer();
  EXPECT_EQ(connection_.sent(), 7u) << "the seventh is the last";
  while (!session_->waiting.empty()) session_->Answer();
  EXPECT_EQ(connection_.sent(), 7u);
  EXPECT_EQ(loop_.left(), 0);
  EXPECT_FALSE(TakeReady().empty()) << "who waits for the end is woken up";
}

TEST_F(LoadConnectionTest, AClosedLoopThatIsOverSendsNothing) {
  loop_.Begin(NowNs() + 3'600'000'000'000, /*orders=*/100, /*only_adds=*/true);
  connection_.Pump();
  ASSERT_EQ(connection_.sent(), 4u);
  loop_.End();
  while (!session_->waiting.empty()) session_->Answer();
  EXPECT_EQ(connection_.sent(), 4u);
  EXPECT_EQ(connection_.answered(), 4u);
}

TEST_F(LoadConnectionTest, LatencyCountsFromWhenTheOrderWasDue) {
  const int64_t now_ns = NowNs();
  window_.start_ns = now_ns - 2'000'000'000;
  connection_.Send(now_ns - 3'000'000'000);  // before the window
  connection_.Send(now_ns - 1'000'000'000);
  session_->Answer();
  session_->Answer();
  EXPECT_EQ(connection_.tally().latency.count(), 1u);
  EXPECT_GE(connection_.tally().latency.max(), 1'000'000'000);
  EXPECT_EQ(connection_.tally().answered, 2u);
  EXPECT_EQ(connection_.tally().by_second.size(), 3u);
}

TEST_F(LoadConnectionTest, CountsNothingOutsideOfTheWindow) {
  connection_.Send(NowNs());
  session_->Answer();
  window_.start_ns = 0;
  window_.end_ns = 1;
  connection_.Send(NowNs());
  session_->Answer();
  EXPECT_EQ(connection_.tally().answered, 0u);
  EXPECT_EQ(connection_.tally().answered_in_all, 2u);
  EXPECT_EQ(connection_.tally().latency.count(), 0u);
}

TEST_F(LoadConnectionTest, CountsRejects) {
  window_.start_ns = 0;
  v1::CommandResult rejected;
  rejected.add_reports()->set_exec_type(v1::ExecutionReport::REJECTED);
  connection_.Send(NowNs());
  session_->Answer(rejected);
  EXPECT_EQ(connection_.tally().rejects, 1u);
}

TEST_F(LoadConnectionTest, AnOrderThatWasNeverSentHasWaited) {
  window_.start_ns = 100;
  connection_.GiveUp(/*due_ns=*/50, /*now_ns=*/1'000'100);
  connection_.GiveUp(100, 1'000'100);
  EXPECT_EQ(connection_.tally().not_sent, 1u);
  EXPECT_EQ(connection_.tally().latency.max(), 1'000'000);
}

TEST_F(LoadConnectionTest, AFailedSessionIsToldOnceAndCounted) {
  for (int i = 0; i < 3; ++i) connection_.Send(NowNs());
  ASSERT_TRUE(connection_.WaitForRoom());
  for (int i = 0; i < 3; ++i) session_->Answer(absl::DeadlineExceededError("no answer"));
  EXPECT_EQ(TakeReady(), std::vector<uint32_t>{5});
  EXPECT_TRUE(connection_.failed());
  EXPECT_EQ(connection_.tally().errors, 3u);
  EXPECT_EQ(connection_.tally().first_error.message(), "no answer");
  EXPECT_EQ(connection_.tally().answered_in_all, 0u);
}

TEST_F(LoadConnectionTest, ASessionThatTakesNoMoreHasFailed) {
  session_->status = absl::FailedPreconditionError("over");
  connection_.Send(NowNs());
  EXPECT_TRUE(connection_.failed());
  EXPECT_EQ(connection_.sent(), 0u);
}

}  // namespace
}  // namespace quorumbook::bench
