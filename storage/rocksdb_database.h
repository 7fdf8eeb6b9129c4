// The RocksDB below a store: how it is tuned, opened, locked and identified, and what its errors
// mean. Knows nothing of logs and snapshots but the names of their column families.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rocksdb/comparator.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocksdb_store.h"
#include "storage/rocksdb_synced_mark.h"
#include "storage/store.h"

namespace quorumbook::storage {

enum class Family : uint8_t { kMeta, kLog, kHardState, kSnapshot };
inline constexpr size_t kFamilies = 4;

// A RocksDB slice of bytes that outlive it.
inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Why something that is stored could not be read: kDataLoss if that is damaged or not there,
// kInternal if the disk does not say what it holds. The latter may be over when it is asked again,
// so it is no reason to give the store up.
absl::Status ReadError(const rocksdb::Status& status);

// The file that is locked as long as a store is open. Beside RocksDB's own LOCK: this one is taken
// before anything is read.
std::string LockPath(const std::string& directory);
// The file that MarkDamaged writes.
std::string DamagedMark(const std::string& directory);

class Database {
 public:
  // Same errors as OpenRocksDbStore.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const RocksDbOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Writes the batch atomically and syncs it. Errors as Store::Write; after a final one every later
  // call returns it. Thread-safe.
  absl::Status Commit(rocksdb::WriteBatch* batch);

  // After a full disk: opens RocksDB again, if there is space now, which cuts the write that
  // failed off the write-ahead log. Its own way, DB::Resume, is none: it writes what was refused,
  // and leaves a log that aborts the process (7.8.3) when no memtable needs a flush.
  absl::Status Heal();

  // Walks [begin, end) with verified checksums. REQUIRES: `end` outlives the iterator, and no
  // Commit is called as long as it lives.
  std::unique_ptr<rocksdb::Iterator> Scan(Family family, std::string_view begin,
                                          const rocksdb::Slice* end);
  // Empty string: no such record. Errors: kDataLoss.
  absl::StatusOr<std::string> Get(Family family, std::string_view key);

  // Gives files that lie wholly in [begin, end) back to the file system. What fails here is left to
  // compaction, or returned by the next Commit. REQUIRES: no record in the range will ever be read
  // or written again.
  void DropFiles(Family family, std::string_view begin, std::string_view end);

  absl::StatusOr<StoreUsage> Usage();

  // As Store's.
  const StoreIdentity& identity() const { return identity_; }
  std::vector<NodeId> founders();
  absl::Status SetFounders(const std::vector<NodeId>& founders);

  // For building batches. Valid as long as this.
  rocksdb::ColumnFamilyHandle* handle(Family family) {
    return &family_ids_[static_cast<size_t>(family)];
  }

 private:
  // Notices failed syncs of any file but those that are being deleted, also of those in the
  // background (of directories it is told, see rocksdb_directory_watch.h), measures those that
  // writes wait for, marks how far they got (rocksdb_synced_mark.h), and keeps RocksDB from
  // recovering from errors by itself: when it may go on is for Heal to say.
  class ErrorWatch : public rocksdb::EventListener {
   public:
    // `sync_times` may be null.
    ErrorWatch(rocksdb::Env* env, const std::string& directory, SyncTimes* sync_times)
        : mark_(env, directory), sync_times_(sync_times) {}

    bool ShouldBeNotifiedOnFileIO() override { return true; }
    void OnFileWriteFinish(const rocksdb::FileOperationInfo& info) override;
    void OnFileSyncFinish(const rocksdb::FileOperationInfo& info) override;
    void OnIOError(const rocksdb::IOErrorInfo& info) override;
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                              bool* auto_recovery) override {
      *auto_recovery = false;
    }
    void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override {
      if (info.condition.cur != rocksdb::WriteStallCondition::kNormal) ++stalls_;
    }
    void SyncFailed() { sync_failed_ = true; }
    bool sync_failed() const { return sync_failed_.load(); }
    uint64_t stalls() const { return stalls_.load(); }

   private:
    SyncedMark mark_;
    SyncTimes* const sync_times_;
    std::atomic<bool> sync_failed_ = false;
    std::atomic<uint64_t> stalls_ = 0;
  };

  // What a batch needs of a column family; unlike RocksDB's own handles it outlives Heal.
  class FamilyId : public rocksdb::ColumnFamilyHandle {
   public:
    void Take(const rocksdb::ColumnFamilyHandle& opened) {
      id_ = opened.GetID();
      name_ = opened.GetName();
    }
    const std::string& GetName() const override { return name_; }
    uint32_t GetID() const override { return id_; }
    rocksdb::Status GetDescriptor(rocksdb::ColumnFamilyDescriptor* /*descriptor*/) override {
      return rocksdb::Status::NotSupported("only an id");
    }
    const rocksdb::Comparator* GetComparator() const override {
      return rocksdb::BytewiseComparator();
    }

   private:
    uint32_t id_ = 0;
    std::string name_;
  };

  Database(const RocksDbOptions& options, rocksdb::Env* env);

  // Fills what RocksDB says of itself.
  void AskRocksDb(StoreUsage* usage);

  absl::Status Lock();
  absl::Status CheckDirectory();
  // Of files that RocksDB deletes little by little: at once, while it is closed.
  void RemoveTrash();
  absl::Status OpenRocksDb(bool first_opening);
  absl::Status CheckIdentity(const StoreIdentity& wanted);
  absl::Status CreateIdentity(const StoreIdentity& identity);
  absl::Status ReadFounders();
  void Close();
  // Decides what a failed write means, and remembers it.
  absl::Status Judge(const rocksdb::Status& status);

  const std::string directory_;
  const std::shared_ptr<ErrorWatch> error_watch_;
  const std::unique_ptr<rocksdb::Env> env_;
  rocksdb::FileLock* lock_ = nullptr;
  std::array<FamilyId, kFamilies> family_ids_;  // set once, at the first opening
  StoreIdentity identity_;                      // likewise

  // Exclusive while RocksDB is closed and opened again.
  std::shared_mutex open_mutex_;     // guards db_ and families_; taken before mutex_
  std::unique_ptr<rocksdb::DB> db_;  // null: closed for lack of space
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families_{};

  std::mutex mutex_;  // guards what follows
  bool disk_full_ = false;
  absl::Status final_error_;
  std::vector<NodeId> founders_;
};

}  // namespace quorumbook::storage
