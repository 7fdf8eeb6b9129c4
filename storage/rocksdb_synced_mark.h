// How far RocksDB's newest write-ahead log and its manifest are known to be durable.
#pragma once

#include <absl/status/statusor.h>
#include <rocksdb/env.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace quorumbook::storage {

// What was synced last of one of the two.
struct SyncedFile {
  uint64_t number = 0;  // of the file; 0: nothing is known
  uint64_t bytes = 0;

  bool operator==(const SyncedFile&) const = default;
};

struct Synced {
  SyncedFile log;
  SyncedFile manifest;
};

// The number of a write-ahead log or a manifest by its name (without a directory); 0: it is
// neither.
uint64_t LogNumber(std::string_view name);
uint64_t ManifestNumber(std::string_view name);

// The file quorumbook.synced, which is overwritten in place after each sync of one of the two
// (docs/formats/log.md). It is not synced itself: it never claims more than is durable, and what a
// loss of power leaves of it may claim less. When the power was not lost it is exact, so that
// damage to the last record is told from a tail that was never synced (rocksdb_log_tail.h).
class SyncedMark {
 public:
  // Nothing is known if there is no such file, or it is damaged. Errors: kInternal: the disk does
  // not say what it holds.
  static absl::StatusOr<Synced> Read(rocksdb::Env* env, const std::string& directory);

  // As long as the mark can not be written it is left as it is.
  SyncedMark(rocksdb::Env* env, const std::string& directory);

  // These are told of files that were created since, in the order in which it happens. `path`: of
  // any file. Thread-safe.
  void Appended(const std::string& path, uint64_t bytes);
  void WasSynced(const std::string& path);

 private:
  SyncedFile* Find(const std::string& path);
  void Write();

  rocksdb::Env* const env_;
  const std::string path_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<rocksdb::RandomRWFile> file_;
  Synced appended_;
  Synced synced_;
};

}  // namespace quorumbook::storage
