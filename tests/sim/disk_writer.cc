#include "tests/sim/disk_writer.h"

#include <algorithm>
#include <utility>

namespace quorumbook::sim {
namespace {

// As server/log_writer.cc.
constexpr SimTime kDiskFullRetry = 500 * kMillisecond;

}  // namespace

DiskWriter::DiskWriter(Context* context, storage::SimulatedDisk* disk, storage::Store* store,
                       const Device* device, Random* random,
                       absl::AnyInvocable<void(const absl::Status&)> fatal)
    : context_(*context),
      disk_(*disk),
      store_(*store),
      device_(*device),
      random_(*random),
      fatal_(std::move(fatal)) {}

void DiskWriter::After(SimTime delay, absl::AnyInvocable<void()> action) {
  context_.queue.After(delay, [alive = alive_, action = std::move(action)]() mutable {
    if (*alive) action();
  });
}

SimTime DiskWriter::SyncTime() {
  const Scenario& scenario = context_.scenario;
  const SimTime time =
      scenario.sync_time +
      static_cast<SimTime>(random_.Below(static_cast<uint64_t>(scenario.sync_jitter) + 1));
  const SimTime stall = std::max<SimTime>(device_.stalled_until - context_.queue.now(), 0);
  if (stall > 0) context_.fired.Add(Fault::kStalledDisk);
  if (device_.slowness > 1) context_.fired.Add(Fault::kSlowDisk);
  return stall + time * device_.slowness;
}

absl::Status DiskWriter::Sync(uint64_t through) {
  absl::Status status = disk_.Sync(through);
  if (absl::IsInternal(status)) context_.fired.Add(Fault::kSyncError);
  return status;
}

void DiskWriter::Write(storage::ShardWrite write, Done done) {
  waiting_.push_back({DurableChange(write.persist), std::move(done)});
  queue_.push_back(std::move(write));
  if (!busy_) Start();
}

void DiskWriter::Start() {
  busy_ = true;
  const absl::Status status = store_.Write(queue_);
  full_ = absl::IsResourceExhausted(status);
  if (full_) {
    context_.fired.Add(Fault::kDiskFull);
    return After(kDiskFullRetry, [this] { Start(); });
  }
  if (!status.ok()) return fatal_(status);
  queue_.clear();
  syncing_.swap(waiting_);
  const uint64_t through = disk_.writes();
  After(SyncTime(), [this, through] { Finish(through); });
}

void DiskWriter::Finish(uint64_t through) {
  const absl::Status status = Sync(through);
  if (!status.ok()) return fatal_(status);
  busy_ = false;
  std::vector<Pending> done;
  done.swap(syncing_);
  if (!queue_.empty()) Start();
  const std::shared_ptr<bool> alive = alive_;
  for (Pending& pending : done) {
    if (!*alive) return;  // a completion ended the process
    pending.done(pending.change);
  }
}

void DiskWriter::SaveSnapshot(ShardId shard, const consensus::Snapshot& snapshot, Saved saved) {
  const absl::Status status = store_.SaveSnapshot(shard, snapshot);
  if (!status.ok()) {
    return After(kMillisecond, [saved = std::move(saved), status]() mutable { saved(status); });
  }
  const uint64_t through = disk_.writes();
  // A snapshot is large, and its thread has the disk for itself only between writes.
  After(3 * SyncTime(), [this, through, saved = std::move(saved)]() mutable {
    saved(Sync(std::min(through, disk_.writes())));
  });
}

}  // namespace quorumbook::sim
