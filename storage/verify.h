// What must hold between the records of a shard before a replica may vote with them.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

#include "common/ids.h"
#include "consensus/raft.h"
#include "consensus/types.h"

namespace quorumbook::storage {

// kDataLoss: names shard and index, and says what to do.
absl::Status DamagedAt(ShardId shard, consensus::Index index, absl::string_view what);
absl::Status Damaged(ShardId shard, absl::string_view what);

// Verifies a shard that was read back, `first` being where its log begins: every chain value is
// recomputed, indexes are consecutive from `first`, terms never fall and never exceed the hard
// state's, the snapshot reaches the log and is of the same history, and what the hard state knows
// to be committed is there. Errors: kDataLoss.
absl::Status VerifyShard(ShardId shard, consensus::Index first,
                         const consensus::RestoredState& state);

// Whether the whole log lies before the snapshot. Happens when a snapshot of entries that a
// majority had committed became durable and the node stopped before its own disk had them all. The
// entries are of no use then, and the next one appended does not follow them: the log must be
// begun anew behind the snapshot.
bool LogEndsBeforeSnapshot(consensus::Index first, const consensus::RestoredState& state);

}  // namespace quorumbook::storage
