// The clock of a node: what time it is for Raft, and whether leases may rely on that.
#pragma once

#include <chrono>
#include <optional>

#include "consensus/types.h"

namespace quorumbook::server {

// Steady. Goes on while the machine is suspended (CLOCK_BOOTTIME), so that a lease ends in time and
// what was promised has been waited for.
consensus::Instant ClockNow();

struct ClockReading {
  std::chrono::nanoseconds boot{};       // CLOCK_BOOTTIME: as ClockNow
  std::chrono::nanoseconds monotonic{};  // the same, but stands still while suspended
  std::chrono::nanoseconds raw{};        // CLOCK_MONOTONIC_RAW: as the hardware counts
};
ClockReading ReadClocks();

// Whether the clock runs at the rate of the hardware. NTP makes it run faster or slower to correct
// it: by 0.05 % at most when it slews (adjtimex(2), `freq`), by up to 10 % when `tick` was changed,
// which is what leases allow two nodes to differ in all (consensus::Options::clock_drift_percent).
// And after a suspension, hardware and hypervisor may need a while to agree.
//
// What it can not see: a virtual machine that is stopped, with all its clocks, and goes on later.
class ClockCheck {
 public:
  // To be called about once a second. Returns trusted().
  bool Add(const ClockReading& reading);
  // At first it is not: nothing is known yet.
  bool trusted() const { return trusted_; }

 private:
  std::optional<ClockReading> last_;
  std::chrono::nanoseconds even_since_{};  // on the raw clock
  bool trusted_ = false;
};

}  // namespace quorumbook::server
