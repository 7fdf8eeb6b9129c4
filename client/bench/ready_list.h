// Connections that can take orders again: told by the threads that answer, asked for by the one
// that sends.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

namespace quorumbook::bench {

// Thread-safe.
class ReadyList {
 public:
  void Add(uint32_t connection) {
    std::lock_guard lock(mutex_);
    ready_.push_back(connection);
    added_.notify_one();
  }

  // Replaces `ready` by what was added; waits for something until `deadline`.
  void Take(std::vector<uint32_t>* ready, std::chrono::steady_clock::time_point deadline) {
    ready->clear();
    std::unique_lock lock(mutex_);
    added_.wait_until(lock, deadline, [&] { return !ready_.empty(); });
    ready->swap(ready_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable added_;
  std::vector<uint32_t> ready_;
};

}  // namespace quorumbook::bench
