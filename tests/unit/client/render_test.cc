// Names and explanations: every value of the protocol has one.
#include "client/qb/render.h"

#include <gtest/gtest.h>

#include <set>

namespace quorumbook::qb {
namespace {

TEST(Render, EveryReasonIsExplained) {
  std::set<std::string> texts;
  for (int number = v1::Reason_MIN; number <= v1::Reason_MAX; ++number) {
    if (!v1::Reason_IsValid(number) || number == v1::REASON_NONE) continue;
    const auto reason = static_cast<v1::Reason>(number);
    EXPECT_NE(Explain(reason), "") << v1::Reason_Name(reason);
    EXPECT_NE(Name(reason), "");
    texts.insert(Explain(reason));
  }
  EXPECT_GT(texts.size(), 55u);
  EXPECT_EQ(Explain(v1::REASON_NONE), "");
  EXPECT_EQ(Name(v1::REASON_NONE), "");
}

TEST(Render, EveryNameIsShortAndLower) {
  for (int number = v1::GOOD_TILL_CANCEL; number <= v1::GOOD_TILL_DATE; ++number) {
    EXPECT_EQ(Name(static_cast<v1::TimeInForce>(number)).size(), 3u);
  }
  EXPECT_EQ(Name(v1::CLOSING_AUCTION), "closing_auction");
  EXPECT_EQ(Name(v1::TRAILING_STOP), "trailing_stop");
  EXPECT_EQ(Name(v1::ORDER_EXPIRED), "expired");
  EXPECT_EQ(Name(v1::DECREMENT), "decrement");
}

TEST(Render, IntervalsAreFoundByTheirNames) {
  for (const auto interval : {v1::ONE_MINUTE, v1::FIVE_MINUTES, v1::ONE_HOUR, v1::ONE_DAY}) {
    EXPECT_EQ(IntervalOf(Name(interval)), interval);
  }
}

TEST(Render, FeesAreInTheAssetThatIsReceived) {
  v1::Symbol symbol;
  symbol.mutable_tick_size()->set_mantissa(1);
  symbol.mutable_lot_size()->set_mantissa(1);
  symbol.set_base_exponent(-8);
  symbol.set_quote_exponent(-2);
  v1::ExecutionReport report;
  report.set_exec_type(v1::ExecutionReport::TRADE);
  report.set_fee(123);
  report.set_side(v1::BUY);
  EXPECT_EQ(ReportJson(report, symbol)["fee"], "0.00000123");
  report.set_side(v1::SELL);
  EXPECT_EQ(ReportJson(report, symbol)["fee"], "1.23");
}

}  // namespace
}  // namespace quorumbook::qb
