#include "storage/rocksdb_store.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "common/check.h"
#include "storage/records.h"
#include "storage/rocksdb_database.h"
#include "storage/rocksdb_reader.h"
#include "storage/verify.h"

namespace quorumbook::storage {
namespace {

using consensus::Entry;
using consensus::Index;
using consensus::Persist;
using consensus::RestoredState;
using consensus::Snapshot;

class RocksDbStore : public Store {
 public:
  RocksDbStore(std::unique_ptr<Database> database, ShardDirectory directory)
      : database_(std::move(database)),
        shards_(std::move(directory.shards)),
        next_generation_(directory.next_generation) {}

  // Removes what interrupted snapshots of all shards have left.
  absl::Status RemoveAllAbandoned();

  const StoreIdentity& identity() const override { return database_->identity(); }
  std::vector<NodeId> founders() override { return database_->founders(); }
  absl::Status SetFounders(const std::vector<NodeId>& founders) override;
  absl::StatusOr<RestoredState> Load(ShardId shard) override;
  absl::Status Write(const std::vector<ShardWrite>& writes) override;
  absl::Status SaveSnapshot(ShardId shard, const Snapshot& snapshot) override;
  absl::StatusOr<StoreUsage> Usage() override { return database_->Usage(); }

 private:
  using Changes = std::map<ShardId, ShardState>;

  void DeleteLog(ShardId shard, Index begin, uint64_t end, rocksdb::WriteBatch* batch);
  void DeleteGeneration(ShardId shard, uint64_t generation, rocksdb::WriteBatch* batch);
  void StartLogAt(ShardId shard, Index first, ShardState* state, rocksdb::WriteBatch* batch);
  void MakeCurrent(ShardId shard, const SnapshotPointer& pointer, ShardState* state,
                   rocksdb::WriteBatch* batch);
  void AppendEntries(ShardId shard, const std::vector<Entry>& entries, rocksdb::WriteBatch* batch);
  void InstallSnapshot(ShardId shard, const SnapshotPointer& pointer, ShardState* state,
                       rocksdb::WriteBatch* batch);
  // `snapshot`: where the data of write.persist.snapshot are.
  void Apply(const ShardWrite& write, const SnapshotPointer* snapshot, ShardState* state,
             rocksdb::WriteBatch* batch);
  // Below: these take mutex_ for a moment only.
  absl::Status RemoveAbandoned(ShardId shard);
  absl::Status WriteChunks(ShardId shard, const SnapshotPointer& pointer, std::string_view data);
  // Writes the data of a snapshot under a new generation, which nothing names yet.
  absl::StatusOr<SnapshotPointer> WriteData(ShardId shard, const Snapshot& snapshot);
  void Abandon(ShardId shard, uint64_t generation);
  absl::Status WriteBatch(const std::vector<ShardWrite>& writes,
                          const std::map<const ShardWrite*, SnapshotPointer>& snapshots);
  absl::Status PublishSnapshot(ShardId shard, const SnapshotPointer& pointer);
  void DropDeadFiles(ShardId shard);

  const std::unique_ptr<Database> database_;
  // Held while a batch is written, not while the chunks of a snapshot are.
  std::mutex mutex_;  // guards what follows
  std::map<ShardId, ShardState> shards_;
  uint64_t next_generation_;
  std::set<std::pair<ShardId, uint64_t>> unnamed_;  // generations whose data are being written
};

void RocksDbStore::DeleteLog(ShardId shard, Index begin, uint64_t end, rocksdb::WriteBatch* batch) {
  batch->DeleteRange(database_->handle(Family::kLog), LogKey(shard, begin.value()),
                     LogKey(shard, end));
}

void RocksDbStore::DeleteGeneration(ShardId shard, uint64_t generation,
                                    rocksdb::WriteBatch* batch) {
  batch->DeleteRange(database_->handle(Family::kSnapshot), SnapshotKey(shard, generation, 0),
                     SnapshotKey(shard, generation + 1, 0));
}

void RocksDbStore::StartLogAt(ShardId shard, Index first, ShardState* state,
                              rocksdb::WriteBatch* batch) {
  const std::string key = LogKey(shard, 0);
  batch->Put(database_->handle(Family::kLog), key, EncodeLogStart(key, {.first = first}));
  state->first = first;
}

void RocksDbStore::MakeCurrent(ShardId shard, const SnapshotPointer& pointer, ShardState* state,
                               rocksdb::WriteBatch* batch) {
  const std::string key = SnapshotKey(shard, 0, 0);
  batch->Put(database_->handle(Family::kSnapshot), key, EncodeSnapshotPointer(key, pointer));
  if (state->snapshot) DeleteGeneration(shard, state->snapshot->generation, batch);
  state->snapshot = pointer;
  unnamed_.erase({shard, pointer.generation});
}

void RocksDbStore::AppendEntries(ShardId shard, const std::vector<Entry>& entries,
                                 rocksdb::WriteBatch* batch) {
  std::string record;
  for (size_t i = 0; i < entries.size(); ++i) {
    QB_CHECK(entries[i].index.value() == entries[0].index.value() + i);
    const std::string key = LogKey(shard, entries[i].index.value());
    EncodeEntry(key, entries[i], &record);
    batch->Put(database_->handle(Family::kLog), key, record);
  }
}

absl::Status RocksDbStore::RemoveAbandoned(ShardId shard) {
  std::vector<uint64_t> abandoned;
  {
    std::lock_guard lock(mutex_);
    abandoned = shards_[shard].abandoned;
  }
  if (abandoned.empty()) return absl::OkStatus();
  rocksdb::WriteBatch batch;
  for (const uint64_t generation : abandoned) DeleteGeneration(shard, generation, &batch);
  if (absl::Status status = database_->Commit(&batch); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  std::erase_if(shards_[shard].abandoned, [&](uint64_t generation) {
    return std::find(abandoned.begin(), abandoned.end(), generation) != abandoned.end();
  });
  return absl::OkStatus();
}

void RocksDbStore::Abandon(ShardId shard, uint64_t generation) {
  std::lock_guard lock(mutex_);
  shards_[shard].abandoned.push_back(generation);
  unnamed_.erase({shard, generation});
}

// Each chunk is synced: the sync of a log write in between has little to wait for, and a loss of
// power finds no more than a chunk whose pages the disk may have written out of order.
absl::Status RocksDbStore::WriteChunks(ShardId shard, const SnapshotPointer& pointer,
                                       std::string_view data) {
  for (uint32_t chunk = 0; chunk < pointer.chunks(); ++chunk) {
    const std::string key = SnapshotKey(shard, pointer.generation, chunk);
    rocksdb::WriteBatch batch;
    batch.Put(
        database_->handle(Family::kSnapshot), key,
        EncodeSnapshotChunk(key, data.substr(chunk * kSnapshotChunkBytes, kSnapshotChunkBytes)));
    if (absl::Status status = database_->Commit(&batch); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Large data are not for one batch: the chunks go first, and nothing knows of them until a batch
// names their generation.
absl::StatusOr<SnapshotPointer> RocksDbStore::WriteData(ShardId shard, const Snapshot& snapshot) {
  if (absl::Status status = RemoveAbandoned(shard); !status.ok()) return status;
  SnapshotPointer pointer{.meta = snapshot.meta,
                          .configuration = snapshot.configuration,
                          .total_bytes = snapshot.data->size(),
                          .data_digest = Digest128(*snapshot.data)};
  {
    std::lock_guard lock(mutex_);
    pointer.generation = next_generation_++;
    unnamed_.insert({shard, pointer.generation});
  }
  absl::Status status = WriteChunks(shard, pointer, *snapshot.data);
  if (status.ok()) return pointer;
  Abandon(shard, pointer.generation);
  return status;
}

void RocksDbStore::InstallSnapshot(ShardId shard, const SnapshotPointer& pointer, ShardState* state,
                                   rocksdb::WriteBatch* batch) {
  MakeCurrent(shard, pointer, state, batch);
  DeleteLog(shard, Index(1), kNoUpperBound, batch);
  StartLogAt(shard, pointer.meta.index.Next(), state, batch);
}

void RocksDbStore::Apply(const ShardWrite& write, const SnapshotPointer* snapshot,
                         ShardState* state, rocksdb::WriteBatch* batch) {
  const Persist& persist = write.persist;
  if (persist.hard_state) {
    const std::string key = ShardKey(write.shard);
    batch->Put(database_->handle(Family::kHardState), key,
               EncodeHardState(key, *persist.hard_state));
  }
  if (persist.snapshot) InstallSnapshot(write.shard, *snapshot, state, batch);
  if (persist.truncate_from) {
    QB_CHECK(persist.truncate_from->value() > 0);
    DeleteLog(write.shard, *persist.truncate_from, kNoUpperBound, batch);
  }
  AppendEntries(write.shard, persist.entries, batch);
  if (persist.compact_through && *persist.compact_through >= state->first) {
    const Index next = persist.compact_through->Next();
    DeleteLog(write.shard, state->first, next.value(), batch);
    StartLogAt(write.shard, next, state, batch);
  }
}

absl::Status RocksDbStore::Write(const std::vector<ShardWrite>& writes) {
  // Snapshots to be installed, outside of the lock.
  std::map<const ShardWrite*, SnapshotPointer> snapshots;
  absl::Status status;
  for (const ShardWrite& write : writes) {
    if (!write.persist.snapshot) continue;
    absl::StatusOr<SnapshotPointer> pointer = WriteData(write.shard, *write.persist.snapshot);
    status = pointer.status();
    if (!status.ok()) break;
    snapshots.emplace(&write, *std::move(pointer));
  }
  if (status.ok()) status = WriteBatch(writes, snapshots);
  if (!status.ok()) {
    for (const auto& [write, pointer] : snapshots) Abandon(write->shard, pointer.generation);
  }
  return status;
}

absl::Status RocksDbStore::WriteBatch(
    const std::vector<ShardWrite>& writes,
    const std::map<const ShardWrite*, SnapshotPointer>& snapshots) {
  std::lock_guard lock(mutex_);
  rocksdb::WriteBatch batch;
  Changes changes;
  for (const ShardWrite& write : writes) {
    ShardState* state = &changes.try_emplace(write.shard, shards_[write.shard]).first->second;
    const auto snapshot = snapshots.find(&write);
    Apply(write, snapshot == snapshots.end() ? nullptr : &snapshot->second, state, &batch);
  }
  if (absl::Status status = database_->Commit(&batch); !status.ok()) return status;
  for (auto& [shard, state] : changes) shards_[shard] = std::move(state);
  return absl::OkStatus();
}

absl::Status RocksDbStore::PublishSnapshot(ShardId shard, const SnapshotPointer& pointer) {
  std::lock_guard lock(mutex_);
  ShardState state = shards_[shard];
  rocksdb::WriteBatch batch;
  unnamed_.erase({shard, pointer.generation});
  if (state.snapshot && state.snapshot->meta.index > pointer.meta.index) {
    DeleteGeneration(shard, pointer.generation, &batch);
  } else {
    MakeCurrent(shard, pointer, &state, &batch);
  }
  absl::Status status = database_->Commit(&batch);
  if (status.ok()) shards_[shard] = std::move(state);
  return status;
}

absl::Status RocksDbStore::SaveSnapshot(ShardId shard, const Snapshot& snapshot) {
  absl::StatusOr<SnapshotPointer> pointer = WriteData(shard, snapshot);
  if (!pointer.ok()) return pointer.status();
  if (absl::Status status = PublishSnapshot(shard, *pointer); !status.ok()) {
    Abandon(shard, pointer->generation);
    return status;
  }
  DropDeadFiles(shard);
  return absl::OkStatus();
}

// Here and not in Write, which must not wait for it. Generations that are being written lie below
// the current one when their write began earlier.
void RocksDbStore::DropDeadFiles(ShardId shard) {
  ShardState state;
  uint64_t living = 0;
  {
    std::lock_guard lock(mutex_);
    state = shards_[shard];
    living = state.snapshot->generation;
    const auto oldest = unnamed_.lower_bound({shard, 0});
    if (oldest != unnamed_.end() && oldest->first == shard)
      living = std::min(living, oldest->second);
  }
  database_->DropFiles(Family::kLog, LogKey(shard, 1), LogKey(shard, state.first.value()));
  database_->DropFiles(Family::kSnapshot, SnapshotKey(shard, 1, 0), SnapshotKey(shard, living, 0));
}

absl::Status RocksDbStore::SetFounders(const std::vector<NodeId>& founders) {
  std::lock_guard lock(mutex_);
  return database_->SetFounders(founders);
}

absl::StatusOr<RestoredState> RocksDbStore::Load(ShardId shard) {
  std::lock_guard lock(mutex_);
  if (absl::Status status = database_->Heal(); !status.ok()) return status;
  absl::StatusOr<ReadResult> read = ReadShard(*database_, shard);
  if (!read.ok()) return read.status();
  absl::Status status = VerifyShard(shard, read->first, read->state);
  if (!status.ok()) return status;
  if (LogEndsBeforeSnapshot(read->first, read->state)) {
    rocksdb::WriteBatch batch;
    ShardState state = shards_[shard];
    DeleteLog(shard, Index(1), kNoUpperBound, &batch);
    StartLogAt(shard, read->state.snapshot->meta.index.Next(), &state, &batch);
    if (absl::Status repaired = database_->Commit(&batch); !repaired.ok()) return repaired;
    shards_[shard] = std::move(state);
    read->state.entries.clear();
  }
  return std::move(read->state);
}

absl::Status RocksDbStore::RemoveAllAbandoned() {
  std::lock_guard lock(mutex_);
  rocksdb::WriteBatch batch;
  for (auto& [shard, state] : shards_) {
    for (const uint64_t generation : state.abandoned) DeleteGeneration(shard, generation, &batch);
    state.abandoned.clear();
  }
  return batch.Count() == 0 ? absl::OkStatus() : database_->Commit(&batch);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(const RocksDbOptions& options) {
  absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
  if (!database.ok()) return database.status();
  absl::StatusOr<ShardDirectory> directory = FindShards(**database);
  if (!directory.ok()) return directory.status();
  auto store = std::make_unique<RocksDbStore>(*std::move(database), *std::move(directory));
  if (absl::Status status = store->RemoveAllAbandoned(); !status.ok()) return status;
  return store;
}

}  // namespace quorumbook::storage
