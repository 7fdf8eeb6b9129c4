// Waiting for what another thread brings about.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace quorumbook::server {

// A value under a mutex that can be waited for. The time limit only ends a test that would hang.
template <typename T>
class Watched {
 public:
  template <typename Change>
  void Update(Change change) {
    // Notifies under the lock: who waits may destroy this as soon as it has it.
    const std::lock_guard lock(mutex_);
    change(value_);
    changed_.notify_all();
  }
  // Whether `condition(value)` came true.
  template <typename Condition>
  bool Await(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return condition(value_); });
  }
  T Get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

}  // namespace quorumbook::server
