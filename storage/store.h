// The durable side of a node: identity, and for each shard hard state, log and snapshot.
//
// One Store a node serves all its shards, so that one sync makes the writes of all of them
// durable. Formats: docs/formats/log.md.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "consensus/output.h"
#include "consensus/raft.h"
#include "consensus/types.h"

namespace quorumbook::storage {

// Whose data this is. A store of another node or cluster is refused at open.
struct StoreIdentity {
  std::string cluster_id;  // 1 to 64 characters
  NodeId node_id;
  // Tells this store from an earlier or later one of the same node: a number that is drawn at
  // random for each opening, of which the one that created the store is kept. A node whose store
  // was lost thus never passes for the one that it was.
  uint64_t incarnation = 0;

  bool operator==(const StoreIdentity&) const = default;
};

// One shard's part of a group commit.
struct ShardWrite {
  ShardId shard;
  consensus::Persist persist;
};

struct StoreUsage {
  uint64_t disk_bytes = 0;      // all files of the store
  uint64_t free_bytes = 0;      // of the file system below it
  uint64_t capacity_bytes = 0;  // likewise
  // Of the database below it; counted since it was opened.
  uint64_t write_stalls = 0;  // times that it slowed writes down or stopped them
  bool write_stopped = false;
  uint64_t pending_compaction_bytes = 0;
  uint64_t memtable_bytes = 0;
  uint64_t background_errors = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // What the store was created with, also its incarnation.
  virtual const StoreIdentity& identity() const = 0;

  // The members that founded the cluster, as given to SetFounders; empty before.
  virtual std::vector<NodeId> founders() = 0;

  // Keeps the founders, durably, once and for all; the same ones again are no error. Errors:
  // kInvalidArgument unless they are 1 to consensus::kVotersMax, rising and none of them 0;
  // kFailedPrecondition when others are kept already (both are named); and those of Write.
  virtual absl::Status SetFounders(const std::vector<NodeId>& founders) = 0;

  // Everything about `shard` that is durable; a RestoredState of defaults for a shard that was
  // never written. Errors: kDataLoss when a record in the middle is damaged or missing (the
  // replica must not vote with it); a torn tail is no error, it was never acknowledged. And those
  // of Write, for it may have to repair.
  virtual absl::StatusOr<consensus::RestoredState> Load(ShardId shard) = 0;

  // Makes all writes durable: atomically, in order, with one sync. Errors: kResourceExhausted when
  // the disk is full (nothing was written; may be tried again), anything else is final: the
  // process must stop, for what is on disk is unknown (never retry an fsync). Among these
  // kDataLoss: the disk has damaged what was stored, so that even a new start can not go on with
  // it.
  virtual absl::Status Write(const std::vector<ShardWrite>& writes) = 0;

  // Stores a snapshot that this replica took of its own state machine, durably, and forgets the
  // older one; a snapshot older than the stored one is ignored. Does not touch the log. Same errors
  // as Write. May be called from another thread than Write, for the same shard never twice at a
  // time.
  virtual absl::Status SaveSnapshot(ShardId shard, const consensus::Snapshot& snapshot) = 0;

  virtual absl::StatusOr<StoreUsage> Usage() = 0;
};

}  // namespace quorumbook::storage
