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
#include "consensus/mutant.h"
#include "consensus/output.h"
#include "consensus/types.h"

namespace quorumbook::consensus {

// Each time that so many digest_intervals have passed, replicas compare whole states.
inline constexpr uint64_t kWholeStateEvery = 16;
// Options::priority is between 0 and this.
inline constexpr uint32_t kPriorityMax = 3;

struct Options {
  // Opaque, and bound to one disk: never used by another replica, nor by this one after it lost its
  // disk, for what it voted and acknowledged under an id it must remember; nor after it was removed
  // (ProposeResult::kRetired).
  NodeId id;
  // The founding members, the same at each of them. Empty for a replica that joins a group: it
  // learns who belongs to it from the leader that sends it the log. Only looked at while the log
  // and the snapshot say nothing else.
  Configuration configuration{};

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
  // Compact() keeps this many bytes of entries before the snapshot for slow followers.
  uint64_t keep_log_bytes = 4 << 20;

  // Snapshots to followers: the size of a chunk, how much may be under way to one follower, and how
  // much is sent in a second in all (0: as much as the windows allow).
  uint64_t snapshot_chunk_bytes = 256 << 10;
  uint64_t snapshot_window_bytes = 2 << 20;
  uint64_t snapshot_bytes_per_second = 0;
  // While a follower receives a snapshot, entries after it are kept for it up to this size. Beyond
  // that the oldest are dropped, and the follower needs another snapshot when it has this one: so
  // what is written while one transfer lasts must be less than this, or it never gets there.
  uint64_t transfer_log_bytes = 256 << 20;

  // Of election: one with a lower priority sits out (kPriorityMax - priority) election timeouts
  // before it campaigns, and as a leader hands over to a follower of a higher one that has all
  // entries. It only delays: any replica can lead when those above it can not.
  uint32_t priority = kPriorityMax;

  // Reads need no round of messages while a majority has promised by its stickiness not to elect
  // another (6.4.1). The same at all members. Requires that the clocks of two nodes differ in their
  // rate by at most clock_drift_percent, and that the host calls SetClockTrusted when it has seen
  // that its clock runs evenly, and when it may have jumped.
  bool lease_reads = false;
  uint32_t clock_drift_percent = 10;  // less than 100

  // A group in which nothing was proposed for this long falls silent: no heartbeats, no election
  // timers. 0: never. The host then reports lost nodes (PeerLost).
  Duration quiesce_after{};

  // The host calls OnStateDigest() at indexes that are multiples of this, and OnWholeState() of
  // kWholeStateEvery times this. 0: never.
  uint64_t digest_interval = 4096;
  // In which form whole states are digested, for they are compared by their bytes: only among
  // replicas of the same. Not 0 if digest_interval is not.
  uint32_t state_format = 1;

  uint64_t seed = 0;              // of the election timeouts; differs from node to node
  Mutant mutant = Mutant::kNone;  // REQUIRES: kNone unless kMutantsBuiltIn
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
  // Of ProposeConfiguration only:
  kNotReady,          // the leader has not committed an entry of its own term yet: soon
  kChangeInProgress,  // the last change is not committed yet: soon
  kInvalid,           // no valid set of members (consensus/configuration.h), or nothing new
  kRetired,           // somebody was a member and was removed: never again under the same id
};

// How one peer stands, as its leader sees it.
struct PeerProgress {
  NodeId id;
  Index match;
  Index next;
  bool probing = false;       // looking for where the logs agree
  bool snapshotting = false;  // receiving a snapshot
  bool active = false;        // heard from within an election timeout
  bool learner = false;
  bool leaving = false;       // not a member any more; is still told so
  bool limping = false;       // too slow for its window, which was made smaller
  uint64_t behind_bytes = 0;  // of entries after `match`, as far as the log has them
  uint64_t inflight_bytes = 0;
  uint64_t snapshot_acknowledged_bytes = 0;  // of snapshot_total_bytes, while snapshotting
  uint64_t snapshot_total_bytes = 0;
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
  uint64_t log_bytes = 0;         // all entries in memory
  Configuration configuration{};  // in force
  Index configuration_index{};    // of its entry, or of the snapshot that brought it; 0: founding
  bool quiesced = false;
  bool leased = false;       // a leader that may serve reads by its lease now
  bool quarantined = false;  // fenced off itself: neither votes nor leads, must not serve
  std::vector<NodeId> fenced{};
  std::vector<PeerProgress> peers{};  // only in a leader
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

  // A message arrived. REQUIRES: `from` is who really sent it, as the host verified.
  //
  // Ignored: what is not for this node, or comes from a fenced one. Requests are taken from
  // whoever sends them, member or not (4.2.2: a replica may not have heard yet of a configuration
  // that needs its vote, and a new one knows nobody); answers only from members. A node that was
  // removed does not disturb the others: while they hear their leader they ignore its requests
  // (4.2.3), and without a leader it can win only if it has what is committed.
  void Step(Message message, Instant now);

  // Appends one kCommand entry (thesis 6: leader only). `*index` and `*term` are set when accepted.
  ProposeResult Propose(Payload payload, Instant now, Index* index, Term* term);

  // Changes the members (4.3): appends a joint configuration, and when that is committed, now or by
  // a later leader, the one it leads to. With the same voters one entry is enough. In force at once
  // (Output::configuration); the change is done when a configuration that is not joint is
  // committed. `*index` and `*term` are those of the first entry.
  //
  // New voters should have been learners until their match is close to the leader's last entry:
  // else nothing is committed until they have caught up (4.2.1). A leader that is not among the
  // new voters hands over and steps down when the change is committed.
  ProposeResult ProposeConfiguration(std::vector<NodeId> voters, std::vector<NodeId> learners,
                                     Instant now, Index* index, Term* term);

  // A linearizable read (6.4): Output::reads carries `id` once leadership is confirmed by a
  // majority after this call, or by a lease, or Output::reads_failed when it is lost. False: not
  // the leader. Waits inside while the leader has no committed entry of its own term.
  bool ReadIndex(uint64_t id, Instant now);

  // Whether the clock runs evenly. At first that is not known: until the host says so, and while it
  // does not, there are no leases, here or by this replica's answers; a `now` that goes back has
  // the same effect as `false`. After a jump this replica helps no other leader for
  // election_timeout_min, as it may have promised.
  void SetClockTrusted(bool trusted, Instant now);

  // Hands leadership over (3.10): stops taking proposals, brings `target` up to date, tells it to
  // campaign. Gives up after election_timeout_max. With target none the most advanced active
  // voter is taken. False: not leader, or no such voter, or it is fenced or was not heard lately.
  bool TransferLeadership(NodeId target, Instant now);

  // For a group that fell silent (Options::quiesce_after); harmless otherwise. The leader speaks
  // again, a follower expects to hear it.
  void Wake(Instant now);
  // The connection to `peer` ended, as it does at once when a process dies. Wakes a leader, and a
  // follower whose leader it is, which then campaigns soon: within a third of election_timeout_min,
  // with leases behind what it promised. A false alarm costs a round of pre-votes, which those who
  // hear the leader refuse.
  void PeerLost(NodeId peer, Instant now);

  // The state machine has applied everything up to `index`, a multiple of digest_interval, and this
  // is its digest. Sent to the others and compared with theirs: who differs from a majority of the
  // voters is named by Evidence::kDivergedState. If it is this replica, it is fenced off.
  void OnStateDigest(Index index, const Digest& digest, Instant now);
  // The same for the digest of all of a state, which takes long to make: of any index up to the
  // last applied one that is a multiple of kWholeStateEvery * digest_interval. Too old to be
  // compared (StateDigests) is no error.
  void OnWholeState(Index index, const Digest& digest, Instant now);

  // From now on, and until this object ends, `node` is not listened to, and never gets leadership
  // from here. With the own id: this replica stops to vote, campaign and lead; it still stores what
  // it is sent. Nothing that `node` has said so far counts any more, but for what is committed. A
  // restart forgets it.
  void Fence(NodeId node, Instant now);

  // Completion of Output::persist with this sequence; in order.
  void OnPersisted(uint64_t sequence, Instant now);

  // Whether Output::received with these bytes can be read. If so it is installed, now or when the
  // leader of that time has said that it has the same; if not, that is evidence against its sender.
  // Ignored when it is not needed any more, or was displaced by another.
  void OnSnapshotRead(const Payload& data, bool readable, Instant now);
  // Whether these bytes, of Output::received, may still come back in Output::restore.
  bool Awaits(const Payload& data) const;

  // The host has stored a snapshot of the state machine at `snapshot.meta.index` (applied, so
  // committed) durably. Drops log entries that it covers, but keep_log_bytes.
  // REQUIRES: its configuration is ConfigurationAt(its index).
  void Compact(Snapshot snapshot);

  // Everything to do since the last call. Cheap when empty. `proposing_soon`: the host is about to
  // propose; news of the commit index wait to ride along, and go by themselves with the first call
  // that does not say so.
  Output TakeOutput(bool proposing_soon = false);

  RaftStatus status() const;
  Role role() const;
  Term term() const;
  NodeId leader() const;
  Index commit() const;
  // Term and chain of an entry in the log or of the snapshot's last one; empty otherwise.
  std::optional<SnapshotMeta> EntryMeta(Index index) const;
  // In force at the end of the log.
  const Configuration& configuration() const;
  // In force at `index`: for Snapshot::configuration.
  // REQUIRES: from the index of the latest snapshot to the last entry.
  const Configuration& ConfigurationAt(Index index) const;
  // Bytes of the entries after the latest snapshot: the measure for "compaction by size".
  uint64_t log_bytes() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace quorumbook::consensus
