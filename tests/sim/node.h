// One node: a process with replicas, a disk and clocks, which crashes and comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/replica/replica.h"
#include "storage/simulated_store.h"
#include "tests/sim/clock.h"
#include "tests/sim/context.h"
#include "tests/sim/disk_writer.h"
#include "tests/sim/shard_checks.h"

namespace quorumbook::sim {

class Node;

// A replica and all that the simulator gives it. Lives as long as the process.
class HostedReplica : private server::ReplicaHost {
 public:
  HostedReplica(Node* node, ShardId shard, ShardChecks* checks);

  // Errors: those of the disk.
  absl::Status Start();

  // Calls `use` with the replica, as an event of its own. Deferred while the node is paused; not at
  // all when the process has ended by then.
  using Use = absl::AnyInvocable<void(server::Replica&)>;
  void Call(Use use);
  // At once, if the process is able to.
  bool CanRun() const;

  bool started() const { return replica_.has_value(); }
  const server::Replica& replica() const { return *replica_; }
  const server::Leadership& leadership() const { return leadership_; }
  bool leads() const { return replica_->raft().role() == consensus::Role::kLeader; }
  NodeId member() const;
  // Whose majority a commit needs now.
  const consensus::Configuration& configuration() const;
  ShardChecks& checks() { return checks_; }
  // The entry whose result is being answered.
  consensus::Index answering() const { return answering_; }

 private:
  void Run(Use& use);
  void ArmAlarm();
  void Line(std::string_view line) const;

  // ReplicaHost.
  consensus::Instant Now() override;
  exchange::Time WallClock() override;
  void Write(consensus::Persist persist) override;
  void SaveSnapshot(server::SnapshotRecipe recipe) override;
  void DecodeSnapshot(std::shared_ptr<const std::string> bytes) override;
  bool DiskFull() override;
  void Send(std::vector<consensus::Message> messages) override;
  void PumpSoon() override;
  void SymbolKnown(const exchange::SymbolInfo&) override {}
  void LeadershipChanged(const server::Leadership& leadership) override;
  void Observe(const consensus::Output& output) override;
  void Applied(const consensus::Entry& entry, const exchange::ApplyResult& result) override;
  void Report(const consensus::Evidence& evidence) override;
  void Log(server::LogLevel level, std::string_view line) override;
  void Fatal(const absl::Status& status) override;

  Node& node_;
  const ShardId shard_;
  ShardChecks& checks_;
  std::optional<server::Replica> replica_;
  server::Leadership leadership_;
  consensus::Index answering_;
  bool observed_ = false;  // the first Output, which restores what the disk had
  bool stopped_ = false;   // Fatal was called
  SimTime alarm_at_;
};

// What nodes do to each other and to the rest of the simulation.
class NodeWorld {
 public:
  virtual ~NodeWorld() = default;
  virtual void Send(Node& from, ShardId shard, std::vector<consensus::Message> messages) = 0;
  virtual void LeadershipChanged(Node& node, ShardId shard,
                                 const server::Leadership& leadership) = 0;
  // A replica of `node` has got further, and is about to do what its core asks for: not to be
  // called before that is done.
  virtual void Stepped() = 0;
  // `node` begins to write a snapshot that it received; not to be called before that is done.
  virtual void WritesSnapshot(Node& node) = 0;
  virtual void Evidence(Node& node, ShardId shard, const consensus::Evidence& evidence) = 0;
  virtual ShardChecks& checks(ShardId shard) = 0;
  // The process of `node` has ended by itself.
  virtual void Died(Node& node) = 0;
};

class Node {
 public:
  Node(int number, Context* context, NodeWorld* world);

  // What a crash leaves of the writes that were not durable.
  enum class Loss : uint8_t { kNothing, kAll, kSome, kTorn };

  // Errors: those of opening the store and reading it; the node does not start then.
  absl::Status Start();
  void Crash(Loss loss);
  // The disk is replaced by an empty one: the node is a new member from now on. REQUIRES: not up.
  void Wipe();
  // An older copy of the disk is put back. REQUIRES: not up, and the disk was not replaced since.
  void PutBack(const storage::SimulatedDisk::Copy& copy) { disk_->PutBack(copy); }
  // Tells the replicas who is connected (and has not been), and who is no more.
  void SetConnected(const std::vector<NodeId>& members);
  // The steady clock leaps, and the replicas are told that it may have. REQUIRES: up, not paused.
  void JumpSteadyClock(SimTime by);
  void PauseUntil(SimTime until);
  // A fault of its clocks, which counts when a replica next looks at one.
  void ClockFault(Fault fault) { clock_faults_.push_back(fault); }

  int number() const { return number_; }
  NodeId member() const { return member_; }
  bool up() const { return !replicas_.empty(); }
  // Counts processes.
  uint64_t life() const { return life_; }
  bool paused() const { return paused_until_ > context_.queue.now(); }
  // Null: not up, or only just starting.
  HostedReplica* replica(ShardId shard) {
    HostedReplica* const hosted = up() ? replicas_[shard.value() - 1].get() : nullptr;
    return hosted != nullptr && hosted->started() ? hosted : nullptr;
  }
  bool Leads(ShardId shard) { return replica(shard) != nullptr && replica(shard)->leads(); }

  storage::SimulatedDisk& disk() { return *disk_; }
  Device& device() { return device_; }
  // Whether a write waits for space.
  bool disk_full() const { return writer_ != nullptr && writer_->disk_full(); }
  NodeClock& clock() { return clock_; }
  const std::vector<NodeId>& founders() const { return founders_; }
  // A bug in this node alone, until its disk is replaced.
  void Plant(ReplicaMutant mutant) { planted_ = mutant; }
  void SetFounders(std::vector<NodeId> founders) { founders_ = std::move(founders); }

 private:
  friend class HostedReplica;

  // Calls back at `time`, later if paused then, and not if the process ends before.
  void At(SimTime time, absl::AnyInvocable<void()> action);
  // Something has to wait until the process goes on.
  void Deferred();
  void ClockRead();
  void End(Loss loss);
  // The replicas are told that the steady clock runs evenly, after they have watched it for a
  // while.
  void TrustClockSoon();

  const int number_;
  Context& context_;
  NodeWorld& world_;
  Random random_;
  NodeId member_;
  std::vector<NodeId> founders_;
  ReplicaMutant planted_ = ReplicaMutant::kNone;
  NodeClock clock_;
  Device device_;
  std::unique_ptr<storage::SimulatedDisk> disk_;
  uint64_t life_ = 0;
  SimTime paused_until_ = 0;
  bool pause_counted_ = false;
  std::vector<Fault> clock_faults_;
  // Of the process that runs.
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<DiskWriter> writer_;
  std::vector<NodeId> connected_;
  std::vector<std::unique_ptr<HostedReplica>> replicas_;
};

}  // namespace quorumbook::sim
