#include "client/replay/lobster_verifier.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace quorumbook::replay {

namespace {

std::string ToText(const std::vector<Fill>& fills) {
  constexpr size_t kMost = 4;
  std::string text;
  for (size_t i = 0; i < std::min(fills.size(), kMost); ++i) {
    const Fill& fill = fills[i];
    absl::StrAppend(&text, i == 0 ? "" : ", ", fill.quantity, " of ", fill.maker_id, " at ",
                    fill.price);
  }
  if (fills.size() > kMost) absl::StrAppend(&text, " and ", fills.size() - kMost, " more");
  return text.empty() ? "nothing" : text;
}

}  // namespace

void LobsterVerifier::Expect(PlannedStep step) {
  std::lock_guard lock(mutex_);
  pending_.push_back(std::move(step));
  RunChecksThatAreDue();
}

void LobsterVerifier::OnResult(const v1::CommandResult& result) {
  std::lock_guard lock(mutex_);
  QB_CHECK(!pending_.empty());
  const PlannedStep step = std::move(pending_.front());
  pending_.pop_front();

  executed_ = 0;
  size_t next_check = 0;
  std::vector<Fill> fills;
  for (const v1::ExecutionReport& report : result.reports()) {
    ApplyReport(report, step, &next_check);
    if (report.exec_type() != v1::ExecutionReport::TRADE) continue;
    const uint64_t maker = report.contra_client_order_id();
    if (!fills.empty() && fills.back().maker_id == maker &&
        fills.back().price == report.last_price()) {
      fills.back().quantity += report.last_quantity();
    } else {
      fills.push_back(
          {report.client_order_id(), maker, report.last_price(), report.last_quantity()});
    }
  }
  book_.EndCommand();
  for (; next_check < step.checks.size(); ++next_check) CheckBook(step.checks[next_check]);
  if (step.group.has_value()) CheckFills(*step.group, fills);
  RunChecksThatAreDue();
}

// A trade that goes past the point of a check is applied in two parts: a resting synthetic order
// may stand for several recorded ones, each of which is a line with a row of its own.
void LobsterVerifier::ApplyReport(const v1::ExecutionReport& report, const PlannedStep& step,
                                  size_t* next_check) {
  v1::ExecutionReport rest = report;
  const bool trade = report.exec_type() == v1::ExecutionReport::TRADE;
  while (trade && *next_check < step.checks.size()) {
    const BookCheck& check = step.checks[*next_check];
    const int64_t until_check = check.after_executed - executed_;
    if (until_check > rest.last_quantity()) break;
    if (until_check > 0) {
      v1::ExecutionReport part = rest;
      part.set_last_quantity(until_check);
      if (!book_.Apply(part)) break;
      executed_ += until_check;
      rest.set_last_quantity(rest.last_quantity() - until_check);
    }
    CheckBook(check);
    ++*next_check;
  }
  if (trade && rest.last_quantity() == 0) return;
  if (trade) executed_ += rest.last_quantity();
  if (!book_.Apply(rest)) {
    ++counts_.event_errors;
    Describe(step.checks.empty() ? 0 : step.checks.front().line,
             absl::StrCat("a report contradicts earlier ones: ", report.ShortDebugString()));
  }
}

void LobsterVerifier::RunChecksThatAreDue() {
  while (!pending_.empty() && !pending_.front().command.has_value()) {
    for (const BookCheck& check : pending_.front().checks) CheckBook(check);
    pending_.pop_front();
  }
}

void LobsterVerifier::CheckBook(const BookCheck& check) {
  ++counts_.book_checks;
  switch (book_.Compare(*check.before, *check.row)) {
    case EventBook::Match::kExact:
      ++counts_.book_exact;
      return;
    case EventBook::Match::kEdgeDiffers:
      ++counts_.book_edge_differences;
      return;
    case EventBook::Match::kInnerDiffers:
      ++counts_.book_inner_mismatches;
      Describe(check.line, absl::StrCat("the book differs from the recorded row: ",
                                        book_.Describe(check.row->depth)));
  }
}

void LobsterVerifier::CheckFills(const IocGroup& group, const std::vector<Fill>& fills) {
  if (!group.clean()) {
    ++(group.synthetic ? counts_.ioc_groups_synthetic : counts_.ioc_groups_unknown);
    return;
  }
  ++counts_.ioc_groups;
  const bool identical =
      std::equal(fills.begin(), fills.end(), group.recorded.begin(), group.recorded.end(),
                 [](const Fill& fill, const Fill& recorded) {
                   return fill.maker_id == recorded.maker_id && fill.price == recorded.price &&
                          fill.quantity == recorded.quantity;
                 });
  if (identical) {
    ++counts_.ioc_fills_identical;
  } else {
    Describe(group.line,
             absl::StrCat("recorded ", ToText(group.recorded), "; executed ", ToText(fills)));
  }
}

void LobsterVerifier::Describe(int64_t line, const std::string& what) {
  if (counts_.first_differences.size() >= kMaxDescribed) return;
  counts_.first_differences.push_back(absl::StrCat("message line ", line, ": ", what));
}

VerifierCounts LobsterVerifier::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace quorumbook::replay
