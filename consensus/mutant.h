// Planted bugs, by which the simulator is tested: it must find each of them.
//
// They exist only in the simulator, for which the same sources are built once more with
// QUORUMBOOK_MUTANTS defined. Without it Planted() is false at compile time, and nothing of them
// is in the program.
#pragma once

#include <cstdint>

namespace quorumbook::consensus {

enum class Mutant : uint8_t {
  kNone,
  // Votes and terms.
  kVoteNotPersisted,      // a vote is told before it is durable
  kVoteClearedByAppend,   // an append of the same term clears the vote
  kElectionByLength,      // votes compare the lengths of logs only
  kMatchedKeptOverTerms,  // what was known of the old leader's log is believed of the new one's
  kNoCheckQuorum,         // a leader that reaches nobody and commits nothing stays one
  kNoStickiness,          // voters help to replace a leader that is at work
  kNoPreVote,             // elections begin without asking whether they can be won
  kPreVoteDisturbs,       // pre-votes are given in spite of a leader, and force an election
  kStaleLeaderIgnored,    // a leader of an old term is not told the new one
  kStalledLeaderStays,    // a leader that is heard but commits nothing stays one
  // Replication.
  kAcknowledgeBeforeSync,    // entries are acknowledged before they are durable
  kOwnDiskCountedEarly,      // a leader counts its own entries before they are durable
  kCommitOfEarlierTerm,      // an entry of an earlier term is committed by counting
  kCommitBeyondVerified,     // a heartbeat commits entries that were not compared yet
  kTruncateOnShorterAppend,  // an append that ends earlier cuts the log there
  kTruncateBelowCommit,      // ... committed or not
  kMatchFromRefusal,         // the hint of a refusal counts as acknowledged
  kDurableOverTruncation,    // what was written of entries that were replaced counts as durable
  kAcknowledgeInLostTerm,    // entries are acknowledged in a term that is not durable
  kChainNotChecked,          // entries are not compared with their chain values
  kSilentWhileBehind,        // a group falls silent while a follower lacks entries
  kWokenInSecret,            // who is woken in silence does not tell the leader
  // Leadership transfer, reads, leases.
  kTransferWithoutCatchUp,  // leadership goes by force to a follower that lacks entries
  kReadBeforeOwnCommit,     // reads are served before the first commit of the term
  kReadRoundReused,         // a read is confirmed by a round that began before it
  kReadLostInChange,        // a read that is under way when the members change is never answered
  kLeaseOverClockJump,      // a lease outlives that the clock can not be trusted
  kLeaseDuringTransfer,     // a lease is used though leadership was offered to another
  kLeaseAfterRestart,       // a voter that restarts forgets that it promised to wait
  kPromiseDropped,          // ... or one whose stream to the leader breaks
  kLeaseWithoutMargin,      // a lease does not allow for clocks that run apart
  // Members.
  kConfigurationOnApply,     // a configuration comes into force when it is committed
  kChangeWithoutOwnCommit,   // a voter is changed in one step, before the first commit of the term
  kOverlappingChanges,       // a second change of members while one is under way
  kSingleMajorityInJoint,    // a joint configuration needs the new majority only
  kLearnerCounted,           // learners count as voters
  kRemovedLeaderCounts,      // a leader that is leaving counts itself
  kRolledBackConfiguration,  // a configuration stays in force though its entry is truncated
  kReplayedConfiguration,    // a repeated message brings an old configuration back
  // Snapshots.
  kSnapshotOverNewer,       // a snapshot replaces a state that is newer
  kChunkOffsetIgnored,      // chunks are put together in the order in which they come
  kInstallToldEarly,        // a snapshot is reported as installed before it is durable
  kSnapshotWithoutMembers,  // an installed snapshot does not bring its configuration
  kLogGapAfterSnapshot,     // compaction drops an entry that the snapshot does not cover
  kTransferFloorIgnored,    // compaction makes snapshots useless that are on their way
  // Detection of faulty replicas.
  kEvidenceDropped,       // what no correct replica does is not reported
  kFencedStillHeard,      // messages of a fenced replica are taken
  kDivergedStillServes,   // a replica whose state has diverged may lead
  kStatesComparedSeldom,  // three of four reports of states are not looked at
  kEquivocationNotNamed,  // a leader that contradicts itself is not named
  kForgottenUnnoticed,    // who lacks what it acknowledged goes on to count with it
  kRivalNamed,            // of two leaders of a term each names the other, whoever voted for both
  kFenceKeepsProgress,    // what a replica said before it was fenced goes on to count
  kRetiredComesBack,      // who was taken out is taken in again under its old identity
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
