// A Store in memory with faults on demand, for the simulator and for tests.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/store.h"

namespace quorumbook::storage {

// One stored record.
struct RecordPlace {
  enum class Kind : uint8_t { kIdentity, kHardState, kLogStart, kSnapshot, kEntry };
  Kind kind;
  ShardId shard;           // but of kIdentity
  consensus::Index index;  // of kEntry
};

// What survives a crash of the process: opened again and again, by one store at a time.
//
// Keeps what it is given as it is, shared and not copied; the bytes of a record are made only when
// a fault touches it, and from then on it is read through the checks of the real store. Has no
// notion of time: how long a write or a sync takes is for the host to say, see DeferSyncs and
// bytes_written. Thread-safe.
class SimulatedDisk {
 public:
  // Off (as at first): Write and SaveSnapshot sync before they return, as Store promises. On: they
  // return before, and what they wrote is not durable, nor seen by Load, until Sync or until a
  // store is opened. The host lets the time of the disk pass in between, which may be long (a
  // stalled disk), and reports the writes as done only after Sync.
  void DeferSyncs(bool defer);
  // Makes the first `writes` writes of all (Write or SaveSnapshot) durable, in their order.
  // REQUIRES: writes <= writes(). Errors: as Store::Write.
  absl::Status Sync(uint64_t writes);
  // How many were accepted and not lost, how many of these are durable, and the bytes that were
  // ever written: what the host takes the cost of a write and of a sync from.
  uint64_t writes();
  uint64_t synced_writes();
  uint64_t bytes_written();

  // The machine lost power. Of the writes that were not durable, the first `whole` are there all
  // the same; of the next one `torn` records are (modulo their number), which the next opening cuts
  // off as the real store does; the others are gone. Writes reach the disk in order, for all go
  // through one write-ahead log. REQUIRES: no store has the disk open; whole <= the number of
  // writes that are not durable.
  void LosePower(uint64_t whole = 0, uint64_t torn = 0);

  // Until there is space again every write and every opening fails with kResourceExhausted and
  // changes nothing, and so does Load once a write was refused, as in the real store.
  void SetFull(bool full);

  // The next sync fails with kInternal, and every later write and sync until the disk is opened
  // again. What was to be synced is as after any crash: there at the next opening, or not if
  // LosePower comes first.
  void FailNextSync();

  // As MarkDamaged of rocksdb_store.h.
  void MarkDamaged();

  // What is on the disk durably and could be damaged: entries are those of [first, end).
  struct Extent {
    bool hard_state = false;
    bool log_start = false;
    bool snapshot = false;
    consensus::Index first{1};
    consensus::Index end{1};
  };
  Extent extent(ShardId shard);

  // Flips one bit of a durable record; `bit` is taken modulo its length. False: no such record.
  bool FlipBit(const RecordPlace& place, uint64_t bit);

  // The disk wrote the record of `from` where that of `to` is, and nothing in its own place, which
  // holds zeros. False: one of them does not exist, or they are the same.
  bool Misdirect(const RecordPlace& from, const RecordPlace& to);

  // What is durable now but identity and founders; and that again, as when somebody puts an older
  // copy of a directory back. REQUIRES: `copy` is of this disk; no store has the disk open.
  class Copy;
  std::shared_ptr<const Copy> MakeCopy();
  void PutBack(const Copy& copy);

  // Bugs of a store, to show that checkers find them.
  enum class Mutant : uint8_t {
    kNone,
    kTornWriteKept,         // an opening keeps the records of a torn write
    kHardStateApart,        // the commit index is written apart from the entries that it names
    kSnapshotApartFromLog,  // a received snapshot is written apart from the log that it replaces
    kSnapshotNotSynced,     // an own snapshot is reported as durable before it is
    kDamageForgotten,       // a mark of damage is not kept
    kSyncErrorIgnored,      // after a failed sync all goes on, and nothing reaches the disk
    kRottenEntryRead,       // neither checksum nor chain of an entry is checked when it is read
    kRottenSnapshotRead,    // neither checksum nor digest of a snapshot is checked when it is read
  };
  // From now on.
  void Plant(Mutant mutant);

 private:
  friend class SimulatedStore;
  friend absl::StatusOr<std::unique_ptr<Store>> OpenSimulatedStore(SimulatedDisk* disk,
                                                                   const StoreIdentity& identity);

  // A record, and its bytes once a fault has touched it.
  template <typename T>
  struct Record {
    T value;
    std::optional<std::string> touched;
  };
  struct Shard {
    std::optional<Record<consensus::HardState>> hard_state;
    std::optional<Record<consensus::Index>> log_start;
    std::optional<Record<consensus::Snapshot>> snapshot;  // touched: the pointer
    std::optional<std::string> touched_data;              // of the snapshot
    std::map<consensus::Index, Record<consensus::Entry>> entries;

    consensus::Index first() const { return log_start ? log_start->value : consensus::Index(1); }
  };
  struct SavedSnapshot {
    ShardId shard;
    consensus::Snapshot snapshot;
  };
  using Change = std::variant<std::vector<ShardWrite>, SavedSnapshot>;

  // All of these need mutex_.
  absl::Status CheckWritable();
  absl::Status CheckReadable();
  absl::Status TrySync();
  absl::Status Accept(Change change, uint64_t bytes);
  // What kHardStateApart and kSnapshotApartFromLog write first.
  void AcceptApart(std::vector<ShardWrite>* writes);
  absl::Status SyncFirst(uint64_t writes);
  void Recover();
  void ApplyOldest();
  // The first `*records` records of a write; takes what it applied off the number.
  void Apply(ShardWrite write, uint64_t* records);
  void Put(SavedSnapshot saved);
  static void PutSnapshot(Shard* shard, consensus::Snapshot snapshot);
  static void StartLogAt(Shard* shard, consensus::Index first);
  // The bytes of a record, for a fault to change. Null: no such record.
  std::string* Touch(const RecordPlace& place);
  absl::Status CheckIdentity(const StoreIdentity& wanted);
  absl::StatusOr<consensus::RestoredState> Read(ShardId id);
  absl::StatusOr<consensus::Snapshot> ReadSnapshot(ShardId id, const Shard& shard) const;
  // What kRottenEntryRead makes of a record.
  static consensus::Entry Rotten(const Record<consensus::Entry>& record);
  uint64_t UsedBytes() const;

  std::mutex mutex_;  // guards what follows
  std::optional<Record<StoreIdentity>> identity_;
  std::vector<NodeId> founders_;
  std::map<ShardId, Shard> shards_;  // what is durable
  std::deque<Change> unsynced_;      // what is not, oldest first
  uint64_t writes_ = 0;
  uint64_t bytes_written_ = 0;
  struct TornWrite {
    std::vector<ShardWrite> writes;
    uint64_t records = 0;
  };
  std::optional<TornWrite> torn_;
  Mutant mutant_ = Mutant::kNone;
  std::vector<SavedSnapshot> not_synced_;  // of kSnapshotNotSynced
  bool defer_syncs_ = false;
  bool open_ = false;
  bool full_ = false;
  bool refused_ = false;  // a write, for lack of space, after which nothing was written
  bool marked_damaged_ = false;
  bool fail_next_sync_ = false;
  bool sync_error_ignored_ = false;  // of kSyncErrorIgnored
  absl::Status final_error_;
};

// REQUIRES: `disk` outlives the store. Errors: as OpenRocksDbStore.
absl::StatusOr<std::unique_ptr<Store>> OpenSimulatedStore(SimulatedDisk* disk,
                                                          const StoreIdentity& identity);

class SimulatedDisk::Copy {
 private:
  friend class SimulatedDisk;
  std::map<ShardId, Shard> shards_;
};

}  // namespace quorumbook::storage
