// What a recording becomes, told by small recordings: the commands that come out.
#include "client/replay/lobster_planner.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorumbook::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Levels = std::vector<BookLevel>;

// "add S1 buy 100x5", where S1 is the second synthetic order; incoming orders are "ioc I1 ...".
std::string OrderName(uint64_t id) {
  if (id >= LobsterPlanner::kFirstSyntheticId) {
    return absl::StrCat("S", id - LobsterPlanner::kFirstSyntheticId);
  }
  if (id >= LobsterPlanner::kFirstIocId) return absl::StrCat("I", id - LobsterPlanner::kFirstIocId);
  return absl::StrCat(id);
}

std::string ToText(const v1::Command& command) {
  if (command.has_cancel_order()) {
    return absl::StrCat("cancel ", OrderName(command.cancel_order().client_order_id()));
  }
  if (command.has_reduce_order()) {
    return absl::StrCat("reduce ", OrderName(command.reduce_order().client_order_id()), " by ",
                        command.reduce_order().quantity());
  }
  const v1::NewOrder& order = command.new_order();
  return absl::StrCat(order.time_in_force() == v1::GOOD_TILL_CANCEL ? "add " : "ioc ",
                      OrderName(order.client_order_id()),
                      order.side() == v1::BUY ? " buy " : " sell ", order.price(), "x",
                      order.quantity());
}

// Depth 2. Row 0 is asks 101x10 102x20, bids 99x10 98x20, whose seeds are S0 to S3.
class LobsterPlannerTest : public ::testing::Test {
 protected:
  static constexpr int64_t kTime = 1'000;

  LobsterPlannerTest()
      : planner_("AMZN", [this](PlannedStep step) {
          steps_.push_back(std::move(step));
          return absl::OkStatus();
        }) {}

  void SetUp() override {
    Send(LobsterType::kHiddenExecution, 0, 1, 0, v1::BUY, {{101, 10}, {102, 20}},
         {{99, 10}, {98, 20}});
    EXPECT_THAT(Planned(), ElementsAre("add S0 sell 101x10", "add S1 sell 102x20",
                                       "add S2 buy 99x10", "add S3 buy 98x20"));
  }

  void Send(LobsterType type, uint64_t id, int64_t quantity, int64_t price, v1::Side side,
            Levels asks, Levels bids, int64_t time = kTime) {
    auto row = std::make_shared<BookRow>();
    row->depth = 2;
    row->asks = std::move(asks);
    row->bids = std::move(bids);
    LobsterStep step;
    step.line = ++line_;
    step.message = {time, type, id, quantity, price, side};
    step.row = std::move(row);
    EXPECT_TRUE(planner_.Add(step).ok());
  }

  // The commands since the last call; the steps stay in last_.
  std::vector<std::string> Planned() {
    last_ = std::exchange(steps_, {});
    std::vector<std::string> text;
    for (const PlannedStep& step : last_) {
      if (step.command.has_value()) text.push_back(ToText(*step.command));
    }
    return text;
  }
  std::vector<std::string> PlannedToTheEnd() {
    EXPECT_TRUE(planner_.Finish().ok());
    return Planned();
  }
  size_t Checks() const {
    size_t checks = 0;
    for (const PlannedStep& step : last_) checks += step.checks.size();
    return checks;
  }

  std::vector<PlannedStep> steps_;
  std::vector<PlannedStep> last_;
  int64_t line_ = 0;
  LobsterPlanner planner_;
};

TEST_F(LobsterPlannerTest, OrdersAndCancelsAreThemselves) {
  Send(LobsterType::kNew, 7, 5, 99, v1::BUY, {{101, 10}, {102, 20}}, {{99, 15}, {98, 20}});
  Send(LobsterType::kPartialCancel, 7, 2, 99, v1::BUY, {{101, 10}, {102, 20}},
       {{99, 13}, {98, 20}});
  Send(LobsterType::kDelete, 7, 3, 99, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}, {98, 20}});
  EXPECT_THAT(Planned(), ElementsAre("add 7 buy 99x5", "reduce 7 by 2", "cancel 7"));
  EXPECT_EQ(Checks(), 3u);
  EXPECT_EQ(last_[1].checks[0].line, 3);
  EXPECT_EQ(last_[1].checks[0].before->bids, (Levels{{99, 15}, {98, 20}}));
  EXPECT_EQ(last_[1].checks[0].row->bids, (Levels{{99, 13}, {98, 20}}));
}

TEST_F(LobsterPlannerTest, CancelsOfUnknownOrdersConsumeSyntheticQuantityAtTheirPrice) {
  Send(LobsterType::kNew, 7, 5, 99, v1::BUY, {{101, 10}, {102, 20}}, {{99, 15}, {98, 20}});
  Send(LobsterType::kPartialCancel, 3, 4, 99, v1::BUY, {{101, 10}, {102, 20}},
       {{99, 11}, {98, 20}});
  Send(LobsterType::kDelete, 4, 6, 99, v1::BUY, {{101, 10}, {102, 20}}, {{99, 5}, {98, 20}});
  EXPECT_THAT(Planned(), ElementsAre("add 7 buy 99x5", "reduce S2 by 4", "cancel S2"));
  EXPECT_EQ(planner_.counts().unknown_orders, 2u);
}

TEST_F(LobsterPlannerTest, ACheckOfAMessageWithoutCommandIsStillMade) {
  // Out of view, and nothing there.
  Send(LobsterType::kDelete, 3, 4, 90, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}, {98, 20}});
  EXPECT_THAT(Planned(), IsEmpty());
  EXPECT_EQ(Checks(), 1u);
}

TEST_F(LobsterPlannerTest, ALevelThatComesIntoViewIsFilledWithASyntheticOrder) {
  Send(LobsterType::kDelete, 3, 10, 99, v1::BUY, {{101, 10}, {102, 20}}, {{98, 20}, {95, 6}});
  EXPECT_THAT(Planned(), ElementsAre("cancel S2", "add S4 buy 95x6"));
  EXPECT_EQ(last_[0].checks.size(), 1u);  // before the window is corrected
  EXPECT_EQ(planner_.counts().synthetic_added, 5u);
}

TEST_F(LobsterPlannerTest, ALevelThatComesBackAsItWasIsLeftAlone) {
  Send(LobsterType::kNew, 7, 5, 98, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}, {98, 25}});
  Send(LobsterType::kNew, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{100, 1}, {99, 10}});
  Send(LobsterType::kDelete, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}, {98, 25}});
  EXPECT_THAT(Planned(), ElementsAre("add 7 buy 98x5", "add 8 buy 100x1", "cancel 8"));
}

TEST_F(LobsterPlannerTest, ALevelThatComesBackDifferentIsReplaced) {
  Send(LobsterType::kNew, 7, 5, 98, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}, {98, 25}});
  Send(LobsterType::kNew, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{100, 1}, {99, 10}});
  Planned();
  Send(LobsterType::kDelete, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}, {98, 22}});
  EXPECT_THAT(Planned(), ElementsAre("cancel 8", "cancel S3", "cancel 7", "add S4 buy 98x22"));
  EXPECT_EQ(planner_.counts().window_removals, 2u);
}

TEST_F(LobsterPlannerTest, LevelsThatAreGoneWhenTheNextComesIntoViewAreCancelled) {
  Send(LobsterType::kNew, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{100, 1}, {99, 10}});
  Send(LobsterType::kDelete, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}, {97, 3}});
  EXPECT_THAT(Planned(),
              ElementsAre("add 8 buy 100x1", "cancel 8", "cancel S3", "add S4 buy 97x3"));
}

TEST_F(LobsterPlannerTest, ASideWithFewerLevelsHasNothingBeyond) {
  Send(LobsterType::kNew, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{100, 1}, {99, 10}});
  Planned();
  Send(LobsterType::kDelete, 8, 1, 100, v1::BUY, {{101, 10}, {102, 20}}, {{99, 10}});
  EXPECT_THAT(Planned(), ElementsAre("cancel 8", "cancel S3"));
}

TEST_F(LobsterPlannerTest, ConsecutiveExecutionsOfOneTimeAndSideAreOneIncomingOrder) {
  Send(LobsterType::kNew, 7, 5, 101, v1::SELL, {{101, 15}, {102, 20}}, {{99, 10}, {98, 20}});
  Planned();
  Send(LobsterType::kVisibleExecution, 3, 10, 101, v1::SELL, {{101, 5}, {102, 20}},
       {{99, 10}, {98, 20}});
  Send(LobsterType::kHiddenExecution, 0, 50, 0, v1::SELL, {{101, 5}, {102, 20}},
       {{99, 10}, {98, 20}});
  Send(LobsterType::kVisibleExecution, 7, 2, 101, v1::SELL, {{101, 3}, {102, 20}},
       {{99, 10}, {98, 20}});
  Send(LobsterType::kVisibleExecution, 7, 3, 101, v1::SELL, {{102, 20}, {103, 4}},
       {{99, 10}, {98, 20}});
  EXPECT_THAT(Planned(), IsEmpty());  // the next message decides where it ends
  EXPECT_THAT(PlannedToTheEnd(), ElementsAre("ioc I0 buy 101x15", "add S4 sell 103x4"));
  ASSERT_TRUE(last_[0].group.has_value());
  const IocGroup& group = *last_[0].group;
  ASSERT_EQ(group.recorded.size(), 2u);
  EXPECT_EQ(group.recorded[0].maker_id, 3u);
  EXPECT_EQ(group.recorded[1].maker_id, 7u);
  EXPECT_EQ(group.recorded[1].quantity, 5);  // one execution of one order
  EXPECT_TRUE(group.synthetic);
  ASSERT_EQ(last_[0].checks.size(), 3u);
  EXPECT_EQ(last_[0].checks[0].after_executed, 10);
  EXPECT_EQ(last_[0].checks[1].after_executed, 12);
  EXPECT_EQ(last_[0].checks[2].after_executed, 15);
}

TEST_F(LobsterPlannerTest, AnotherTimeSideOrKindOfMessageEndsTheIncomingOrder) {
  const Levels bids = {{99, 10}, {98, 20}};
  Send(LobsterType::kVisibleExecution, 3, 1, 101, v1::SELL, {{101, 9}, {102, 20}}, bids);
  Send(LobsterType::kVisibleExecution, 3, 1, 101, v1::SELL, {{101, 8}, {102, 20}}, bids, kTime + 1);
  EXPECT_THAT(Planned(), ElementsAre("ioc I0 buy 101x1"));
  Send(LobsterType::kHiddenExecution, 0, 1, 0, v1::BUY, {{101, 8}, {102, 20}}, bids, kTime + 1);
  EXPECT_THAT(Planned(), ElementsAre("ioc I1 buy 101x1"));
  Send(LobsterType::kVisibleExecution, 4, 1, 99, v1::BUY, {{101, 8}, {102, 20}},
       {{99, 9}, {98, 20}}, kTime + 1);
  Send(LobsterType::kNew, 7, 1, 99, v1::BUY, {{101, 8}, {102, 20}}, bids, kTime + 1);
  EXPECT_THAT(Planned(), ElementsAre("ioc I2 sell 99x1", "add 7 buy 99x1"));
}

// With two levels in view an order can sweep three: what it finds there is in the rows between.
TEST_F(LobsterPlannerTest, LevelsThatASweepRevealsAreThereBeforeIt) {
  const Levels bids = {{99, 10}, {98, 20}};
  Send(LobsterType::kVisibleExecution, 3, 10, 101, v1::SELL, {{102, 20}, {103, 4}}, bids);
  Send(LobsterType::kVisibleExecution, 4, 20, 102, v1::SELL, {{103, 4}, {105, 8}}, bids);
  Send(LobsterType::kVisibleExecution, 5, 4, 103, v1::SELL, {{105, 8}, {106, 1}}, bids);
  EXPECT_THAT(PlannedToTheEnd(), ElementsAre("add S4 sell 103x4", "add S5 sell 105x8",
                                             "ioc I0 buy 103x34", "add S6 sell 106x1"));
}

TEST_F(LobsterPlannerTest, AnExecutionOfAnUnknownOrderCanNotBeCompared) {
  Send(LobsterType::kNew, 7, 5, 100, v1::BUY, {{101, 10}, {102, 20}}, {{100, 5}, {99, 10}});
  Send(LobsterType::kVisibleExecution, 7, 2, 100, v1::BUY, {{101, 10}, {102, 20}},
       {{100, 3}, {99, 10}});
  Send(LobsterType::kVisibleExecution, 6, 1, 100, v1::BUY, {{101, 10}, {102, 20}},
       {{100, 2}, {99, 10}}, kTime + 1);
  EXPECT_THAT(PlannedToTheEnd(),
              ElementsAre("add 7 buy 100x5", "ioc I0 sell 100x2", "ioc I1 sell 100x1"));
  EXPECT_TRUE(last_[1].group->clean());
  EXPECT_FALSE(last_[2].group->synthetic);
  EXPECT_TRUE(last_[2].group->unknown);
}

TEST_F(LobsterPlannerTest, AnOrderThatTheBookExecutedEarlierIsNotUnknown) {
  const Levels asks = {{101, 10}, {102, 20}};
  Send(LobsterType::kNew, 7, 5, 100, v1::BUY, asks, {{100, 5}, {99, 10}});
  Send(LobsterType::kNew, 8, 5, 100, v1::BUY, asks, {{100, 10}, {99, 10}});
  // The recording breaks price-time priority: 8 before 7.
  Send(LobsterType::kVisibleExecution, 8, 5, 100, v1::BUY, asks, {{100, 5}, {99, 10}});
  Send(LobsterType::kVisibleExecution, 7, 5, 100, v1::BUY, asks, {{99, 10}, {98, 20}}, kTime + 1);
  PlannedToTheEnd();
  EXPECT_TRUE(last_[2].group->clean());
  EXPECT_TRUE(last_[3].group->clean());
}

TEST_F(LobsterPlannerTest, HaltsAndCrossesAreSkippedAndCounted) {
  const Levels asks = {{101, 10}, {102, 20}};
  const Levels bids = {{99, 10}, {98, 20}};
  Send(LobsterType::kHalt, 0, 0, 0, v1::SELL, asks, bids);
  Send(LobsterType::kCross, 0, 100, 0, v1::SELL, asks, bids);
  EXPECT_THAT(PlannedToTheEnd(), IsEmpty());
  EXPECT_EQ(Checks(), 0u);
  EXPECT_EQ(planner_.counts().skipped_halts, 1u);
  EXPECT_EQ(planner_.counts().skipped_crosses, 1u);
  EXPECT_EQ(planner_.counts().hidden_executions, 1u);
  EXPECT_EQ(planner_.counts().messages, 3u);
}

TEST_F(LobsterPlannerTest, AnIdThatIsOpenAlreadyIsGivenAnother) {
  Send(LobsterType::kNew, 7, 5, 100, v1::BUY, {{101, 10}, {102, 20}}, {{100, 5}, {99, 10}});
  Send(LobsterType::kNew, 7, 5, 100, v1::BUY, {{101, 10}, {102, 20}}, {{100, 10}, {99, 10}});
  EXPECT_THAT(Planned(), ElementsAre("add 7 buy 100x5", "add S4 buy 100x5"));
}

TEST(LobsterPlanner, PassesOnThatNothingCanBeSent) {
  LobsterPlanner planner("AMZN", [](PlannedStep) { return absl::FailedPreconditionError("over"); });
  auto row = std::make_shared<BookRow>();
  row->depth = 1;
  row->bids = {{99, 1}};
  LobsterStep step;
  step.row = row;
  EXPECT_EQ(planner.Add(step).message(), "over");
}

}  // namespace
}  // namespace quorumbook::replay
