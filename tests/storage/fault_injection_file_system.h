// A file system below RocksDB that loses power, fills up and fails on demand.
//
// Syncs are only noted, not passed on, so that tests are fast: what a crash leaves is decided by
// Restart alone.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

namespace quorumbook::storage {

// Of tables; of write-ahead logs, manifest and CURRENT, which are read from the beginning to the
// end.
enum class Reads : uint8_t { kTables, kLogs };

class FaultInjectionFileSystem : public rocksdb::FileSystemWrapper {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  FaultInjectionFileSystem();

  const char* Name() const override { return "FaultInjectionFileSystem"; }

  // Appends, syncs, creations, renames and deletions so far, failed ones included.
  uint64_t operations() const;

  // The next `operations` of them succeed, all later ones fail and do nothing.
  void LosePowerAfter(uint64_t operations);

  // The machine starts again: power is back, faults are gone, and the files are what a disk would
  // hold. Files whose directory entry was not synced are gone. Of what was appended to a file
  // after its last sync nothing is left, or with `torn` a part of random length, or all of it but
  // for random sectors. What was overwritten in place is as at the last Restart, or with `torn`
  // perhaps as it was written last. Renames and deletions count as durable at once, and all
  // creations before them: file systems keep the order of changes to a directory. REQUIRES: no file
  // is open.
  void Restart(std::mt19937_64* torn = nullptr);

  // Appends write what fits into this many bytes, then fail with ENOSPC.
  void SetFreeBytes(uint64_t bytes);

  // From now on appends and syncs return these; OK ends it. A failed sync counts as not done.
  void FailAppends(rocksdb::IOStatus status);
  void FailSyncs(rocksdb::IOStatus status);
  // The next sync returns this, and does nothing.
  void FailNextSync(rocksdb::IOStatus status);
  // As FailSyncs, of directories alone.
  void FailDirectorySyncs(rocksdb::IOStatus status);

  // From now on such reads return this; OK ends it.
  void FailReads(rocksdb::IOStatus status, Reads which = Reads::kTables);

  // The most bytes that any file had appended and not synced, ever.
  uint64_t most_unsynced_bytes() const;

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  friend class WatchedFile;
  friend class WatchedMark;
  friend class WatchedTable;
  friend class WatchedSequence;
  friend class WatchedDirectory;

  struct FileState {
    uint64_t bytes = 0;
    uint64_t synced_bytes = 0;
    bool entry_synced = false;
  };

  // One operation that changes the disk.
  rocksdb::IOStatus Begin();
  // How much of an append goes through, and what it returns.
  rocksdb::IOStatus BeginAppend(uint64_t bytes, uint64_t* accepted);
  rocksdb::IOStatus BeginOverwrite(const std::string& path);
  rocksdb::IOStatus BeginSync();
  rocksdb::IOStatus BeginDirectorySync();
  rocksdb::IOStatus read_error(Reads which) const;
  void Appended(const std::string& path, uint64_t bytes);
  void Synced(const std::string& path);
  void Truncated(const std::string& path, uint64_t bytes);
  void DirectorySynced(const std::string& directory);

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, FileState> files_;
  std::map<std::string, std::string> overwritten_;  // what was there before
  uint64_t operations_ = 0;
  uint64_t operations_left_ = kUnlimited;
  uint64_t free_bytes_ = kUnlimited;
  rocksdb::IOStatus append_error_;
  rocksdb::IOStatus sync_error_;
  rocksdb::IOStatus next_sync_error_;
  rocksdb::IOStatus directory_sync_error_;
  std::array<rocksdb::IOStatus, 2> read_errors_;
  uint64_t most_unsynced_bytes_ = 0;
};

// An environment over `system` in which RocksDB does not sleep: it rests for a second after each
// error in the background.
std::unique_ptr<rocksdb::Env> NewTestEnv(const std::shared_ptr<rocksdb::FileSystem>& system);

}  // namespace quorumbook::storage
