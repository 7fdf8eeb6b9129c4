// Puts load on a cluster and measures what it does: closed loop (so many orders in flight) or open
// loop (so many orders a second, however slow the answers are).
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/bench/load_connection.h"
#include "client/bench/open_loop_schedule.h"
#include "client/bench/order_flow.h"
#include "client/bench/process_usage.h"
#include "quorumbook/client.h"

namespace quorumbook::bench {

// Orders in flight of one connection.
inline constexpr uint32_t kMaxInFlight = 8'192;

struct LoadOptions {
  uint32_t connections = 1;
  uint32_t in_flight = 1;  // groups a connection
  uint32_t group = 1;      // orders that are handed to the session together
  uint32_t max_batch = 1;  // orders that the session may send in one message
  uint64_t rate = 0;       // orders a second in all: an open loop; 0: a closed one
  std::chrono::milliseconds warm_up = std::chrono::seconds(1);
  std::chrono::milliseconds duration = std::chrono::seconds(10);
  uint64_t orders = 0;  // not 0: that many are measured, however long it takes
  OrderMix mix;
  uint32_t symbols = 1;
  std::string symbol_prefix = "BENCH";
  uint64_t open_orders = 0;  // in the book before the warm-up, in all
  uint64_t seed = 1;
  uint64_t account = 1;  // of the first connection; the others have the next ones
  std::vector<int> pids;
  std::string disk;  // "": none
};

struct ProcessReport {
  std::string name;
  int pid = 0;
  // None when the process was not there at the beginning or the end of the window.
  std::optional<ProcessUsage> before = {};
  std::optional<ProcessUsage> after = {};
};

struct LoadResult {
  LoadTally tally;  // of all connections
  double seconds = 0;
  int64_t window_unix_ns = 0;  // when the window began
  int64_t window_start_ns = 0;
  uint32_t shards = 0;                   // that got load
  SessionStats sessions;                 // sums; the longest outage is in the tally
  std::vector<ProcessReport> processes;  // the client first
  std::optional<DiskUsage> disk_before;
  std::optional<DiskUsage> disk_after;
};

// Called now and then while it runs: the part done (0 to 1) and the orders answered.
using OnProgress = std::function<void(double, uint64_t)>;

class LoadRunner {
 public:
  // Connects, adds the symbols and opens the sessions; `connect` makes a client with a connection
  // of its own. Errors: of the cluster; kInvalidArgument when shards of the symbols would get no
  // connection; kNotFound for a disk or process that is not there.
  static absl::StatusOr<std::unique_ptr<LoadRunner>> Create(
      const std::function<absl::StatusOr<std::unique_ptr<Client>>()>& connect,
      const LoadOptions& options);

  // Runs it all; call it once. Sessions that fail are counted and the others go on.
  LoadResult Run(const OnProgress& progress);

 private:
  explicit LoadRunner(const LoadOptions& options) : options_(options) {}

  void FillBooks();
  void RunClosedLoop(int64_t until_ns, uint64_t orders, bool only_adds);
  void RunOpenLoop(int64_t until_ns);
  // Sends what is due and fits; when its next order is due, or `until_ns`.
  int64_t SendDue(LoadConnection& connection, OpenLoopSchedule& schedule, int64_t until_ns);
  void GiveUpDue(int64_t until_ns);
  void Drain();
  void Measure(bool before, LoadResult* result) const;
  void Gather(LoadResult* result) const;
  void Progress(int64_t now_ns);
  bool AllFailed() const;

  const LoadOptions options_;
  Window window_;
  ClosedLoop loop_;
  ReadyList ready_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<OpenLoopSchedule> schedules_;
  std::vector<uint32_t> taken_;  // from ready_
  uint32_t shards_ = 0;
  const OnProgress* progress_ = nullptr;
};

}  // namespace quorumbook::bench
