// One replica of one shard: the Raft core, the exchange behind it, and what waits for them.
//
// Single-threaded and without I/O: its host calls one method at a time, and after each arms an
// alarm for deadline(). Callbacks are called from within, once, and must not call the replica.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consensus/raft.h"
#include "exchange/exchange.h"
#include "exchange/state_history.h"
#include "server/replica/membership.h"
#include "server/replica/mutant.h"
#include "server/replica/proposal_queue.h"
#include "server/replica/refusal.h"
#include "server/replica/replica_counters.h"
#include "server/replica/replica_host.h"

namespace quorumbook::server {

struct ReplicaOptions {
  ShardId shard;
  consensus::Options raft;
  // A snapshot is taken when the log in memory is larger than this and the last snapshot together,
  // and at the latest at twice this; a log that is larger by three times this refuses commands
  // until there is one.
  uint64_t snapshot_log_bytes = 0;
  ReplicaMutant mutant = ReplicaMutant::kNone;  // a planted bug, for tests
};

// Commands accepted and not yet packed, a replica; beyond it the answer is kBusy.
inline constexpr uint64_t kMaxWaitingBytes = uint64_t{32} << 20;
// After a snapshot for which there was no space the next one is made that much later, since each
// costs as much as the state is large: twice as long each time, until there is space again.
inline constexpr std::chrono::seconds kSnapshotRetryMin{5};
inline constexpr std::chrono::seconds kSnapshotRetryMax{80};
// Nobody knows whether the disk of the one that leadership is handed to is full as well: so again
// after this time only, twice as long each time, until there is space.
inline constexpr std::chrono::seconds kHandOverRetryMin{2};
inline constexpr std::chrono::seconds kHandOverRetryMax{64};
// Linearizable reads under way, a replica; likewise.
inline constexpr size_t kMaxReads = 65'536;

class Replica {
 public:
  // `restored`: what is durable. `host` outlives the replica.
  Replica(const ReplicaOptions& options, consensus::RestoredState restored, ReplicaHost* host);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // To be called once, first: restores the snapshot and applies what is known to be committed.
  void Start() { ProcessOutput(); }

  // Executes a group (exchange::EncodeGroup) and answers when it is applied, or why it was not.
  // `term` is Leadership::serving_term as it was before the names of its symbols were looked up.
  // `since` is when the group came, if that was before now.
  void Submit(std::string group, consensus::Term term, GroupCallback callback,
              std::optional<consensus::Instant> since = std::nullopt);

  // Messages from verified peers, in order of arrival.
  void Receive(std::vector<consensus::Message> messages);

  // Calls back with the state, which holds everything acknowledged before the call (leader only),
  // or with `stale_ok` whatever this replica has applied. `refusal` is null when it worked.
  using ReadCallback = std::function<void(const Refusal* refusal, const exchange::Exchange&)>;
  void Read(bool stale_ok, ReadCallback callback);

  // Hands leadership to the node `target` (none: the most advanced follower); answers when another
  // leader is known or it has failed.
  using TransferCallback = std::function<void(const Refusal* refusal, NodeId leader)>;
  void TransferLeadership(NodeId target, TransferCallback callback);

  // The members whose streams are up, one a node; who of them was lost. A leader looks after the
  // members of its group by what it is told here (server/replica/membership.h).
  void SetConnected(std::vector<NodeId> members);
  void PeerLost(NodeId member);
  // Who is `node` for certain spoke in the name of another node: evidence against it, once a minute
  // as long as it goes on. From now on nothing that says to be of that node is heard, whatever its
  // incarnation, for its key is in other hands; a restart forgets that.
  void ForgedSender(NodeId node);
  // Whether the steady clock runs evenly; the host says so when it may have jumped. Lease reads
  // rest on it (consensus::Raft::SetClockTrusted).
  void SetClockTrusted(bool trusted);

  // Makes a node a member, or takes it out. Leader only.
  void ChangeMember(NodeId node, bool member, Membership::Callback callback);

  // Takes no more commands, answers those under way, hands leadership over if it has it, and calls
  // back; at the latest after a few seconds. Goes on serving as a follower.
  void Drain(std::function<void()> callback);

  // When OnAlarm has something to do next. Earlier or more often does no harm.
  consensus::Instant deadline() const;
  void OnAlarm();

  // Completions of what the host was asked for.
  void Pump();
  void OnPersisted(uint64_t sequence);
  // What exchange::Exchange::RestoreReceived returned.
  void OnSnapshotDecoded(absl::StatusOr<exchange::Exchange> decoded);
  // What SnapshotRecipe::Make returned, once it is stored, or why there is no snapshot.
  void OnSnapshotSaved(absl::StatusOr<MadeSnapshot> saved);

  const consensus::Raft& raft() const { return raft_; }
  // Whether it hears nothing of a node any more (ForgedSender).
  bool IsDeafTo(NodeId node) const { return forgers_.contains(node); }
  const exchange::Exchange& exchange() const { return exchange_; }
  consensus::Index applied() const { return applied_; }
  const ReplicaCounters& counters() const { return counters_; }
  uint64_t waiting_bytes() const { return proposals_.waiting_bytes(); }
  uint64_t unanswered_bytes() const { return proposals_.unanswered_bytes(); }

 private:
  bool Has(ReplicaMutant mutant) const { return Planted(options_.mutant, mutant); }

  // replica.cc
  Refusal WhyNotSubmit(const std::string& group, consensus::Term term) const;
  void PumpWhenWaiting();
  bool MayPropose(consensus::Instant now) const;
  bool Gathers(consensus::Instant now) const;
  void Gather(size_t answered);
  void Propose();
  consensus::Instant DueTime(consensus::Instant now) const;
  void ProposeTime();
  void ProcessOutput();
  size_t Apply(const consensus::Entry& entry);
  void ExecuteRetries(const consensus::Entry& entry);
  void ConfirmReads(const std::vector<consensus::ReadReady>& reads);
  void FailReads(const std::vector<uint64_t>& ids);
  bool MayBeAccident(const consensus::Evidence& evidence);
  void Judge(const consensus::Evidence& evidence);
  void Stop(const absl::Status& status);

  // replica_snapshots.cc
  void NoticeSpace();
  uint64_t LogBytesOfNextSnapshot() const;
  void MaybeTakeSnapshot();
  void SaveSnapshotWhenDurable();
  void ReadReceived(std::shared_ptr<const std::string> bytes);
  void DropDecoded();
  bool DecodeSnapshot(const consensus::Snapshot& snapshot);
  void RestoreStateMachine(const consensus::Snapshot& snapshot);

  // replica_leadership.cc
  Leadership CurrentLeadership() const;
  void PublishLeadership();
  void AfterOutput();
  void HandOver();
  void AnswerTransfers();
  void ContinueDraining();
  void FinishDraining();
  Refusal NotLeader() const;
  static Refusal ShuttingDown();

  const ReplicaOptions options_;
  ReplicaHost& host_;

  consensus::Raft raft_;
  Membership membership_;
  exchange::Exchange exchange_;
  exchange::StateHistory history_;  // of exchange_
  exchange::ApplyResult apply_result_;
  consensus::Index applied_;
  consensus::Term applied_term_;  // of the last entry applied
  // What was read from which bytes, as long as it may take the place of the state.
  std::map<std::shared_ptr<const std::string>, exchange::Exchange> decoded_snapshots_;
  exchange::Time last_stamp_ = 0;
  consensus::Instant next_time_{};  // no batch for the time alone before

  // What may be an accident, when: by kind and by whom.
  std::map<std::pair<consensus::Evidence::Kind, NodeId>, std::vector<consensus::Instant>>
      accidents_;
  // Nodes that spoke in the name of others, and when that was told last.
  std::map<NodeId, consensus::Instant> forgers_;

  bool stopped_ = false;  // ReplicaHost::Fatal was called

  ReplicaCounters counters_;
  ProposalQueue proposals_{&counters_};
  bool pump_asked_ = false;
  int writes_under_way_ = 0;
  consensus::Instant last_proposal_{};
  // While none is proposed, a small entry waits until there are so many groups, or until then. 0:
  // it does not.
  size_t gathers_ = 0;
  consensus::Instant gathers_until_{};
  // Of received snapshots: the one that is being read, and the one after it.
  std::shared_ptr<const std::string> reading_;
  std::shared_ptr<const std::string> to_read_;
  std::optional<SnapshotRecipe> unsaved_snapshot_;  // until the log up to it is durable
  bool snapshot_under_way_ = false;
  // After a snapshot that had no space: not before, and how long after the next one.
  consensus::Instant next_snapshot_{};
  consensus::Duration snapshot_retry_ = kSnapshotRetryMin;
  bool disk_was_full_ = false;

  uint64_t next_read_ = 1;
  struct PendingRead {
    ReadCallback callback;
    consensus::Instant since;
  };
  std::map<uint64_t, PendingRead> reads_;                        // not confirmed yet
  std::multimap<consensus::Index, PendingRead> reads_to_apply_;  // confirmed, not applied yet

  Leadership published_;
  bool was_leader_ = false;
  struct Transfer {
    TransferCallback callback;
    consensus::Instant deadline;
  };
  std::vector<Transfer> transfers_;
  // Because of a full disk: not before, and how long after the next one.
  consensus::Instant next_hand_over_{};
  consensus::Duration hand_over_retry_ = kHandOverRetryMin;

  bool draining_ = false;
  bool drain_transferred_ = false;
  consensus::Instant drain_deadline_{};
  std::function<void()> drained_;  // empty: not asked for, or called
};

}  // namespace quorumbook::server
