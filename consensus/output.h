// What the core asks of its host. The host handles the fields from top to bottom.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "consensus/message.h"
#include "consensus/types.h"

namespace quorumbook::consensus {

// One atomic, synced write. The parts apply in the order of the fields. The host may delay and
// group writes, but performs those of a group in order, and reports each with
// Raft::OnPersisted(sequence) when it is durable. A write that fails stops the replica.
struct Persist {
  uint64_t sequence = 0;  // counts up by one from 1
  std::optional<HardState> hard_state;
  // Replaces state machine and log: all entries are dropped.
  std::optional<Snapshot> snapshot;
  // Entries from here on are dropped before `entries` are appended (a conflict, thesis 3.5).
  std::optional<Index> truncate_from;
  std::vector<Entry> entries;
  // Entries up to and including this one are no longer needed: a snapshot that is durable covers
  // them. May be done lazily.
  std::optional<Index> compact_through;
};

// A read that ReadIndex() was asked for may be served once `index` is applied.
struct ReadReady {
  uint64_t id = 0;
  Index index;
};

// Something that no correct replica does; `culprit` is none where it can not be told.
struct Evidence {
  enum class Kind : uint8_t {
    kTwoLeadersInTerm,  // equivocation: append entries from two nodes in one term
    kDoubleVote,        // voted for this node in a term in which it campaigned or led itself
    kCorruptEntry,      // chain of a received entry does not follow from its contents
    kDivergedLog,       // same index and term, different chain: two entries were written there
    kCommitRegressed,   // entries conflict with what is committed here
    kCorruptSnapshot,   // a chunk or a whole that is not its checksum's, or can not be read
    kDivergedState,     // another state at the same index than that of a majority of the voters
    // A message in the name of another node. Only the host can see it, which knows who sent it: the
    // core never reports it.
    kForgedSender,
    kForgotAcknowledged,  // lacks entries that it acknowledged as durable to this leader
  };
  Kind kind;
  NodeId culprit;
  Term term;
  Index index;

  bool operator==(const Evidence&) const = default;
};

struct Output {
  // 1. Start the write. Messages whose truth depends on it (votes, acknowledgements) are held back
  //    by the core until OnPersisted, so the host need not order anything else after it.
  std::optional<Persist> persist;
  // 2. Send. Loss, delay, repetition and reordering are tolerated.
  std::vector<Message> messages;
  // 3. Replace the state machine by this snapshot (durable already), before `committed`.
  std::optional<Snapshot> restore;
  // 4. Apply, in order. Consecutive over all Outputs. These are committed; a local write of them
  //    may still be under way (a majority elsewhere is durable).
  std::vector<Entry> committed;
  // 5. Reads that were confirmed.
  std::vector<ReadReady> reads;
  // 6. Reads that will not be confirmed (leadership lost): ask again elsewhere.
  std::vector<uint64_t> reads_failed;
  // 7. Report. The host decides whether to call Raft::Fence(culprit).
  std::vector<Evidence> evidence;
  // 8. Another configuration is in force now, by an entry or snapshot that came, or that was
  //    truncated: the nodes to be connected with. Also in the first Output.
  std::optional<Configuration> configuration;
  // 9. A snapshot has arrived whole. Whether it can be read, or is none, is to be told by
  //    Raft::OnSnapshotRead; before that nothing is replaced by it. A later one displaces it.
  std::optional<Snapshot> received;

  bool empty() const {
    return !persist && messages.empty() && !restore && committed.empty() && reads.empty() &&
           reads_failed.empty() && evidence.empty() && !configuration && !received;
  }
};

}  // namespace quorumbook::consensus
