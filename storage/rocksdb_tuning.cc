#include "storage/rocksdb_tuning.h"

#include <rocksdb/cache.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/table.h>

#include <memory>
#include <utility>

#include "storage/rocksdb_write_pacer.h"

namespace quorumbook::storage {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// What is written to tables a second, at most: more than a node logs at its highest rate.
constexpr int64_t kTableBytesPerSecond = 48 * kMiB;
// What is deleted a second, and at a time. Tables that wait for it are at most four times as large
// as those that live: this is their share of both together.
constexpr int64_t kDeletedBytesPerSecond = 64 * kMiB;
constexpr uint64_t kDeletedAtATime = kMiB;
constexpr double kMaxTrashRatio = 0.8;

rocksdb::ColumnFamilyOptions TunedFamily(const std::shared_ptr<rocksdb::Cache>& cache,
                                         uint64_t write_buffer_bytes,
                                         rocksdb::CompressionType compression) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = write_buffer_bytes;
  // A burst of writes goes on while earlier buffers are being flushed.
  options.max_write_buffer_number = 4;
  options.compression = compression;
  options.target_file_size_base = write_buffer_bytes;
  // Records die soon after they were written, in order: compact early, so that dead ones are
  // dropped from the upper levels and never reach a lower one.
  options.level0_file_num_compaction_trigger = 2;
  options.max_bytes_for_level_base = 4 * write_buffer_bytes;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 64 << 10;  // only scans
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Two buffers are flushed together: what has died by then is not written to a table at all.
rocksdb::ColumnFamilyOptions TunedLog(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = TunedFamily(cache, 32 * kMiB, rocksdb::kNoCompression);
  options.min_write_buffer_number_to_merge = 2;
  options.max_write_buffer_number = 6;
  return options;
}

}  // namespace

rocksdb::DBOptions TunedDbOptions(rocksdb::Env* env,
                                  std::shared_ptr<rocksdb::EventListener> listener) {
  rocksdb::DBOptions options;
  options.env = env;
  options.listeners = {std::move(listener)};
  options.create_if_missing = true;
  options.create_missing_column_families = true;

  // What a loss of power tears is cut off before RocksDB sees it (rocksdb_log_tail.h). Damage
  // anywhere else must refuse to open, where point-in-time recovery would silently forget all that
  // follows. This rules out recycled write-ahead logs, whose end cannot be told from damage.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  // Errors are judged in Database::Commit; RocksDB must not try a failed sync again by itself.
  options.max_bgerror_resume_count = 0;

  // Bounds on the files beside the tables.
  options.max_total_wal_size = 128 * kMiB;
  options.max_manifest_file_size = 4 * kMiB;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 4 * kMiB;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;

  options.max_background_jobs = 2;
  // On a busy machine orders come first: there is room for the next writes meanwhile.
  for (const auto pool : {rocksdb::Env::HIGH, rocksdb::Env::LOW}) {
    env->LowerThreadPoolCPUPriority(pool, rocksdb::CpuPriority::kLow).PermitUncheckedError();
  }
  // The sync of a log write must not queue behind tables: they are written and written back
  // steadily. Nor behind deletions: a file system that discards freed blocks (ext4 and XFS mounted
  // with "discard") keeps the disk busy for tens of milliseconds with a file of this size.
  options.bytes_per_sync = kMiB;
  options.rate_limiter = std::make_shared<WritePacer>();
  options.sst_file_manager.reset(rocksdb::NewSstFileManager(
      env, /*info_log=*/nullptr, /*trash_dir=*/"", kDeletedBytesPerSecond,
      /*delete_existing_trash=*/true, /*status=*/nullptr, kMaxTrashRatio, kDeletedAtATime));
  return options;
}

void LimitTableWrites(rocksdb::RateLimiter* limiter) {
  limiter->SetBytesPerSecond(kTableBytesPerSecond);
}

std::vector<rocksdb::ColumnFamilyDescriptor> TunedFamilies() {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(8 * kMiB);
  return {
      {rocksdb::kDefaultColumnFamilyName, TunedFamily(cache, kMiB, rocksdb::kNoCompression)},
      {"log", TunedLog(cache)},
      {"hard_state", TunedFamily(cache, 4 * kMiB, rocksdb::kNoCompression)},
      {"snapshot", TunedFamily(cache, 32 * kMiB, rocksdb::kLZ4Compression)},
  };
}

}  // namespace quorumbook::storage
