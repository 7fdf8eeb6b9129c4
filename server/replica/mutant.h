// Bugs planted in replica and exchange, by which the simulator is tested; see consensus/mutant.h.
#pragma once

#include <cstdint>

#include "consensus/mutant.h"

namespace quorumbook::server {

enum class ReplicaMutant : uint8_t {
  kNone,
  kAcknowledgeUncommitted,    // commands are executed and answered when they are proposed
  kAnswersSwapped,            // clients whose commands share a batch get each other's answers
  kOwnClockAlone,             // a batch is stamped by the leader's clock alone
  kEntrySkipped,              // every twentieth entry is not executed
  kFailedReadAnswered,        // a read whose confirmation failed is answered all the same
  kReadWithoutConfirmation,   // a leader answers reads without asking whether it still leads
  kRetryExecutedTwice,        // commands that a client repeats are executed again
  kStateKeptOverRestore,      // a received snapshot does not replace the state
  kSessionsLostInSnapshot,    // a restored state has no sessions: a retry finds none
  kSnapshotOfLaterState,      // a snapshot is stored under the index before that of its state
  kSnapshotOfLatestMembers,   // a snapshot names members of a change that comes after it
  kCompactedWithoutSnapshot,  // the log is cut though the snapshot was not stored
  kEvidenceWithoutFence,      // who is found out is told of, and listened to
};

constexpr bool Planted(ReplicaMutant planted, ReplicaMutant mutant) {
  return consensus::kMutantsBuiltIn && planted == mutant;
}

}  // namespace quorumbook::server
