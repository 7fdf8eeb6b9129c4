// A Store in memory with faults on demand, for the simulator and for tests. Keeps the records of
// the real one and gives them back only through the same checks.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/store.h"

namespace quorumbook::storage {

// What survives a crash of the process: opened again and again, by one store at a time.
// Thread-safe.
class SimulatedDisk {
 public:
  // Every write fails with kResourceExhausted and changes nothing, until there is space again.
  void SetFull(bool full);

  // The next write fails with kInternal, and so does every later one until the disk is opened
  // again. What happened to the data of the failed one is up to `landed`.
  void FailNextWrite(bool landed);

  // The machine stopped before the last write (of Write or SaveSnapshot) was synced: undoes it.
  // Nobody can have seen it acknowledged; that is for the caller to see to. A write that is
  // followed by any other call on the store counts as synced. Returns whether there was one.
  bool LoseLastWrite();

  // Flip one bit of a stored record. `bit` is taken modulo its length. False: no such record.
  bool FlipBitOfHardState(ShardId shard, uint64_t bit);
  bool FlipBitOfSnapshot(ShardId shard, uint64_t bit);
  bool FlipBitOfEntry(ShardId shard, consensus::Index index, uint64_t bit);

 private:
  friend class SimulatedStore;
  friend absl::StatusOr<std::unique_ptr<Store>> OpenSimulatedStore(SimulatedDisk* disk,
                                                                   const StoreIdentity& identity);

  struct Shard {
    std::string hard_state;        // empty: never written
    std::string snapshot_pointer;  // empty: none
    std::string snapshot_data;
    consensus::Index first{1};  // where the log begins
    std::map<consensus::Index, std::string> entries;
  };
  struct SavedSnapshot {
    ShardId shard;
    consensus::Snapshot snapshot;
  };
  using Change = std::variant<std::vector<ShardWrite>, SavedSnapshot>;

  // These need mutex_.
  absl::Status Accept(Change change);
  void Settle();
  void Apply(const ShardWrite& write);
  void PutSnapshot(Shard* shard, ShardId id, const consensus::Snapshot& snapshot);
  absl::StatusOr<consensus::RestoredState> Read(ShardId id);
  uint64_t UsedBytes() const;

  std::mutex mutex_;  // guards what follows
  std::optional<StoreIdentity> identity_;
  bool open_ = false;
  bool full_ = false;
  std::optional<bool> fail_next_write_;  // value: landed
  absl::Status final_error_;
  std::map<ShardId, Shard> shards_;
  std::optional<Change> unsynced_;  // the last write: in force, and still to be lost
};

// REQUIRES: `disk` outlives the store. Errors: as OpenRocksDbStore.
absl::StatusOr<std::unique_ptr<Store>> OpenSimulatedStore(SimulatedDisk* disk,
                                                          const StoreIdentity& identity);

}  // namespace quorumbook::storage
