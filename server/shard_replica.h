// A replica of one shard in the daemon: server/replica on a strand, with the node's disk, threads
// and peers.
//
// Everything happens on the replica's strand, one thing at a time, without a lock. Public methods
// may be called from any thread; callbacks come from the strand and must not block. Submit and
// Receive may run the strand before they return: their callers hold no lock.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "quorumbook/v1/cluster.pb.h"
#include "quorumbook/v1/monitoring.pb.h"
#include "server/log_writer.h"
#include "server/market_data_feed.h"
#include "server/name_directory.h"
#include "server/replica/member.h"
#include "server/replica/replica.h"
#include "server/shard_counters.h"
#include "server/strand.h"
#include "storage/store.h"

namespace quorumbook::server {

// What a replica uses of its node; all outlives it.
struct ReplicaEnvironment {
  boost::asio::io_context* io = nullptr;
  boost::asio::thread_pool* background = nullptr;  // stores and reads snapshots
  boost::asio::thread_pool* spare = nullptr;       // makes them, in time that nobody else wants
  // True: the node is stopping, and no snapshot is wanted any more.
  const std::atomic<bool>* stopping = nullptr;
  storage::Store* store = nullptr;
  LogWriter* log_writer = nullptr;
  std::function<void(ShardId, std::vector<consensus::Message>)> send;
  // The replica can not go on: the process must stop.
  std::function<void(const absl::Status&)> fatal;
};

// A configuration in the words of the API.
using Members = google::protobuf::RepeatedPtrField<v1::MemberStatus>;
void AddMembers(const consensus::Configuration& configuration, Members* members);
// The nodes of `members`, in order, each once.
using Nodes = google::protobuf::RepeatedField<uint32_t>;
void AddNodes(const std::vector<NodeId>& members, Nodes* nodes);

// Commands on their way to the strand, a replica; beyond it the answer is kBusy.
inline constexpr uint64_t kMaxInboxBytes = uint64_t{32} << 20;
// With more unanswered commands than this, a replica is crowded, and streams that bring commands
// are held back to one batch each: with few streams what is let in has an answer soon (some 45,000
// orders, an eighth of a second of what a machine of two cores executes). Larger than what a
// healthy cluster has on its way. Calls by themselves are not held back; kMaxInboxBytes bounds all.
inline constexpr uint64_t kCrowdedBytes = uint64_t{2} << 20;

class ShardReplica : public std::enable_shared_from_this<ShardReplica>, private ReplicaHost {
 public:
  // Loads what is durable. Errors: the store's.
  static absl::StatusOr<std::shared_ptr<ShardReplica>> Open(const ReplicaOptions& options,
                                                            const ReplicaEnvironment& environment);

  void Start();
  // After the threads of the node have ended: nothing happens any more.
  void Close() { strand_->Close(); }

  // As the methods of Replica.
  void Submit(std::string group, uint64_t term, GroupCallback callback);
  void Receive(std::vector<consensus::Message> messages);
  using ReadCallback = Replica::ReadCallback;
  void Read(bool stale_ok, ReadCallback callback);
  using TransferCallback = Replica::TransferCallback;
  void TransferLeadership(NodeId target, TransferCallback callback);
  void SetConnected(std::vector<NodeId> members);
  void PeerLost(NodeId member);
  void ForgedSender(NodeId node);
  void SetClockTrusted(bool trusted);
  void ChangeMember(NodeId node, bool member, Membership::Callback callback);
  void Drain(std::function<void()> callback);

  // As the methods of MarketDataFeed, whose state is this replica's as applied.
  void Subscribe(v1::SubscribeRequest request, std::shared_ptr<MarketDataSubscriber> subscriber);
  void Refresh(std::shared_ptr<MarketDataSubscriber> subscriber);
  void Unsubscribe(std::shared_ptr<MarketDataSubscriber> subscriber);

  // A subscriber was cut for being slow; may be called from within it.
  void SubscriberCut() { cut_.fetch_add(1, std::memory_order_relaxed); }

  void GetStatus(bool digests, std::function<void(v1::ReplicaStatus)> callback);
  // All that is counted and measured here, status without digests included.
  void Sample(std::function<void(v1::ReplicaSample)> callback);

  ShardId shard() const { return options_.shard; }
  const NameDirectory& names() const { return names_; }
  bool crowded() const {
    return inbox_bytes_.load(std::memory_order_relaxed) +
               unanswered_bytes_.load(std::memory_order_relaxed) >
           kCrowdedBytes;
  }
  // Leadership, as of now; the node, not the member.
  NodeId leader() const { return NodeOf(NodeId(leader_.load(std::memory_order_relaxed))); }
  uint64_t term() const { return term_.load(std::memory_order_relaxed); }
  // names() knows every symbol and asset whose addition was acknowledged before this was set.
  uint64_t serving_term() const { return serving_term_.load(std::memory_order_acquire); }

 private:
  ShardReplica(const ReplicaOptions& options, const ReplicaEnvironment& environment,
               consensus::RestoredState restored);

  // Both call `use` with the replica on the strand, then arm the timer; Run may do so before it
  // returns (see Strand).
  template <typename Use>
  void Run(Use use);
  template <typename Use>
  void Post(Use use);
  template <typename Use>
  Strand::Task MakeTask(Use use);
  void ArmTimer();
  v1::ReplicaStatus MakeStatus(bool digests) const;
  // On the background thread.
  void StoreSnapshot(absl::StatusOr<MadeSnapshot> made);

  // ReplicaHost: called on the strand.
  consensus::Instant Now() override;
  exchange::Time WallClock() override;
  void Write(consensus::Persist persist) override;
  void SaveSnapshot(SnapshotRecipe recipe) override;
  void DecodeSnapshot(std::shared_ptr<const std::string> bytes) override;
  void Discard(std::shared_ptr<const void> spent) override;
  bool DiskFull() override { return environment_.log_writer->disk_full(); }
  void Send(std::vector<consensus::Message> messages) override;
  void PumpSoon() override;
  void SymbolKnown(const exchange::SymbolInfo& symbol) override;
  void Restored(const exchange::Exchange& exchange) override;
  void Observe(const consensus::Output& output) override;
  void Applied(const consensus::Entry& entry, const exchange::ApplyResult& result) override;
  void LeadershipChanged(const Leadership& leadership) override;
  void Report(const consensus::Evidence& evidence) override;
  void Log(LogLevel level, std::string_view line) override;
  void Fatal(const absl::Status& status) override { environment_.fatal(status); }

  const ReplicaOptions options_;
  const ReplicaEnvironment environment_;
  const std::shared_ptr<Strand> strand_;
  boost::asio::steady_timer timer_;
  consensus::Instant timer_deadline_ = consensus::Instant::max();
  Replica replica_;      // used on the strand alone
  MarketDataFeed feed_;  // likewise, and so on:
  ShardCounters counters_;
  CommitTimer commit_timer_;
  consensus::Role counted_role_ = consensus::Role::kFollower;
  consensus::Index counted_after_;  // up to here an earlier process executed, and counted
  consensus::Term led_term_;        // the last in which a leader was known

  std::atomic<uint64_t> inbox_bytes_{0};
  std::atomic<uint64_t> inbox_refused_{0};     // groups, because of kMaxInboxBytes
  std::atomic<uint64_t> unanswered_bytes_{0};  // of replica_
  std::atomic<uint64_t> cut_{0};
  NameDirectory names_;
  std::atomic<uint64_t> leader_{0};
  std::atomic<uint64_t> term_{0};
  std::atomic<uint64_t> serving_term_{0};
};

}  // namespace quorumbook::server
