// What a replica counts of itself, from its construction on.
#pragma once

#include <array>
#include <cstdint>

#include "common/duration_histogram.h"
#include "server/replica/refusal.h"

namespace quorumbook::server {

struct ReplicaCounters {
  // Groups of commands.
  std::array<uint64_t, kRefusalCodes> refused{};  // before they were proposed, by RefusalCode
  uint64_t failed = 0;                            // after that: leadership was lost
  DurationHistogram queue;                        // from Submit to the proposal
  DurationHistogram acknowledge;                  // from Submit to the answer
  // Log entries.
  uint64_t proposals = 0;
  DurationHistogram match;  // executing commands
  DurationHistogram apply;  // the same, telling the host, and answering
  // Linearizable reads.
  uint64_t reads = 0;
  uint64_t reads_failed = 0;
  DurationHistogram read;
  // Snapshots.
  uint64_t snapshots_taken = 0;
  uint64_t snapshots_failed = 0;     // for lack of space
  uint64_t snapshots_installed = 0;  // received from a leader
  uint64_t snapshot_bytes = 0;       // of the one that the store holds
};

}  // namespace quorumbook::server
