// Raft as a state machine: messages, time and completions in, one Output out.
//
// No threads, no clock, no I/O, no randomness but the seed. The host calls one method at a time
// and afterwards handles TakeOutput(). Sections refer to the thesis (consensus/types.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "consensus/message.h"
#include "consensus/output.h"
#include "consensus/types.h"

namespace quorumbook::consensus {

struct Options {
  NodeId id;
  std::vector<NodeId> voters;  // includes id; 1 to 7 of them

  // A follower that hears nothing from a leader campaigns after a time drawn uniformly from
  // [min, max) anew each time (3.4).
  Duration election_timeout_min = std::chrono::milliseconds(300);
  Duration election_timeout_max = std::chrono::milliseconds(600);
  // REQUIRES: at most a third of election_timeout_min.
  Duration heartbeat_interval = std::chrono::milliseconds(60);

  // Bounds of one AppendEntries message and of what is under way to one follower. One entry that
  // is larger by itself is sent alone.
  uint64_t max_append_bytes = 1 << 20;
  uint64_t max_inflight_bytes = 8 << 20;
  uint64_t max_inflight_messages = 256;
  // Proposals are refused (kBusy) while more than this is proposed and not committed.
  uint64_t max_uncommitted_bytes = 32 << 20;
  uint64_t snapshot_chunk_bytes = 256 << 10;
  // Compact() keeps this many bytes of entries before the snapshot for slow followers.
  uint64_t keep_log_bytes = 4 << 20;

  uint64_t seed = 0;  // of the election timeouts; differs from node to node
};

// What storage gives back at start. The default is a new replica. All of it is durable, and nothing
// that was durable is missing: hard_state.commit is not past the last entry or snapshot.
// The first Output restores the snapshot if there is one; `committed` goes on behind it.
struct RestoredState {
  HardState hard_state;
  std::optional<Snapshot> snapshot;
  // Consecutive; the first is at most snapshot index + 1 (or 1).
  std::vector<Entry> entries;
};

enum class Role : uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };

enum class ProposeResult : uint8_t {
  kAccepted,      // appended; watch Output::committed for its index and term
  kNotLeader,     // ask leader()
  kBusy,          // max_uncommitted_bytes reached: later
  kTransferring,  // leadership is being handed over: ask the next leader
};

// How one peer stands, as its leader sees it.
struct PeerProgress {
  NodeId id;
  Index match;
  Index next;
  bool probing = false;       // looking for where the logs agree
  bool snapshotting = false;  // receiving a snapshot
  bool active = false;        // heard from within an election timeout
  uint64_t inflight_bytes = 0;
};

struct RaftStatus {
  Role role = Role::kFollower;
  Term term;
  NodeId leader;  // none: not known
  NodeId vote;
  Index commit;
  Index first;  // of the log in memory; snapshot index + 1 when it is empty
  Index last;
  Index durable;  // last index that is known to be on the own disk
  SnapshotMeta snapshot;
  uint64_t log_bytes = 0;
  std::vector<PeerProgress> peers;  // only in a leader
};

class Raft {
 public:
  // REQUIRES: options within their stated bounds; `restored` as storage promises it (checked).
  Raft(const Options& options, RestoredState restored, Instant now);
  ~Raft();
  Raft(Raft&&) noexcept;
  Raft& operator=(Raft&&) noexcept;

  // Time passes. Call at deadline() or later; calling early or often is harmless.
  void Tick(Instant now);
  // When Tick has something to do next.
  Instant deadline() const;

  // A message arrived. Messages from nodes that are no voters, or not for this node, are ignored.
  void Step(Message message, Instant now);

  // Appends one kCommand entry (thesis 6: leader only). `*index` and `*term` are set when accepted.
  ProposeResult Propose(Payload payload, Instant now, Index* index, Term* term);

  // A linearizable read (6.4): Output::reads carries `id` once leadership is confirmed by a
  // majority after this call, or Output::reads_failed when it is lost. False: not the leader.
  // Waits inside while the leader has no committed entry of its own term.
  bool ReadIndex(uint64_t id, Instant now);

  // Hands leadership over (3.10): stops taking proposals, brings `target` up to date, tells it to
  // campaign. Gives up after election_timeout_max. With target none the most advanced active
  // follower is taken. False: not leader, or no such follower.
  bool TransferLeadership(NodeId target, Instant now);

  // Completion of Output::persist with this sequence; in order.
  void OnPersisted(uint64_t sequence, Instant now);

  // The host has stored a snapshot of the state machine at `snapshot.meta.index` (applied, so
  // committed) durably. Drops log entries that it covers, but keep_log_bytes.
  void Compact(Snapshot snapshot);

  // Everything to do since the last call. Cheap when empty.
  Output TakeOutput();

  RaftStatus status() const;
  Role role() const;
  Term term() const;
  NodeId leader() const;
  Index commit() const;
  // Term and chain of an entry in the log or of the snapshot's last one; empty otherwise.
  std::optional<SnapshotMeta> EntryMeta(Index index) const;
  // Bytes of the entries in memory: the measure for "compaction by size".
  uint64_t log_bytes() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace quorumbook::consensus
