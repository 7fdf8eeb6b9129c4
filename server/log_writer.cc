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

void LogWriter::Write(storage::ShardWrite write, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(write));
    done_.push_back(std::move(done));
  }
  wake_.notify_one();
}

void LogWriter::Run() {
  std::vector<storage::ShardWrite> writes;
  std::vector<std::function<void()>> done;
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
    if (!WriteUntilDurable(writes)) return;
    for (const auto& callback : done) callback();
  }
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
