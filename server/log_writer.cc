#include "server/log_writer.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace quorumbook::server {
namespace {

constexpr std::chrono::milliseconds kDiskFullRetry{500};

}  // namespace

LogWriter::LogWriter(storage::Store* store, std::function<void(const absl::Status&)> fatal)
    : store_(store), fatal_(std::move(fatal)), thread_([this] { Run(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogWriter::Write(storage::ShardWrite write, Done done) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(write));
    done_.push_back(std::move(done));
  }
  wake_.notify_one();
}

void LogWriter::Run() {
  std::vector<storage::ShardWrite> writes;
  std::vector<Done> done;
  while (true) {
    writes.clear();
    done.clear();
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      writes.swap(queue_);
      done.swap(done_);
    }
    WriteTimes times;
    times.begun = std::chrono::steady_clock::now();
    if (!WriteUntilDurable(writes)) return;
    times.durable = std::chrono::steady_clock::now();
    Count(writes, times);
    for (const Done& callback : done) callback(times);
  }
}

void LogWriter::Count(const std::vector<storage::ShardWrite>& writes, const WriteTimes& times) {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  for (const storage::ShardWrite& write : writes) {
    entries += write.persist.entries.size();
    for (const consensus::Entry& entry : write.persist.entries) bytes += entry.payload->size();
  }
  const std::lock_guard lock(mutex_);
  counters_.write.Add(times.durable - times.begun);
  counters_.writes += writes.size();
  counters_.entries += entries;
  counters_.bytes += bytes;
}

LogWriterCounters LogWriter::counters() const {
  const std::lock_guard lock(mutex_);
  LogWriterCounters counters = counters_;
  counters.queue_length = queue_.size();
  return counters;
}

bool LogWriter::WriteUntilDurable(const std::vector<storage::ShardWrite>& writes) {
  while (true) {
    const absl::Status status = store_->Write(writes);
    if (status.ok()) {
      if (disk_full_.exchange(false)) spdlog::info("the disk has space again: writing goes on");
      return true;
    }
    if (!absl::IsResourceExhausted(status)) {
      fatal_(status);
      return false;
    }
    if (!disk_full_.exchange(true)) {
      spdlog::error("the disk is full: no order is accepted until there is space: {}",
                    std::string(status.message()));
    }
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kDiskFullRetry, [this] { return stopping_; })) return false;
  }
}

}  // namespace quorumbook::server
