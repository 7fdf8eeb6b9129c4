#include "server/shard_replica.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "common/check.h"

namespace quorumbook::server {
namespace {

using consensus::Entry;
using consensus::EntryType;
using consensus::Index;
using consensus::Instant;
using consensus::ProposeResult;
using consensus::Role;

// Two: while one write syncs the next one is on its way, and what arrives meanwhile forms the one
// after that. More would cut batches smaller for nothing.
constexpr int kMaxWritesUnderWay = 2;
constexpr uint64_t kMaxEntryBytes = uint64_t{1} << 20;
// A replica whose log grows this many times beyond the snapshot size takes no more commands.
constexpr uint64_t kLogBytesLimitFactor = 4;
constexpr std::chrono::milliseconds kDrainPoll{20};
constexpr std::chrono::seconds kSnapshotRetry{5};

const char* EvidenceName(consensus::Evidence::Kind kind) {
  using Kind = consensus::Evidence::Kind;
  switch (kind) {
    case Kind::kTwoLeadersInTerm:
      return "two leaders in one term";
    case Kind::kDoubleVote:
      return "a vote given twice";
    case Kind::kCorruptEntry:
      return "a corrupt log entry";
    case Kind::kDivergedLog:
      return "a diverged log";
    case Kind::kCommitRegressed:
      return "entries that conflict with committed ones";
    case Kind::kCorruptSnapshot:
      return "a corrupt snapshot chunk";
  }
  return "unknown evidence";
}

exchange::Time WallClock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

v1::ReplicaStatus::Role ToProto(Role role) {
  switch (role) {
    case Role::kFollower:
      return v1::ReplicaStatus::FOLLOWER;
    case Role::kPreCandidate:
      return v1::ReplicaStatus::PRE_CANDIDATE;
    case Role::kCandidate:
      return v1::ReplicaStatus::CANDIDATE;
    case Role::kLeader:
      return v1::ReplicaStatus::LEADER;
  }
  return v1::ReplicaStatus::ROLE_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<std::shared_ptr<ShardReplica>> ShardReplica::Open(
    const ReplicaOptions& options, const ReplicaEnvironment& environment) {
  absl::StatusOr<consensus::RestoredState> restored = environment.store->Load(options.shard);
  if (!restored.ok()) return restored.status();
  // make_shared can not reach the private constructor.
  return std::shared_ptr<ShardReplica>(
      new ShardReplica(options, environment, *std::move(restored)));
}

ShardReplica::ShardReplica(const ReplicaOptions& options, const ReplicaEnvironment& environment,
                           consensus::RestoredState restored)
    : options_(options),
      environment_(environment),
      strand_(boost::asio::make_strand(*environment.io)),
      timer_(strand_),
      raft_(options.raft, std::move(restored), Now()) {}

void ShardReplica::Start() {
  boost::asio::post(strand_, [self = shared_from_this()] {
    self->ProcessOutput();  // restores the snapshot, applies what is known to be committed
  });
}

Instant ShardReplica::Now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// Commands.

void ShardReplica::Submit(std::string group, uint64_t term, GroupCallback callback) {
  const uint64_t bytes = group.size();
  if (waiting_bytes_.fetch_add(bytes) + bytes > kMaxWaitingBytes) {
    waiting_bytes_.fetch_sub(bytes);
    const Refusal busy{v1::ErrorDetail::BUSY, "too many commands are waiting", NodeId(),
                       kRetryAfterMs};
    callback({&busy, nullptr, nullptr});
    return;
  }
  boost::asio::post(
      strand_, [self = shared_from_this(),
                waiting = WaitingGroup{std::move(group), term, std::move(callback)}]() mutable {
        self->OnSubmit(std::move(waiting));
      });
}

void ShardReplica::OnSubmit(WaitingGroup group) {
  Refusal refusal;
  if (draining_) {
    refusal = ShuttingDown();
  } else if (raft_.role() != Role::kLeader) {
    refusal = NotLeader();
  } else if (group.term != serving_term()) {
    refusal = {v1::ErrorDetail::BUSY, "this node has only just become the leader", NodeId(),
               kRetryAfterMs};
  } else if (environment_.log_writer->disk_full()) {
    refusal = {v1::ErrorDetail::DISK_FULL, "the disk of this node is full", NodeId(), 500};
  } else if (raft_.log_bytes() > kLogBytesLimitFactor * options_.snapshot_log_bytes) {
    refusal = {v1::ErrorDetail::BUSY, "the log waits for a snapshot", NodeId(), kRetryAfterMs};
  }
  if (refusal.code != v1::ErrorDetail::CODE_UNSPECIFIED) {
    waiting_bytes_.fetch_sub(group.bytes.size());
    group.callback({&refusal, nullptr, nullptr});
    return;
  }
  proposals_.Add(std::move(group));
  SchedulePump();
}

// Posted rather than called, so that everything that is queued on the strand by now is packed too.
void ShardReplica::SchedulePump() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  boost::asio::post(strand_, [self = shared_from_this()] {
    self->pump_scheduled_ = false;
    self->Pump();
    self->ProcessOutput();
  });
}

void ShardReplica::Pump() {
  while (proposals_.HasWaiting() && writes_under_way_ < kMaxWritesUnderWay) {
    const exchange::Time time = std::max({WallClock(), last_stamp_, exchange_.time()});
    ProposalQueue::Packed packed = proposals_.Pack(time, kMaxEntryBytes);
    consensus::Index index;
    consensus::Term term;
    const ProposeResult result = raft_.Propose(std::move(packed.payload), Now(), &index, &term);
    if (result == ProposeResult::kBusy) return;  // goes on when something is committed
    if (result != ProposeResult::kAccepted) return RefuseWaiting(NotLeader());
    waiting_bytes_.fetch_sub(packed.group_bytes);
    last_stamp_ = time;
    proposals_.Proposed(packed.groups, index, term);
    ProcessOutput();  // starts the write, which counts against the limit above
  }
}

void ShardReplica::RefuseWaiting(const Refusal& refusal) {
  waiting_bytes_.fetch_sub(proposals_.waiting_bytes());
  proposals_.FailWaiting(refusal);
}

// What the core asks for.

void ShardReplica::Receive(std::vector<consensus::Message> messages) {
  boost::asio::post(strand_, [self = shared_from_this(), messages = std::move(messages)]() mutable {
    for (consensus::Message& message : messages) self->raft_.Step(std::move(message), Now());
    self->ProcessOutput();
  });
}

void ShardReplica::ProcessOutput() {
  while (true) {
    consensus::Output output = raft_.TakeOutput();
    if (output.empty()) break;
    if (output.persist) StartWrite(*std::move(output.persist));
    if (!output.messages.empty()) environment_.send(options_.shard, std::move(output.messages));
    if (output.restore) RestoreStateMachine(*output.restore);
    for (const Entry& entry : output.committed) Apply(entry);
    for (const consensus::ReadReady& read : output.reads) {
      auto it = reads_.find(read.id);
      if (it == reads_.end()) continue;
      reads_to_apply_.emplace(read.index, std::move(it->second));
      reads_.erase(it);
    }
    AnswerReads();
    FailReads(output.reads_failed);
    Report(output.evidence);
    if (!output.committed.empty() && proposals_.HasWaiting()) SchedulePump();
  }
  ObserveLeadership();
  MaybeTakeSnapshot();
  ContinueDraining();
  ArmTimer();
}

void ShardReplica::StartWrite(consensus::Persist persist) {
  const uint64_t sequence = persist.sequence;
  if (persist.snapshot && !DecodeSnapshot(*persist.snapshot)) return;
  ++writes_under_way_;
  environment_.log_writer->Write({options_.shard, std::move(persist)},
                                 [self = shared_from_this(), sequence] {
                                   boost::asio::post(self->strand_, [self, sequence] {
                                     --self->writes_under_way_;
                                     self->raft_.OnPersisted(sequence, Now());
                                     if (self->proposals_.HasWaiting()) self->SchedulePump();
                                     self->ProcessOutput();
                                   });
                                 });
}

// Before a received snapshot takes the place of the log on the disk: one that can not be read must
// not. False: the process is stopping.
bool ShardReplica::DecodeSnapshot(const consensus::Snapshot& snapshot) {
  absl::StatusOr<exchange::Exchange> decoded = exchange::Exchange::Restore(*snapshot.data);
  if (!decoded.ok()) {
    environment_.fatal(decoded.status());
    return false;
  }
  decoded_snapshot_.emplace(snapshot.meta.index, *std::move(decoded));
  return true;
}

void ShardReplica::RestoreStateMachine(const consensus::Snapshot& snapshot) {
  const bool decoded = decoded_snapshot_ && decoded_snapshot_->first == snapshot.meta.index;
  if (!decoded && !DecodeSnapshot(snapshot)) return;
  exchange_ = std::move(decoded_snapshot_->second);
  decoded_snapshot_.reset();
  unsaved_snapshot_.reset();
  applied_ = snapshot.meta.index;
  for (const exchange::SymbolInfo& symbol : exchange_.Symbols()) {
    symbols_.Add(symbol.name, symbol.id);
  }
  spdlog::info("shard {}: state restored from the snapshot at index {}", options_.shard.value(),
               applied_.value());
}

void ShardReplica::Apply(const Entry& entry) {
  QB_CHECK(entry.index == applied_.Next());
  applied_ = entry.index;
  applied_term_ = entry.term;
  UpdateServingTerm();
  if (entry.type != EntryType::kCommand) return;
  const absl::Status status = exchange_.Apply(entry.bytes(), &apply_result_);
  if (!status.ok()) {  // the same on every replica: it has no effect on any
    spdlog::error("shard {}: entry {} is no batch: {}", options_.shard.value(), entry.index.value(),
                  std::string(status.message()));
    apply_result_.Clear();
  }
  for (const exchange::Event& event : apply_result_.events) {
    if (event.type != exchange::EventType::kSymbolAdded) continue;
    const exchange::SymbolInfo* symbol = exchange_.FindSymbol(event.symbol);
    if (symbol != nullptr) symbols_.Add(symbol->name, symbol->id);
  }
  proposals_.Applied(entry.index, entry.term, apply_result_);
}

void ShardReplica::Report(const std::vector<consensus::Evidence>& evidence) {
  for (const consensus::Evidence& item : evidence) {
    spdlog::error("shard {}: evidence of {} by node {} in term {} at index {}",
                  options_.shard.value(), EvidenceName(item.kind), item.culprit.value(),
                  item.term.value(), item.index.value());
  }
}

void ShardReplica::ArmTimer() {
  Instant deadline = raft_.deadline();
  if (draining_ && drained_) deadline = std::min(deadline, Now() + kDrainPoll);
  for (const Transfer& transfer : transfers_) deadline = std::min(deadline, transfer.deadline);
  // An earlier alarm that is set already does no harm: Tick then finds nothing to do.
  if (deadline >= timer_deadline_) return;
  timer_deadline_ = deadline;
  timer_.expires_at(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(deadline)));
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error) return;  // set anew
    self->timer_deadline_ = Instant::max();
    self->raft_.Tick(Now());
    self->ProcessOutput();
  });
}

// Reads.

void ShardReplica::Read(bool stale_ok, ReadCallback callback) {
  boost::asio::post(
      strand_, [self = shared_from_this(), stale_ok, callback = std::move(callback)]() mutable {
        if (stale_ok) {
          callback(nullptr, self->exchange_);
          return;
        }
        if (self->draining_) {
          const Refusal refusal = ShuttingDown();
          callback(&refusal, self->exchange_);
          return;
        }
        if (self->reads_.size() + self->reads_to_apply_.size() >= kMaxReads) {
          const Refusal busy{v1::ErrorDetail::BUSY, "too many reads are under way", NodeId(),
                             kRetryAfterMs};
          callback(&busy, self->exchange_);
          return;
        }
        const uint64_t id = self->next_read_++;
        if (!self->raft_.ReadIndex(id, Now())) {
          const Refusal refusal = self->NotLeader();
          callback(&refusal, self->exchange_);
          return;
        }
        self->reads_.emplace(id, std::move(callback));
        self->ProcessOutput();
      });
}

void ShardReplica::AnswerReads() {
  while (!reads_to_apply_.empty() && reads_to_apply_.begin()->first <= applied_) {
    const ReadCallback callback = std::move(reads_to_apply_.begin()->second);
    reads_to_apply_.erase(reads_to_apply_.begin());
    callback(nullptr, exchange_);
  }
}

void ShardReplica::FailReads(const std::vector<uint64_t>& ids) {
  for (const uint64_t id : ids) {
    auto it = reads_.find(id);
    if (it == reads_.end()) continue;
    const ReadCallback callback = std::move(it->second);
    reads_.erase(it);
    const Refusal refusal = NotLeader();
    callback(&refusal, exchange_);
  }
}

void ShardReplica::GetStatus(bool digests, std::function<void(v1::ReplicaStatus)> callback) {
  boost::asio::post(strand_, [self = shared_from_this(), digests, callback = std::move(callback)] {
    callback(self->MakeStatus(digests));
  });
}

v1::ReplicaStatus ShardReplica::MakeStatus(bool digests) const {
  const consensus::RaftStatus raft = raft_.status();
  v1::ReplicaStatus status;
  status.set_shard(static_cast<uint32_t>(options_.shard.value()));
  status.set_role(ToProto(raft.role));
  status.set_term(raft.term.value());
  status.set_leader_id(static_cast<uint32_t>(raft.leader.value()));
  status.set_commit_index(raft.commit.value());
  status.set_applied_index(applied_.value());
  status.set_first_index(raft.first.value());
  status.set_last_index(raft.last.value());
  status.set_snapshot_index(raft.snapshot.index.value());
  status.set_log_bytes(raft.log_bytes);
  status.set_event_sequence(exchange_.last_sequence());
  status.set_open_orders(exchange_.open_orders());
  status.set_sessions(exchange_.sessions());
  if (digests) {
    status.set_state_digest(exchange_.StateDigest().ToHex());
    status.set_market_digest(exchange_.MarketDigest().ToHex());
  }
  for (const consensus::PeerProgress& peer : raft.peers) {
    v1::PeerStatus* out = status.add_peers();
    out->set_node_id(static_cast<uint32_t>(peer.id.value()));
    out->set_match_index(peer.match.value());
    out->set_active(peer.active);
  }
  return status;
}

// Snapshots.

void ShardReplica::MaybeTakeSnapshot() {
  if (unsaved_snapshot_) return SaveSnapshotWhenDurable();
  if (snapshot_under_way_ || raft_.log_bytes() <= options_.snapshot_log_bytes) return;
  if (Now() < next_snapshot_) return;
  const std::optional<consensus::SnapshotMeta> meta = raft_.EntryMeta(applied_);
  if (!meta || meta->index <= raft_.status().snapshot.index) return;
  unsaved_snapshot_ = {*meta, std::make_shared<const std::string>(exchange_.Snapshot())};
  SaveSnapshotWhenDurable();
}

// What is committed may be applied before the own disk has it; a snapshot that is ahead of the log
// beside it would look like damage after a crash.
void ShardReplica::SaveSnapshotWhenDurable() {
  if (raft_.status().durable < unsaved_snapshot_->meta.index) return;
  snapshot_under_way_ = true;
  consensus::Snapshot snapshot = *std::exchange(unsaved_snapshot_, std::nullopt);
  boost::asio::post(*environment_.background, [self = shared_from_this(),
                                               snapshot = std::move(snapshot)]() mutable {
    const absl::Status status =
        self->environment_.store->SaveSnapshot(self->options_.shard, snapshot);
    boost::asio::post(self->strand_, [self, status, snapshot = std::move(snapshot)]() mutable {
      self->OnSnapshotSaved(status, std::move(snapshot));
    });
  });
}

void ShardReplica::OnSnapshotSaved(const absl::Status& status, consensus::Snapshot snapshot) {
  snapshot_under_way_ = false;
  if (status.ok()) {
    spdlog::info("shard {}: snapshot of {} bytes at index {}", options_.shard.value(),
                 snapshot.data->size(), snapshot.meta.index.value());
    raft_.Compact(std::move(snapshot));
    ProcessOutput();
  } else if (absl::IsResourceExhausted(status)) {
    spdlog::error("shard {}: no space for a snapshot: {}", options_.shard.value(),
                  std::string(status.message()));
    next_snapshot_ = Now() + kSnapshotRetry;
  } else {
    environment_.fatal(status);
  }
}

}  // namespace quorumbook::server
