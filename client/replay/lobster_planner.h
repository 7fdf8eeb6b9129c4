// Turns a LOBSTER recording into commands that make a price-time exchange relive it.
//
// A recording shows K levels a side, so what happens further out is not in it, and neither are the
// ids of orders older than it. Synthetic orders stand for both: row 0 seeds one for each level, and
// whenever a level comes into view at the worst end of the window with another quantity than the
// book holds there, a synthetic order replaces what it holds. Nowhere else does the planner correct
// the book: what goes on inside the window follows from the messages alone. docs/replay.md states
// the rules.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/replay/fill_log.h"
#include "client/replay/lobster_files.h"
#include "client/replay/shadow_book.h"

namespace quorumbook::replay {

// The book that the exchange's events make has to be `row` once the step's order has executed
// `after_executed` (as soon as the step is done, at the latest).
struct BookCheck {
  int64_t line = 0;
  int64_t after_executed = 0;
  std::shared_ptr<const BookRow> before;  // the row of the line before
  std::shared_ptr<const BookRow> row;
};

// An incoming order that the recording shows by its executions.
struct IocGroup {
  int64_t line = 0;
  // In order; executions of one resting order that follow each other are one.
  std::vector<Fill> recorded;
  // A price-time exchange executes it against a synthetic order, too.
  bool synthetic = false;
  // The recording executes an order that the replay never saw, or that a synthetic one replaced.
  bool unknown = false;

  // Whether synthetic orders have no part in it, so that the ids have to be the recorded ones.
  bool clean() const { return !synthetic && !unknown; }
};

struct PlannedStep {
  std::optional<v1::Command> command;  // none: the checks are due when all before is done
  std::vector<BookCheck> checks;
  std::optional<IocGroup> group;
};

class LobsterPlanner {
 public:
  // The replay's own order ids: incoming orders, then synthetic ones.
  static constexpr uint64_t kFirstIocId = LobsterReader::kFirstReservedId + 1;
  static constexpr uint64_t kFirstSyntheticId = 9'000'000'000'000;

  struct Counts {
    uint64_t messages = 0;
    uint64_t hidden_executions = 0;  // type 5
    uint64_t skipped_crosses = 0;    // type 6
    uint64_t skipped_halts = 0;      // type 7
    uint64_t synthetic_added = 0;
    // Cancels and reductions to keep the window.
    uint64_t window_removals = 0;
    // Recorded cancels and executions of orders that the replay does not know.
    uint64_t unknown_orders = 0;
  };
  // Takes the steps in order. An error ends the planning.
  using Emit = std::function<absl::Status(PlannedStep)>;

  LobsterPlanner(std::string symbol, Emit emit);

  // Errors are those of Emit. A group is emitted when the step after it is known.
  absl::Status Add(const LobsterStep& step);
  absl::Status Finish();

  const Counts& counts() const { return counts_; }

 private:
  void CountMessage(const LobsterMessage& message);
  absl::Status PlanMessage(const LobsterStep& step);
  // What the message's own order or cancellation is made into; may be nothing.
  std::vector<v1::Command> NewOrderCommands(const LobsterMessage& message);
  std::vector<v1::Command> CancelCommands(const LobsterMessage& message);

  // Whether the message goes on with the executions that are collected.
  bool ContinuesGroup(const LobsterMessage& message) const;
  absl::Status FlushGroup();
  // Levels that come into view while the group executes are what later executions of it hit.
  absl::Status PrepareSweep();
  IocGroup Recorded() const;

  // Makes the levels of one side that are worse than rank `known` those of the row, as far as it
  // shows them. Returns the rank up to which the side is known then.
  absl::StatusOr<int64_t> Align(v1::Side side, int64_t known, const BookRow& row);
  absl::Status AlignBothSides(const BookRow& row);
  // Makes a level that holds `held` show `shown`. Where the two differ, which of its orders are
  // left is not known, so that one synthetic order takes the place of all.
  absl::Status SetLevel(v1::Side side, int64_t price, int64_t held, int64_t shown);

  // Executes an order in the shadow book and lets the rest of it rest there.
  void Place(v1::Side side, const ShadowBook::Order& order, int64_t price);
  v1::Command MakeOrder(v1::Side side, v1::TimeInForce time_in_force, uint64_t id, int64_t price,
                        int64_t quantity) const;
  absl::Status EmitCommand(v1::Command command);

  const std::string symbol_;
  const Emit emit_;
  ShadowBook book_;
  std::shared_ptr<const BookRow> row_;    // of the last step planned
  std::vector<LobsterStep> group_;        // consecutive executions, not yet emitted
  absl::flat_hash_set<uint64_t> filled_;  // recorded orders that the shadow book executed whole
  uint64_t next_ioc_id_ = kFirstIocId;
  uint64_t next_synthetic_id_ = kFirstSyntheticId;
  Counts counts_;
};

}  // namespace quorumbook::replay
