// Counts what became of the commands of a replay.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "client/replay/fill_log.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

struct TallyCounts {
  uint64_t commands = 0;  // answered; accepted + rejected
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  uint64_t unanswered = 0;  // given up: their fate is not known
  uint64_t fills = 0;
  int64_t filled_quantity = 0;
  std::map<std::string, uint64_t> rejected_by_reason;
  std::vector<std::string> first_rejections;  // at most ReplayTally::kMaxDescribed
  absl::Status first_error;                   // of the unanswered
};

// Thread-safe. Results arrive in the order of the commands.
class ReplayTally {
 public:
  static constexpr size_t kMaxDescribed = 5;

  // Writes fills to `fill_log`, which may be null and has to outlive the tally.
  explicit ReplayTally(FillLog* fill_log) : fill_log_(fill_log) {}

  void OnResult(const absl::StatusOr<v1::CommandResult>& result);
  TallyCounts counts() const;
  uint64_t answered() const;

 private:
  void CountReport(const v1::ExecutionReport& report, bool* rejected);

  FillLog* const fill_log_;
  mutable std::mutex mutex_;
  TallyCounts counts_;
};

}  // namespace quorumbook::replay
