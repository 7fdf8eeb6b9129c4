// The RocksDB below a store: how it is tuned, opened, locked and identified, and what its errors
// mean. Knows nothing of logs and snapshots but the names of their column families.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "storage/rocksdb_store.h"
#include "storage/store.h"

namespace quorumbook::storage {

enum class Family : uint8_t { kMeta, kLog, kHardState, kSnapshot };
inline constexpr size_t kFamilies = 4;

// A RocksDB slice of bytes that outlive it.
inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

class Database {
 public:
  // Same errors as OpenRocksDbStore.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const RocksDbOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Writes the batch atomically and syncs it. Errors as Store::Write; after a final one every
  // later call returns it. Thread-safe.
  absl::Status Commit(rocksdb::WriteBatch* batch);

  // Walks [begin, end) with verified checksums. `end` must outlive the iterator.
  std::unique_ptr<rocksdb::Iterator> Scan(Family family, std::string_view begin,
                                          const rocksdb::Slice* end);
  // Empty string: no such record. Errors: kDataLoss.
  absl::StatusOr<std::string> Get(Family family, std::string_view key);

  // Gives files that lie wholly in [begin, end) back to the file system. What fails here is left to
  // compaction, or returned by the next Commit. REQUIRES: no record in the range will ever be read
  // or written again.
  void DropFiles(Family family, std::string_view begin, std::string_view end);

  absl::StatusOr<StoreUsage> Usage();

  rocksdb::ColumnFamilyHandle* handle(Family family) {
    return families_[static_cast<size_t>(family)];
  }

 private:
  // Notices failed syncs of any file, also of those in the background.
  class SyncWatch : public rocksdb::EventListener {
   public:
    bool ShouldBeNotifiedOnFileIO() override { return true; }
    void OnIOError(const rocksdb::IOErrorInfo& info) override;
    bool failed() const { return failed_.load(); }

   private:
    std::atomic<bool> failed_ = false;
  };

  Database(const RocksDbOptions& options, rocksdb::Env* env);

  absl::Status Lock();
  absl::Status CheckDirectory();
  absl::Status OpenRocksDb();
  absl::Status CheckIdentity(const StoreIdentity& identity);
  // After a full disk: makes RocksDB take writes again, if there is space now.
  absl::Status Heal();
  // Decides what a failed write means, and remembers it.
  absl::Status Judge(const rocksdb::Status& status);

  const std::string directory_;
  rocksdb::Env* const env_;
  rocksdb::FileLock* lock_ = nullptr;
  std::shared_ptr<SyncWatch> sync_watch_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families_{};

  std::mutex heal_mutex_;  // held during Heal, taken before mutex_
  std::mutex mutex_;       // guards what follows
  bool disk_full_ = false;
  absl::Status final_error_;
};

}  // namespace quorumbook::storage
