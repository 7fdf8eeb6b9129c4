// How long syncs of a disk took, counted by those who wait for them and read by others.
// Thread-safe.
#pragma once

#include <chrono>
#include <mutex>

#include "common/duration_histogram.h"

namespace quorumbook::storage {

class SyncTimes {
 public:
  void Add(std::chrono::nanoseconds duration) {
    const std::lock_guard lock(mutex_);
    histogram_.Add(duration);
  }
  DurationHistogram Get() const {
    const std::lock_guard lock(mutex_);
    return histogram_;
  }

 private:
  mutable std::mutex mutex_;
  DurationHistogram histogram_;  // guarded by mutex_
};

}  // namespace quorumbook::storage
