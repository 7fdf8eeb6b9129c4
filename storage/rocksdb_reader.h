// Reads shards back from RocksDB.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/ids.h"
#include "consensus/raft.h"
#include "consensus/types.h"
#include "storage/records.h"
#include "storage/rocksdb_database.h"

namespace quorumbook::storage {

// What a store remembers of a shard between writes.
struct ShardState {
  consensus::Index first{1};  // where its log begins
  std::optional<SnapshotPointer> snapshot;
  // Generations of which chunks may be stored, but no pointer will ever name: what snapshots that
  // failed have left. Removed before the next snapshot is written and at open, so there is one for
  // each thread that writes snapshots at most.
  std::vector<uint64_t> abandoned;
};

struct ShardDirectory {
  std::map<ShardId, ShardState> shards;
  uint64_t next_generation = 1;  // above all that are stored
};

// Finds all shards, and generations that no pointer names: their write was interrupted. A damaged
// record is passed over here, for only its own shard has to suffer: ReadShard names it. Errors:
// kDataLoss.
absl::StatusOr<ShardDirectory> FindShards(Database& database);

struct ReadResult {
  consensus::Index first{1};
  consensus::RestoredState state;
};

// Everything of one shard, each record checked by itself, not against the others (VerifyShard).
// Errors: kDataLoss names shard and index.
absl::StatusOr<ReadResult> ReadShard(Database& database, ShardId shard);

}  // namespace quorumbook::storage
