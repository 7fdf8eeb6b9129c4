#include "client/replay/lobster_verifier.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace quorumbook::replay {
namespace {

using Report = v1::ExecutionReport;

std::shared_ptr<const BookRow> Row(std::vector<BookLevel> asks) {
  auto row = std::make_shared<BookRow>();
  row->depth = 2;
  row->asks = std::move(asks);
  return row;
}

v1::CommandResult Accepted(uint64_t id, v1::Side side, int64_t price, int64_t quantity) {
  v1::CommandResult result;
  Report* report = result.add_reports();
  report->set_exec_type(Report::NEW);
  report->set_client_order_id(id);
  report->set_side(side);
  report->set_price(price);
  report->set_leaves_quantity(quantity);
  return result;
}

void AddTrade(uint64_t maker, int64_t price, int64_t quantity, v1::CommandResult* result) {
  Report* report = result->add_reports();
  report->set_exec_type(Report::TRADE);
  report->set_client_order_id(result->reports(0).client_order_id());
  report->set_contra_client_order_id(maker);
  report->set_last_price(price);
  report->set_last_quantity(quantity);
}

PlannedStep CommandStep(std::vector<BookCheck> checks = {}) {
  PlannedStep step;
  step.command.emplace();
  step.checks = std::move(checks);
  return step;
}

// Asks 101: order 1 of 10, then order 2 of 5; 102: order 3 of 7.
class LobsterVerifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 3; ++i) verifier_.Expect(CommandStep());
    verifier_.OnResult(Accepted(1, v1::SELL, 101, 10));
    verifier_.OnResult(Accepted(2, v1::SELL, 101, 5));
    verifier_.OnResult(Accepted(3, v1::SELL, 102, 7));
  }
  BookCheck Check(int64_t after, std::vector<BookLevel> asks) const {
    return {.line = 1, .after_executed = after, .before = seed_, .row = Row(std::move(asks))};
  }
  PlannedStep GroupStep(std::vector<Fill> recorded) const {
    PlannedStep step = CommandStep();
    step.group.emplace();
    step.group->recorded = std::move(recorded);
    return step;
  }

  const std::shared_ptr<const BookRow> seed_ = Row({{101, 15}, {102, 7}});
  LobsterVerifier verifier_;
};

TEST_F(LobsterVerifierTest, ChecksTheBookAfterEveryExecutionOfAnOrder) {
  // The second check falls within the execution of order 1.
  verifier_.Expect(CommandStep({Check(4, {{101, 11}, {102, 7}}), Check(9, {{101, 6}, {102, 7}}),
                                Check(12, {{101, 3}, {102, 7}})}));
  v1::CommandResult result = Accepted(9, v1::BUY, 101, 12);
  AddTrade(1, 101, 10, &result);
  AddTrade(2, 101, 2, &result);
  verifier_.OnResult(result);
  const VerifierCounts counts = verifier_.counts();
  EXPECT_EQ(counts.book_checks, 3u);
  EXPECT_EQ(counts.book_exact, 3u);
  EXPECT_EQ(counts.event_errors, 0u);
}

TEST_F(LobsterVerifierTest, ChecksAreMadeEvenWhenTheExecutionsStayAway) {
  verifier_.Expect(CommandStep({Check(4, {{101, 11}, {102, 7}}), Check(12, {{101, 3}, {102, 7}})}));
  verifier_.OnResult(v1::CommandResult());
  const VerifierCounts counts = verifier_.counts();
  EXPECT_EQ(counts.book_checks, 2u);
  EXPECT_EQ(counts.book_inner_mismatches, 2u);
  ASSERT_EQ(counts.first_differences.size(), 2u);
  EXPECT_EQ(counts.first_differences[0],
            "message line 1: the book differs from the recorded row: asks 101x15 102x7, bids");
}

TEST_F(LobsterVerifierTest, AStepWithoutCommandIsCheckedWhenAllBeforeIsAnswered) {
  verifier_.Expect(CommandStep());
  PlannedStep step;
  step.checks = {Check(0, {{100, 1}, {101, 15}})};
  verifier_.Expect(step);
  EXPECT_EQ(verifier_.counts().book_checks, 0u);
  verifier_.OnResult(Accepted(4, v1::SELL, 100, 1));
  EXPECT_EQ(verifier_.counts().book_exact, 1u);
  verifier_.Expect(step);  // nothing is in flight
  EXPECT_EQ(verifier_.counts().book_exact, 2u);
}

TEST_F(LobsterVerifierTest, FillsAreIdenticalInIdQuantityAndOrder) {
  const std::vector<Fill> recorded = {{0, 1, 101, 10}, {0, 2, 101, 5}, {0, 3, 102, 1}};
  std::vector<Fill> other_id = recorded;
  other_id[1].maker_id = 8;
  std::vector<Fill> other_quantity = recorded;
  other_quantity[2].quantity = 2;
  std::vector<Fill> other_order = {recorded[1], recorded[0], recorded[2]};
  std::vector<Fill> fewer = {recorded[0], recorded[1]};
  for (const auto& plan : {recorded, other_id, other_quantity, other_order, fewer}) {
    LobsterVerifier verifier;
    for (int i = 0; i < 3; ++i) verifier.Expect(CommandStep());
    verifier.OnResult(Accepted(1, v1::SELL, 101, 10));
    verifier.OnResult(Accepted(2, v1::SELL, 101, 5));
    verifier.OnResult(Accepted(3, v1::SELL, 102, 7));
    verifier.Expect(GroupStep(plan));
    v1::CommandResult result = Accepted(9, v1::BUY, 102, 16);
    AddTrade(1, 101, 6, &result);
    AddTrade(1, 101, 4, &result);  // two executions of one order that follow each other are one
    AddTrade(2, 101, 5, &result);
    AddTrade(3, 102, 1, &result);
    verifier.OnResult(result);
    EXPECT_EQ(verifier.counts().ioc_groups, 1u);
    EXPECT_EQ(verifier.counts().ioc_fills_identical, plan == recorded ? 1u : 0u);
    EXPECT_EQ(verifier.counts().event_errors, 0u);
  }
}

TEST_F(LobsterVerifierTest, GroupsWithSyntheticOrUnknownOrdersAreSetApart) {
  PlannedStep synthetic = GroupStep({{0, 1, 101, 1}});
  synthetic.group->synthetic = true;
  PlannedStep unknown = GroupStep({{0, 1, 101, 1}});
  unknown.group->unknown = true;
  verifier_.Expect(synthetic);
  verifier_.Expect(unknown);
  verifier_.OnResult(v1::CommandResult());
  verifier_.OnResult(v1::CommandResult());
  EXPECT_EQ(verifier_.counts().ioc_groups, 0u);
  EXPECT_EQ(verifier_.counts().ioc_groups_synthetic, 1u);
  EXPECT_EQ(verifier_.counts().ioc_groups_unknown, 1u);
}

TEST_F(LobsterVerifierTest, ReportsThatContradictEarlierOnesAreCounted) {
  verifier_.Expect(CommandStep());
  v1::CommandResult result = Accepted(9, v1::BUY, 101, 12);
  AddTrade(77, 101, 10, &result);
  verifier_.OnResult(result);
  EXPECT_EQ(verifier_.counts().event_errors, 1u);
}

}  // namespace
}  // namespace quorumbook::replay
