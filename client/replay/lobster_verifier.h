// Compares what the exchange reports with what a LOBSTER recording shows, step by step.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "client/replay/event_book.h"
#include "client/replay/lobster_planner.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

struct VerifierCounts {
  uint64_t book_checks = 0;  // the sum of the next three
  uint64_t book_exact = 0;
  uint64_t book_edge_differences = 0;
  uint64_t book_inner_mismatches = 0;
  uint64_t event_errors = 0;          // reports that contradict earlier ones
  uint64_t ioc_groups = 0;            // that are clean: synthetic orders have no part in them
  uint64_t ioc_groups_synthetic = 0;  // that execute synthetic orders
  uint64_t ioc_groups_unknown = 0;    // of the rest, that are recorded with an unknown order
  uint64_t ioc_fills_identical = 0;   // of ioc_groups
  std::vector<std::string> first_differences;  // at most LobsterVerifier::kMaxDescribed

  bool operator==(const VerifierCounts&) const = default;
};

// Thread-safe: steps come from the planner's thread, results from the session's. Holds as many
// steps as commands are in flight.
class LobsterVerifier {
 public:
  static constexpr size_t kMaxDescribed = 10;

  // Takes a step's expectations. REQUIRES: called before its command is submitted, in order.
  void Expect(PlannedStep step);
  // The result of the oldest expected command.
  void OnResult(const v1::CommandResult& result);
  VerifierCounts counts() const;

 private:
  void ApplyReport(const v1::ExecutionReport& report, const PlannedStep& step, size_t* next_check);
  void CheckBook(const BookCheck& check);
  void CheckFills(const IocGroup& group, const std::vector<Fill>& fills);
  void RunChecksThatAreDue();
  void Describe(int64_t line, const std::string& what);

  mutable std::mutex mutex_;
  std::deque<PlannedStep> pending_;
  EventBook book_;
  int64_t executed_ = 0;  // of the command that is being checked
  VerifierCounts counts_;
};

}  // namespace quorumbook::replay
