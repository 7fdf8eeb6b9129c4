// A node's log writer and its disk in virtual time: server/log_writer and a device behind it.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "storage/simulated_store.h"
#include "tests/sim/context.h"
#include "tests/sim/durable_log.h"
#include "tests/sim/random.h"

namespace quorumbook::sim {

// The state of the device, which outlives processes.
struct Device {
  uint32_t slowness = 1;      // every sync takes this many times longer
  SimTime stalled_until = 0;  // no sync ends before
};

// Lives as long as a process.
class DiskWriter {
 public:
  // All outlive this. `fatal`: nothing may be written any more.
  DiskWriter(Context* context, storage::SimulatedDisk* disk, storage::Store* store,
             const Device* device, Random* random,
             absl::AnyInvocable<void(const absl::Status&)> fatal);
  ~DiskWriter() { *alive_ = false; }
  DiskWriter(const DiskWriter&) = delete;
  DiskWriter& operator=(const DiskWriter&) = delete;

  // Calls `done` when the write is durable. One sync for all that wait.
  using Done = absl::AnyInvocable<void(const DurableChange&)>;
  void Write(storage::ShardWrite write, Done done);
  using Saved = absl::AnyInvocable<void(const absl::Status&)>;
  void SaveSnapshot(ShardId shard, const consensus::Snapshot& snapshot, Saved saved);
  bool disk_full() const { return full_; }

 private:
  struct Pending {
    DurableChange change;
    Done done;
  };
  void Start();
  void Finish(uint64_t through);
  SimTime SyncTime();
  absl::Status Sync(uint64_t through);
  // Calls back after `delay`, unless the process has ended.
  void After(SimTime delay, absl::AnyInvocable<void()> action);

  Context& context_;
  storage::SimulatedDisk& disk_;
  storage::Store& store_;
  const Device& device_;
  Random& random_;
  absl::AnyInvocable<void(const absl::Status&)> fatal_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool busy_ = false;
  bool full_ = false;
  std::vector<storage::ShardWrite> queue_;
  std::vector<Pending> waiting_;  // parallel to queue_
  std::vector<Pending> syncing_;
};

}  // namespace quorumbook::sim
