#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "common/digest.h"
#include "exchange/snapshot.h"
#include "tests/sim/describe.h"
#include "tests/sim/node.h"

namespace quorumbook::sim {
namespace {

constexpr SimTime kNever = std::numeric_limits<SimTime>::max();
// An alarm that is further away is none.
constexpr SimTime kFarAway = 24 * kHour;
constexpr uint64_t kMaxDecodeTime = 50'000'000;  // nanoseconds

std::string_view NameOf(consensus::Role role) {
  constexpr std::string_view kNames[] = {"follower", "pre-candidate", "candidate", "leader"};
  return kNames[static_cast<size_t>(role)];
}

// As if nothing in a snapshot were checked: the exchange would notice what the store let pass.
void CorrectChecksum(consensus::Snapshot* snapshot) {
  std::string data = *snapshot->data;
  if (data.size() < exchange::kSnapshotHeaderBytes) return;
  const uint64_t checksum =
      Checksum64(std::string_view(data).substr(exchange::kSnapshotHeaderBytes));
  std::memcpy(data.data() + sizeof(exchange::kSnapshotMagic), &checksum, sizeof(checksum));
  snapshot->data = std::make_shared<const std::string>(std::move(data));
}

}  // namespace

HostedReplica::HostedReplica(Node* node, ShardId shard, ShardChecks* checks)
    : node_(*node), shard_(shard), checks_(*checks), alarm_at_(kNever) {}

absl::Status HostedReplica::Start() {
  absl::StatusOr<consensus::RestoredState> restored = node_.store_->Load(shard_);
  if (!restored.ok()) return restored.status();
  checks_.durable(node_.member_).Restore(*restored);
  const Scenario& scenario = node_.context_.scenario;
  if (scenario.store_mutant == StoreMutant::kRottenSnapshotRead && restored->snapshot) {
    CorrectChecksum(&*restored->snapshot);
  }
  server::ReplicaOptions options;
  options.shard = shard_;
  options.snapshot_log_bytes = scenario.snapshot_log_bytes;
  consensus::Options& raft = options.raft;
  raft.id = node_.member_;
  if (!node_.founders_.empty()) {
    raft.configuration = consensus::MakeConfiguration(node_.founders_);
  }
  raft.election_timeout_min = scenario.election_timeout_min;
  raft.election_timeout_max = scenario.election_timeout_max;
  raft.heartbeat_interval = scenario.heartbeat_interval;
  raft.quiesce_after = scenario.quiesce_after;
  raft.lease_reads = scenario.lease_reads;
  raft.priority = scenario.priorities
                      ? static_cast<uint32_t>(node_.number_) % (consensus::kPriorityMax + 1)
                      : consensus::kPriorityMax;
  raft.digest_interval = scenario.digest_interval;
  raft.keep_log_bytes = scenario.keep_log_bytes;
  raft.snapshot_chunk_bytes = scenario.snapshot_chunk_bytes;
  raft.snapshot_window_bytes = scenario.snapshot_window_bytes;
  raft.snapshot_bytes_per_second = scenario.snapshot_bytes_per_second;
  raft.transfer_log_bytes = scenario.transfer_log_bytes;
  raft.max_append_bytes = scenario.max_append_bytes;
  raft.max_inflight_messages = scenario.max_inflight_messages;
  raft.max_inflight_bytes = scenario.max_inflight_bytes;
  raft.max_uncommitted_bytes = scenario.max_uncommitted_bytes;
  raft.seed = node_.random_.Next();
  raft.mutant = scenario.mutant;
  options.mutant =
      node_.planted_ != ReplicaMutant::kNone ? node_.planted_ : scenario.replica_mutant;
  replica_.emplace(options, *std::move(restored), static_cast<server::ReplicaHost*>(this));
  Call([](server::Replica& replica) { replica.Start(); });
  return absl::OkStatus();
}

bool HostedReplica::CanRun() const { return !node_.paused() && !stopped_; }

NodeId HostedReplica::member() const { return node_.member_; }

const consensus::Configuration& HostedReplica::configuration() const {
  return replica_->raft().configuration();
}

void HostedReplica::Call(Use use) {
  if (stopped_) return;
  if (!node_.paused()) return Run(use);
  node_.Deferred();
  node_.At(node_.paused_until_, [this, use = std::move(use)]() mutable { Call(std::move(use)); });
}

void HostedReplica::Run(Use& use) {
  use(*replica_);
  if (!stopped_) ArmAlarm();
}

void HostedReplica::ArmAlarm() {
  const consensus::Instant deadline = replica_->deadline();
  if (deadline - Now() > consensus::Duration(kFarAway)) return;
  const SimTime at = node_.clock_.TrueTime(deadline);
  // An earlier alarm does no harm: the next one is set when it is over.
  if (at >= alarm_at_) return;
  alarm_at_ = at;
  node_.At(at, [this, at] {
    if (at != alarm_at_ || stopped_) return;  // another one was set
    alarm_at_ = kNever;
    if (replica_->deadline() <= Now()) replica_->OnAlarm();
    if (!stopped_) ArmAlarm();
  });
}

void HostedReplica::Line(std::string_view line) const {
  if (!node_.context_.trace.verbose()) return;
  node_.context_.trace.Line(
      node_.context_.queue.now(),
      absl::StrCat("node ", node_.number_, " shard ", shard_.value(), " ", std::string(line)));
}

consensus::Instant HostedReplica::Now() {
  node_.ClockRead();
  return node_.clock_.Steady(node_.context_.queue.now());
}

exchange::Time HostedReplica::WallClock() {
  node_.ClockRead();
  return node_.clock_.Wall(node_.context_.queue.now());
}

void HostedReplica::Write(consensus::Persist persist) {
  if (persist.snapshot) node_.world_.WritesSnapshot(node_);
  node_.writer_->Write({shard_, std::move(persist)}, [this](const DurableChange& change) {
    // The disk goes on while the process is paused.
    checks_.durable(node_.member_).Apply(change);
    Call([sequence = change.sequence](server::Replica& replica) { replica.OnPersisted(sequence); });
  });
}

void HostedReplica::SaveSnapshot(server::SnapshotRecipe recipe) {
  absl::StatusOr<server::MadeSnapshot> made = recipe.Make();
  if (!made.ok()) {
    node_.At(node_.context_.queue.now(), [this, made = std::move(made)] {
      Call([made](server::Replica& replica) { replica.OnSnapshotSaved(made); });
    });
    return;
  }
  const consensus::Snapshot copy = made->snapshot;
  node_.writer_->SaveSnapshot(shard_, copy,
                              [this, made = *std::move(made)](const absl::Status& status) {
                                if (status.ok())
                                  checks_.durable(node_.member_).SaveSnapshot(made.snapshot.meta);
                                Call([status, made](server::Replica& replica) {
                                  if (status.ok()) {
                                    replica.OnSnapshotSaved(made);
                                  } else {
                                    replica.OnSnapshotSaved(status);
                                  }
                                });
                              });
}

void HostedReplica::DecodeSnapshot(std::shared_ptr<const std::string> bytes) {
  const auto takes = static_cast<SimTime>(node_.random_.Below(kMaxDecodeTime));
  node_.At(node_.context_.queue.now() + takes, [this, bytes = std::move(bytes)] {
    Call([bytes](server::Replica& replica) {
      replica.OnSnapshotDecoded(exchange::Exchange::RestoreReceived(*bytes));
    });
  });
}

bool HostedReplica::DiskFull() { return node_.writer_->disk_full(); }

void HostedReplica::Send(std::vector<consensus::Message> messages) {
  node_.world_.Send(node_, shard_, std::move(messages));
}

void HostedReplica::PumpSoon() {
  node_.At(node_.context_.queue.now(),
           [this] { Call([](server::Replica& replica) { replica.Pump(); }); });
}

void HostedReplica::LeadershipChanged(const server::Leadership& leadership) {
  leadership_ = leadership;
  node_.world_.LeadershipChanged(node_, shard_, leadership);
}

void HostedReplica::Observe(const consensus::Output& output) {
  const consensus::Raft& raft = replica_->raft();
  node_.context_.trace.Note(
      static_cast<uint64_t>(node_.number_) << 8 | shard_.value() |
          static_cast<uint64_t>(node_.context_.queue.now()) << 16,
      raft.term().value() << 40 ^ raft.commit().value() << 8 ^ output.messages.size());
  for (const consensus::Message& message : output.messages) {
    node_.context_.trace.Note(message.to.value(), message.term.value() << 8 | message.body.index());
  }
  for (const consensus::Entry& entry : output.committed) {
    node_.context_.trace.Note(entry.chain.low, entry.chain.high);
  }
  checks_.Observe(node_.member_, raft, output);
  if (output.configuration) {
    checks_.SetMembers(node_.member_, {*output.configuration, raft.status().configuration_index});
  }
  if (output.restore && observed_) node_.context_.fired.Add(Fault::kSnapshotUnderLoad);
  observed_ = true;
  node_.world_.Stepped();
  if (!node_.context_.trace.verbose()) return;
  std::string line =
      absl::StrCat(NameOf(raft.role()).data(), " term ", raft.term().value(), " commit ",
                   raft.commit().value(), " applied ", replica_->applied().value());
  if (output.persist) {
    absl::StrAppend(&line, " | writes ", output.persist->entries.size(), " entries");
    if (output.persist->snapshot) absl::StrAppend(&line, ", a snapshot");
  }
  if (!output.messages.empty()) absl::StrAppend(&line, " | ", Describe(output.messages));
  if (output.configuration) {
    absl::StrAppend(&line, " | members ", Describe(*output.configuration));
  }
  if (output.restore) absl::StrAppend(&line, " | restores ", output.restore->meta.index.value());
  if (!output.committed.empty()) {
    absl::StrAppend(&line, " | applies to ", output.committed.back().index.value());
  }
  Line(line);
}

void HostedReplica::Applied(const consensus::Entry& entry, const exchange::ApplyResult& result) {
  answering_ = entry.index;
  checks_.Applied(node_.member_, entry, result, replica_->exchange());
}

void HostedReplica::Report(const consensus::Evidence& evidence) {
  node_.world_.Evidence(node_, shard_, evidence);
}

void HostedReplica::Log(server::LogLevel, std::string_view line) { Line(line); }

void HostedReplica::Fatal(const absl::Status& status) {
  Line(std::string(status.message()));
  stopped_ = true;
  if (absl::IsDataLoss(status)) node_.disk_->MarkDamaged();
  node_.End(Node::Loss::kNothing);
}

}  // namespace quorumbook::sim
