// Planted bugs, by which the simulator is tested: it must find each of them.
//
// They exist only in the library quorumbook_consensus_mutants, which is built from the same
// sources with QUORUMBOOK_MUTANTS defined. Without it Planted() is false at compile time, and
// nothing of them is in the program.
#pragma once

#include <cstdint>

namespace quorumbook::consensus {

enum class Mutant : uint8_t {
  kNone,
  kVoteNotPersisted,         // a vote is told before it is durable
  kVoteClearedByAppend,      // an append of the same term clears the vote
  kAcknowledgeBeforeSync,    // entries are acknowledged before they are durable
  kOwnDiskCountedEarly,      // a leader counts its own entries before they are durable
  kCommitOfEarlierTerm,      // an entry of an earlier term is committed by counting
  kCommitBeyondVerified,     // a heartbeat commits entries that were not compared yet
  kTruncateOnShorterAppend,  // an append that ends earlier cuts the log there
  kTruncateCommitted,        // a conflict cuts the log below the commit index
  kMatchFromRefusal,         // a refused append counts as acknowledged up to its place
  kElectionByLength,         // votes compare the lengths of logs only
  kStepDownKeepsTerm,        // a higher term deposes a leader, which then votes in its old one
  kNoCheckQuorum,            // a leader without a majority stays one
  kNoStickiness,             // voters help to replace a leader that is at work
  kNoPreVote,                // elections begin without asking whether they can be won
  kTransferWithoutCatchUp,   // leadership is handed to a follower that lacks entries, by force
  kReadBeforeOwnCommit,      // reads are served before the first commit of the term
  kReadRoundReused,          // a read joins the round that is under way already
  kLeaseOverClockJump,       // a lease outlives that the clock can not be trusted
  kLeaseDuringTransfer,      // a lease is used though leadership was offered to another
  kLeaseAfterRestart,        // a voter that restarts forgets that it promised to wait
  kConfigurationOnApply,     // a configuration comes into force when it is committed
  kChangeWithoutOwnCommit,   // a change of members before the first commit of the term
  kOverlappingChanges,       // a second change of members while one is under way
  kSingleMajorityInJoint,    // a joint configuration needs the new majority only
  kLearnerCounted,           // learners count as voters
  kRolledBackConfiguration,  // a configuration stays in force though its entry is truncated
  kSnapshotOverNewer,        // a snapshot replaces a state that is newer
  kChunkOffsetIgnored,       // chunks of a snapshot are put together in the order they come
  kSnapshotWithoutMembers,   // an installed snapshot does not bring its configuration
  kLogGapAfterSnapshot,      // the log goes on behind a snapshot without what lies between
  kEvidenceDropped,          // what no correct replica does is not reported
  kFencedStillCounted,       // messages of a fenced replica are taken
  kDivergedStillServes,      // a replica whose state has diverged may lead
};

#ifdef QUORUMBOOK_MUTANTS
inline constexpr bool kMutantsBuiltIn = true;
#else
inline constexpr bool kMutantsBuiltIn = false;
#endif

// Whether `mutant` is the one that was planted.
constexpr bool Planted(Mutant planted, Mutant mutant) {
  return kMutantsBuiltIn && planted == mutant;
}

}  // namespace quorumbook::consensus
