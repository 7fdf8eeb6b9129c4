#include "server/clock_check.h"

#include <time.h>

#include "common/check.h"

namespace quorumbook::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Of the time between two readings. Two nodes that are both off by this much, one fast and one
// slow, still differ by less than half of what leases allow.
constexpr int kMaxRatePercent = 2;
// Readings are not of one moment: the thread may have been interrupted between two clocks.
constexpr milliseconds kReadingError{2};
constexpr milliseconds kSuspended{10};
constexpr seconds kEvenFor{10};
constexpr int kReadings = 10;

nanoseconds Read(clockid_t clock) {
  timespec now{};
  QB_CHECK(clock_gettime(clock, &now) == 0);
  return seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

nanoseconds Distance(nanoseconds a, nanoseconds b) { return a > b ? a - b : b - a; }

}  // namespace

consensus::Instant ClockNow() { return Read(CLOCK_BOOTTIME); }

// The one of several readings that took the least time.
ClockReading ReadClocks() {
  ClockReading best;
  nanoseconds best_took = nanoseconds::max();
  for (int i = 0; i < kReadings; ++i) {
    ClockReading reading;
    reading.raw = Read(CLOCK_MONOTONIC_RAW);
    reading.monotonic = Read(CLOCK_MONOTONIC);
    reading.boot = Read(CLOCK_BOOTTIME);
    const nanoseconds took = Read(CLOCK_MONOTONIC_RAW) - reading.raw;
    if (took >= best_took) continue;
    best_took = took;
    best = reading;
  }
  return best;
}

bool ClockCheck::Add(const ClockReading& reading) {
  if (!last_) {
    last_ = reading;
    even_since_ = reading.raw;
    return trusted_;
  }
  const nanoseconds raw = reading.raw - last_->raw;
  const nanoseconds monotonic = reading.monotonic - last_->monotonic;
  const nanoseconds boot = reading.boot - last_->boot;
  last_ = reading;
  const bool even = Distance(monotonic, raw) <= raw * kMaxRatePercent / 100 + kReadingError &&
                    Distance(boot, monotonic) <= kSuspended;
  if (!even) even_since_ = reading.raw;
  trusted_ = reading.raw - even_since_ >= kEvenFor;
  return trusted_;
}

}  // namespace quorumbook::server
