// How fast RocksDB writes tables in the background.
#pragma once

#include <rocksdb/rate_limiter.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace quorumbook::storage {

// Lets bytes through at equal distances, in the order in which they were asked for; what was not
// used earlier is not saved up. Not limited at first.
//
// RocksDB's own limiter is not used: up to version 8.5 it sometimes lets a thread wait for ever
// (https://github.com/facebook/rocksdb/issues/11742), and with it all writes.
class WritePacer final : public rocksdb::RateLimiter {
 public:
  // Thread-safe, as all of these. 0: no limit.
  void SetBytesPerSecond(int64_t bytes_per_second) override;
  int64_t GetBytesPerSecond() const override;

  // Blocks until it is their turn. REQUIRES: 0 <= bytes <= GetSingleBurstBytes().
  using rocksdb::RateLimiter::Request;
  void Request(int64_t bytes, rocksdb::Env::IOPriority priority) override;
  int64_t GetSingleBurstBytes() const override { return int64_t{512} << 10; }

  int64_t GetTotalBytesThrough(rocksdb::Env::IOPriority priority) const override;
  int64_t GetTotalRequests(rocksdb::Env::IOPriority priority) const override;

 private:
  struct Count {
    int64_t bytes = 0;
    int64_t requests = 0;
  };

  mutable std::mutex mutex_;  // guards what follows; not held while anybody waits
  int64_t bytes_per_second_ = 0;
  std::chrono::steady_clock::time_point free_at_{};
  std::array<Count, rocksdb::Env::IO_TOTAL + 1> counts_{};  // by priority; the last: of all
};

}  // namespace quorumbook::storage
