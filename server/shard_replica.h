// One replica of one shard: the Raft core, the exchange behind it, and what waits for them.
//
// Everything happens on the replica's strand, one thing at a time, without a lock. Public methods
// may be called from any thread; callbacks come from the strand and must not block.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consensus/raft.h"
#include "exchange/exchange.h"
#include "quorumbook/v1/cluster.pb.h"
#include "server/log_writer.h"
#include "server/proposal_queue.h"
#include "server/symbol_directory.h"
#include "storage/store.h"

namespace quorumbook::server {

// What a replica uses of its node; all outlives it.
struct ReplicaEnvironment {
  boost::asio::io_context* io = nullptr;
  boost::asio::thread_pool* background = nullptr;  // for snapshots
  storage::Store* store = nullptr;
  LogWriter* log_writer = nullptr;
  std::function<void(ShardId, std::vector<consensus::Message>)> send;
  // The replica can not go on: the process must stop.
  std::function<void(const absl::Status&)> fatal;
};

struct ReplicaOptions {
  ShardId shard;
  consensus::Options raft;
  uint64_t snapshot_log_bytes = 0;
};

// Commands accepted and not yet packed, a replica; beyond it the answer is BUSY.
inline constexpr uint64_t kMaxWaitingBytes = uint64_t{32} << 20;
// When a client that was refused for the moment may try again.
inline constexpr uint32_t kRetryAfterMs = 20;
// Linearizable reads under way, a replica; likewise.
inline constexpr size_t kMaxReads = 65'536;

class ShardReplica : public std::enable_shared_from_this<ShardReplica> {
 public:
  // Loads what is durable. Errors: the store's.
  static absl::StatusOr<std::shared_ptr<ShardReplica>> Open(const ReplicaOptions& options,
                                                            const ReplicaEnvironment& environment);

  void Start();

  // Executes a group (exchange::EncodeGroup) and answers when it is applied, or why it was not.
  // `term` is serving_term() as it was before the names of its symbols were looked up.
  void Submit(std::string group, uint64_t term, GroupCallback callback);

  // Messages from verified peers, in order of arrival.
  void Receive(std::vector<consensus::Message> messages);

  // Calls back with the state, which holds everything acknowledged before the call (leader only),
  // or with `stale_ok` whatever this replica has applied. `refusal` is null when it worked.
  using ReadCallback = std::function<void(const Refusal* refusal, const exchange::Exchange&)>;
  void Read(bool stale_ok, ReadCallback callback);

  void GetStatus(bool digests, std::function<void(v1::ReplicaStatus)> callback);

  // Hands leadership to `target` (none: the most advanced follower); answers when another leader
  // is known or it has failed.
  using TransferCallback = std::function<void(const Refusal* refusal, NodeId leader)>;
  void TransferLeadership(NodeId target, TransferCallback callback);

  // Takes no more commands, answers those under way, hands leadership over if it has it, and calls
  // back; at the latest after a few seconds. Goes on serving as a follower until the process ends.
  void Drain(std::function<void()> callback);

  ShardId shard() const { return options_.shard; }
  const SymbolDirectory& symbols() const { return symbols_; }
  // What this replica believes; none: not known.
  NodeId leader() const { return NodeId(leader_.load(std::memory_order_relaxed)); }
  uint64_t term() const { return term_.load(std::memory_order_relaxed); }
  // The term in which this replica leads and has applied an entry of its own, so that symbols()
  // knows every symbol whose addition was acknowledged; 0 while it does not.
  uint64_t serving_term() const { return serving_term_.load(std::memory_order_acquire); }

 private:
  ShardReplica(const ReplicaOptions& options, const ReplicaEnvironment& environment,
               consensus::RestoredState restored);

  // All below: on the strand.
  void OnSubmit(WaitingGroup group);
  void SchedulePump();
  void Pump();
  void RefuseWaiting(const Refusal& refusal);
  void ProcessOutput();
  void StartWrite(consensus::Persist persist);
  bool DecodeSnapshot(const consensus::Snapshot& snapshot);
  void RestoreStateMachine(const consensus::Snapshot& snapshot);
  void Apply(const consensus::Entry& entry);
  void AnswerReads();
  void FailReads(const std::vector<uint64_t>& ids);
  void Report(const std::vector<consensus::Evidence>& evidence);
  void UpdateServingTerm();
  void ObserveLeadership();
  void MaybeTakeSnapshot();
  void SaveSnapshotWhenDurable();
  void OnSnapshotSaved(const absl::Status& status, consensus::Snapshot snapshot);
  void ArmTimer();
  void ContinueDraining();
  void FinishDraining();
  void AnswerTransfers();
  v1::ReplicaStatus MakeStatus(bool digests) const;
  Refusal NotLeader() const;
  static Refusal ShuttingDown();
  static consensus::Instant Now();

  const ReplicaOptions options_;
  const ReplicaEnvironment environment_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::steady_timer timer_;
  consensus::Instant timer_deadline_ = consensus::Instant::max();

  consensus::Raft raft_;
  exchange::Exchange exchange_;
  exchange::ApplyResult apply_result_;
  consensus::Index applied_;
  consensus::Term applied_term_;  // of the last entry applied
  std::optional<std::pair<consensus::Index, exchange::Exchange>> decoded_snapshot_;
  exchange::Time last_stamp_ = 0;

  ProposalQueue proposals_;
  std::atomic<uint64_t> waiting_bytes_{0};
  bool pump_scheduled_ = false;
  int writes_under_way_ = 0;
  std::optional<consensus::Snapshot> unsaved_snapshot_;  // until the log up to it is durable
  bool snapshot_under_way_ = false;
  consensus::Instant next_snapshot_{};  // not before, after one that had no space

  uint64_t next_read_ = 1;
  std::map<uint64_t, ReadCallback> reads_;                        // not confirmed yet
  std::multimap<consensus::Index, ReadCallback> reads_to_apply_;  // confirmed, not applied yet

  bool was_leader_ = false;
  consensus::Term observed_term_;
  NodeId observed_leader_;
  struct Transfer {
    TransferCallback callback;
    consensus::Instant deadline;
  };
  std::vector<Transfer> transfers_;

  bool draining_ = false;
  bool drain_transferred_ = false;
  consensus::Instant drain_deadline_{};
  std::function<void()> drained_;

  SymbolDirectory symbols_;
  std::atomic<uint64_t> leader_{0};
  std::atomic<uint64_t> term_{0};
  std::atomic<uint64_t> serving_term_{0};
};

}  // namespace quorumbook::server
