// Group commit: one thread writes what all shards of the node have waiting, with one sync.
//
// What arrives while a write is under way forms the next one (adaptive group commit: no timer).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "common/duration_histogram.h"
#include "storage/store.h"

namespace quorumbook::server {

// When a write began, together with those that were waiting too, and when it was durable.
struct WriteTimes {
  std::chrono::steady_clock::time_point begun;
  std::chrono::steady_clock::time_point durable;
};

struct LogWriterCounters {
  DurationHistogram write;  // and sync, of all that was waiting at a time
  uint64_t writes = 0;      // of the shards; one sync may be of many
  uint64_t entries = 0;
  uint64_t bytes = 0;         // of the entries
  uint64_t queue_length = 0;  // writes that wait now
};

class LogWriter {
 public:
  // `store` outlives this. `fatal` is called from the writer's thread when a write fails for good;
  // nothing is written afterwards and no completion is called.
  LogWriter(storage::Store* store, std::function<void(const absl::Status&)> fatal);
  // Writes what was queued, then joins the thread.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Queues one shard's write; `done` is called from the writer's thread when it is durable, in the
  // order of the calls. The queue is bounded by its callers: a replica has at most
  // consensus::Options::max_uncommitted_bytes (leader) or max_inflight_bytes (follower) under way.
  using Done = std::function<void(const WriteTimes&)>;
  void Write(storage::ShardWrite write, Done done);

  // True while the disk is full: the write at hand is tried again until there is space.
  bool disk_full() const { return disk_full_.load(std::memory_order_relaxed); }

  LogWriterCounters counters() const;

 private:
  void Run();
  void Count(const std::vector<storage::ShardWrite>& writes, const WriteTimes& times);
  // False: stop for good.
  bool WriteUntilDurable(const std::vector<storage::ShardWrite>& writes);

  storage::Store* const store_;
  const std::function<void(const absl::Status&)> fatal_;
  std::atomic<bool> disk_full_{false};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;                   // guarded by mutex_
  std::vector<storage::ShardWrite> queue_;  // guarded by mutex_
  std::vector<Done> done_;                  // guarded by mutex_, parallel to queue_
  LogWriterCounters counters_;              // guarded by mutex_
  std::thread thread_;                      // last: starts when all else is there
};

}  // namespace quorumbook::server
