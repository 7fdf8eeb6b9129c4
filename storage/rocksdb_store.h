// The Store on RocksDB (https://github.com/facebook/rocksdb/wiki).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "storage/store.h"
#include "storage/sync_times.h"

namespace rocksdb {
class Env;
}

namespace quorumbook::storage {

struct RocksDbOptions {
  std::string directory;  // created if absent (its parent must exist)
  StoreIdentity identity;
  // Where all file access goes; tests put a fault-injecting one here. Not owned; null: the default.
  rocksdb::Env* env = nullptr;
  // Where syncs of the write-ahead log are counted. Not owned; null: nowhere.
  SyncTimes* sync_times = nullptr;
};

// Opens or creates the store. Errors: kFailedPrecondition when the directory belongs to another
// node or cluster (both are named) or to another format, kAlreadyExists when another process has
// it open, kDataLoss when it is damaged beyond its tail, kResourceExhausted when the disk is full
// (an opening writes; it may be tried again).
absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(const RocksDbOptions& options);

// Notes durably that a process met damage in the store, where an opening does not look: it writes
// why into the file DAMAGED in `directory`. As long as that is there OpenRocksDbStore refuses the
// store (kDataLoss); it goes with the directory when that is set aside. May be called while the
// store is open, again too. Errors: kInternal: it can not be written.
absl::Status MarkDamaged(const std::string& directory, const absl::Status& damage);

// Moves a damaged store out of the way, so that another can be created in its place: renames
// `directory` to `directory`.damaged, durably, and returns that name; while that is taken,
// .damaged.2 and so on up to .damaged.4. None is ever removed. After a crash in the middle the
// store is where it was; call again.
// Errors: kNotFound: no such directory. kAlreadyExists: a process (or this one) has it open.
// kFailedPrecondition: it can not be renamed, as when it is a mount point, or all names are taken
// (says what to do).
// kInternal: the rename can not be synced.
absl::StatusOr<std::string> SetAside(const std::string& directory);

// How many stores that SetAside has moved away from `directory` are still beside it: 0 to 4.
uint64_t CountSetAside(const std::string& directory);

}  // namespace quorumbook::storage
