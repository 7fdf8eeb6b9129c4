#include "client/replay/replay_tally.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

namespace quorumbook::replay {

void ReplayTally::OnResult(const absl::StatusOr<v1::CommandResult>& result) {
  std::lock_guard lock(mutex_);
  if (!result.ok()) {
    ++counts_.unanswered;
    if (counts_.first_error.ok()) counts_.first_error = result.status();
    return;
  }
  ++counts_.commands;
  bool rejected = false;
  for (const v1::ExecutionReport& report : result->reports()) CountReport(report, &rejected);
  ++(rejected ? counts_.rejected : counts_.accepted);
}

void ReplayTally::CountReport(const v1::ExecutionReport& report, bool* rejected) {
  if (report.exec_type() == v1::ExecutionReport::TRADE) {
    ++counts_.fills;
    counts_.filled_quantity += report.last_quantity();
    if (fill_log_ != nullptr) {
      fill_log_->Append({report.client_order_id(), report.contra_client_order_id(),
                         report.last_price(), report.last_quantity()});
    }
  } else if (report.exec_type() == v1::ExecutionReport::REJECTED) {
    *rejected = true;
    const std::string reason = absl::AsciiStrToLower(v1::Reason_Name(report.reason()));
    ++counts_.rejected_by_reason[reason];
    if (counts_.first_rejections.size() < kMaxDescribed) {
      counts_.first_rejections.push_back(absl::StrCat("command ", counts_.commands, " (order ",
                                                      report.client_order_id(), "): ", reason));
    }
  }
}

TallyCounts ReplayTally::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

uint64_t ReplayTally::answered() const {
  std::lock_guard lock(mutex_);
  return counts_.commands;
}

}  // namespace quorumbook::replay
