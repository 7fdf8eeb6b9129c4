#include "storage/rocksdb_write_pacer.h"

#include <algorithm>
#include <thread>

namespace quorumbook::storage {

void WritePacer::SetBytesPerSecond(int64_t bytes_per_second) {
  std::lock_guard lock(mutex_);
  bytes_per_second_ = bytes_per_second;
}

int64_t WritePacer::GetBytesPerSecond() const {
  std::lock_guard lock(mutex_);
  return bytes_per_second_;
}

void WritePacer::Request(int64_t bytes, rocksdb::Env::IOPriority priority) {
  std::chrono::steady_clock::time_point turn;
  {
    std::lock_guard lock(mutex_);
    for (const auto counted : {priority, rocksdb::Env::IO_TOTAL}) {
      counts_[counted].bytes += bytes;
      ++counts_[counted].requests;
    }
    if (bytes_per_second_ == 0) return;
    turn = std::max(free_at_, std::chrono::steady_clock::now());
    free_at_ = turn + std::chrono::nanoseconds(bytes * 1'000'000'000 / bytes_per_second_);
  }
  std::this_thread::sleep_until(turn);
}

int64_t WritePacer::GetTotalBytesThrough(rocksdb::Env::IOPriority priority) const {
  std::lock_guard lock(mutex_);
  return counts_[priority].bytes;
}

int64_t WritePacer::GetTotalRequests(rocksdb::Env::IOPriority priority) const {
  std::lock_guard lock(mutex_);
  return counts_[priority].requests;
}

}  // namespace quorumbook::storage
