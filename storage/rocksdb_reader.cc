#include "storage/rocksdb_reader.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "storage/verify.h"

namespace quorumbook::storage {
namespace {

using consensus::Entry;
using consensus::HardState;
using consensus::Index;
using consensus::RestoredState;
using consensus::Snapshot;

// What could not be read is not known to be damaged.
absl::Status Refused(ShardId shard, absl::string_view what, const absl::Status& error) {
  if (!absl::IsDataLoss(error)) return error;
  return Damaged(shard, absl::StrCat(what, ": ", error.message()));
}

absl::Status CannotScan(absl::string_view family, const rocksdb::Iterator& it) {
  if (!it.status().ok()) {
    absl::Status status = ReadError(it.status());
    if (!absl::IsDataLoss(status)) return status;
  }
  return absl::DataLossError(
      absl::StrCat("cannot read column family ", family, ": ",
                   it.status().ok() ? "a key has the wrong form" : it.status().ToString(),
                   "; keep the data directory for inspection and rebuild the node from its peers "
                   "in an empty one"));
}

absl::Status FindLogs(Database& database, ShardDirectory* directory) {
  std::unique_ptr<rocksdb::Iterator> it = database.Scan(Family::kLog, "", nullptr);
  while (it->Valid()) {
    ParsedLogKey parsed;
    if (!ParseLogKey(ToView(it->key()), &parsed)) return CannotScan("log", *it);
    ShardState& state = directory->shards[parsed.shard];
    if (parsed.index == 0) {
      absl::StatusOr<LogStart> start = DecodeLogStart(ToView(it->key()), ToView(it->value()));
      if (start.ok()) state.first = start->first;
    }
    it->Seek(LogKey(parsed.shard, kNoUpperBound));
  }
  return it->status().ok() ? absl::OkStatus() : CannotScan("log", *it);
}

// Generations of one shard, `it` standing at its first record. Only the first record of each is
// looked at: the chunks are large.
absl::Status FindGenerations(rocksdb::Iterator* it, ShardId shard, ShardDirectory* directory) {
  ShardState& state = directory->shards[shard];
  bool pointer_damaged = false;
  ParsedSnapshotKey parsed;
  while (it->Valid()) {
    if (!ParseSnapshotKey(ToView(it->key()), &parsed)) return CannotScan("snapshot", *it);
    if (parsed.shard != shard) break;
    directory->next_generation = std::max(directory->next_generation, parsed.generation + 1);
    if (parsed.generation == 0) {
      absl::StatusOr<SnapshotPointer> pointer =
          DecodeSnapshotPointer(ToView(it->key()), ToView(it->value()));
      pointer_damaged = !pointer.ok();
      if (pointer.ok()) {
        // It may have no chunks to be seen by.
        directory->next_generation = std::max(directory->next_generation, pointer->generation + 1);
        state.snapshot = *std::move(pointer);
      }
    } else if (!pointer_damaged &&
               (!state.snapshot || state.snapshot->generation != parsed.generation)) {
      state.abandoned.push_back(parsed.generation);
    }
    it->Seek(SnapshotKey(shard, parsed.generation + 1, 0));
  }
  return absl::OkStatus();
}

absl::Status FindSnapshots(Database& database, ShardDirectory* directory) {
  std::unique_ptr<rocksdb::Iterator> it = database.Scan(Family::kSnapshot, "", nullptr);
  while (it->Valid()) {
    ParsedSnapshotKey parsed;
    if (!ParseSnapshotKey(ToView(it->key()), &parsed)) return CannotScan("snapshot", *it);
    if (absl::Status status = FindGenerations(it.get(), parsed.shard, directory); !status.ok()) {
      return status;
    }
  }
  return it->status().ok() ? absl::OkStatus() : CannotScan("snapshot", *it);
}

absl::Status ReadHardState(Database& database, ShardId shard, RestoredState* state) {
  const std::string key = ShardKey(shard);
  absl::StatusOr<std::string> record = database.Get(Family::kHardState, key);
  if (!record.ok()) return Refused(shard, "hard state", record.status());
  if (record->empty()) return absl::OkStatus();
  absl::StatusOr<HardState> decoded = DecodeHardState(key, *record);
  if (!decoded.ok()) {
    return Damaged(shard, absl::StrCat("hard state: ", decoded.status().message()));
  }
  state->hard_state = *decoded;
  return absl::OkStatus();
}

absl::StatusOr<Snapshot> ReadSnapshotData(Database& database, ShardId shard,
                                          const SnapshotPointer& pointer) {
  const auto damaged = [&](absl::string_view what) {
    return DamagedAt(shard, pointer.meta.index, absl::StrCat("snapshot: ", what));
  };
  auto data = std::make_shared<std::string>();
  for (uint32_t chunk = 0; chunk < pointer.chunks(); ++chunk) {
    const std::string key = SnapshotKey(shard, pointer.generation, chunk);
    absl::StatusOr<std::string> record = database.Get(Family::kSnapshot, key);
    if (!record.ok() && !absl::IsDataLoss(record.status())) return record.status();
    if (!record.ok()) return damaged(record.status().message());
    if (record->empty()) return damaged(absl::StrCat("chunk ", chunk, " is missing"));
    absl::StatusOr<std::string_view> piece = DecodeSnapshotChunk(key, *record);
    if (!piece.ok()) return damaged(piece.status().message());
    data->append(*piece);
  }
  if (data->size() != pointer.total_bytes || Digest128(*data) != pointer.data_digest) {
    return damaged("its data do not have the stored length and digest");
  }
  return Snapshot{
      .meta = pointer.meta, .configuration = pointer.configuration, .data = std::move(data)};
}

absl::Status ReadSnapshot(Database& database, ShardId shard, RestoredState* state) {
  const std::string key = SnapshotKey(shard, 0, 0);
  absl::StatusOr<std::string> record = database.Get(Family::kSnapshot, key);
  if (!record.ok()) return Refused(shard, "snapshot", record.status());
  if (record->empty()) return absl::OkStatus();
  absl::StatusOr<SnapshotPointer> pointer = DecodeSnapshotPointer(key, *record);
  if (!pointer.ok()) {
    return Damaged(shard, absl::StrCat("snapshot: ", pointer.status().message()));
  }
  absl::StatusOr<Snapshot> snapshot = ReadSnapshotData(database, shard, *pointer);
  if (!snapshot.ok()) return snapshot.status();
  state->snapshot = *std::move(snapshot);
  return absl::OkStatus();
}

absl::Status ReadLogStart(Database& database, ShardId shard, Index* first) {
  const std::string key = LogKey(shard, 0);
  absl::StatusOr<std::string> record = database.Get(Family::kLog, key);
  if (!record.ok()) return Refused(shard, "log start", record.status());
  if (record->empty()) return absl::OkStatus();
  absl::StatusOr<LogStart> start = DecodeLogStart(key, *record);
  if (!start.ok()) return Damaged(shard, absl::StrCat("log start: ", start.status().message()));
  *first = start->first;
  return absl::OkStatus();
}

absl::Status ReadEntries(Database& database, ShardId shard, Index first,
                         std::vector<Entry>* entries) {
  const std::string end_key = LogKey(shard, kNoUpperBound);
  const rocksdb::Slice end = ToSlice(end_key);
  std::unique_ptr<rocksdb::Iterator> it =
      database.Scan(Family::kLog, LogKey(shard, first.value()), &end);
  Index expected = first;
  for (; it->Valid(); it->Next()) {
    ParsedLogKey parsed;
    if (!ParseLogKey(ToView(it->key()), &parsed)) {
      return DamagedAt(shard, expected, "the key of an entry has the wrong form");
    }
    absl::StatusOr<Entry> entry =
        DecodeEntry(Index(parsed.index), ToView(it->key()), ToView(it->value()));
    if (!entry.ok()) return DamagedAt(shard, Index(parsed.index), entry.status().message());
    entries->push_back(*std::move(entry));
    expected = Index(parsed.index).Next();
  }
  if (it->status().ok()) return absl::OkStatus();
  absl::Status status = ReadError(it->status());
  return absl::IsDataLoss(status) ? DamagedAt(shard, expected, status.message()) : status;
}

}  // namespace

absl::StatusOr<ShardDirectory> FindShards(Database& database) {
  ShardDirectory directory;
  if (absl::Status status = FindLogs(database, &directory); !status.ok()) return status;
  if (absl::Status status = FindSnapshots(database, &directory); !status.ok()) return status;
  return directory;
}

absl::StatusOr<ReadResult> ReadShard(Database& database, ShardId shard) {
  ReadResult result;
  absl::Status status = ReadHardState(database, shard, &result.state);
  if (status.ok()) status = ReadSnapshot(database, shard, &result.state);
  if (status.ok()) status = ReadLogStart(database, shard, &result.first);
  if (status.ok()) status = ReadEntries(database, shard, result.first, &result.state.entries);
  if (!status.ok()) return status;
  return result;
}

}  // namespace quorumbook::storage
