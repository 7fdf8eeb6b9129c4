#include "server/replica/replica.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "common/check.h"
#include "exchange/snapshot.h"
#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

using consensus::Entry;
using consensus::EntryType;
using consensus::ProposeResult;
using consensus::Role;

// What arrives while one write syncs forms the next one. A second write beside it would start
// sooner and hold less: on a busy machine each costs more than it gains (a tenth of the CPU an
// order with 64 clients).
constexpr int kMaxWritesUnderWay = 1;
constexpr uint64_t kMaxEntryBytes = uint64_t{1} << 20;
// For the same reason a small entry waits until the one before it is committed, but no longer than
// this: where peers are far away, entries follow each other on the way.
constexpr uint64_t kSmallEntryBytes = uint64_t{64} << 10;
constexpr std::chrono::milliseconds kProposalSpacing{5};
// Clients that were just answered are likely to send again. So the next small entry waits until as
// many groups are there as were answered or already waited, but no longer than the entry before it
// took, and than this. Otherwise the first who comes back goes alone, and the others wait for it.
constexpr std::chrono::milliseconds kGatherMost{2};
// A replica whose log is larger than that of the next snapshot by so many times the snapshot size
// takes no more commands.
constexpr uint64_t kSpareLogFactor = 3;
// While something is due at some time: how often the wall clock, which may jump, is looked at, and
// how soon a batch that brings the time is proposed again.
constexpr std::chrono::seconds kClockCheck{1};
constexpr std::chrono::milliseconds kTimeRetry{10};
// A network changes bytes now and then past its own checksums, and an older copy of a disk is put
// back once; who does it that often within this time is broken.
constexpr size_t kCorruptionsToFence = 3;
constexpr size_t kForgettingsToFence = 2;
constexpr std::chrono::hours kAccidentsCount{1};
// How often it is told that somebody still speaks in the name of others.
constexpr std::chrono::minutes kForgeryRetold{1};

consensus::Options WithFormat(consensus::Options options) {
  options.state_format = exchange::kSnapshotMagic;
  return options;
}

Refusal Busy(std::string message) {
  return {RefusalCode::kBusy, std::move(message), NodeId(), kRetryAfterMs};
}

}  // namespace

Replica::Replica(const ReplicaOptions& options, consensus::RestoredState restored,
                 ReplicaHost* host)
    : options_(options),
      host_(*host),
      raft_(WithFormat(options.raft), std::move(restored), host->Now()),
      membership_(options.raft.id, &raft_) {}

// Commands.

void Replica::Submit(std::string group, consensus::Term term, GroupCallback callback,
                     std::optional<consensus::Instant> since) {
  const Refusal refusal = WhyNotSubmit(group, term);
  if (refusal.code != RefusalCode::kNone) {
    ++counters_.refused[static_cast<size_t>(refusal.code)];
    callback({&refusal, nullptr, nullptr});
    if (refusal.code == RefusalCode::kDiskFull) HandOver();
    return;
  }
  proposals_.Add({std::move(group), std::move(callback), since.value_or(host_.Now())});
  PumpWhenWaiting();
}

Refusal Replica::WhyNotSubmit(const std::string& group, consensus::Term term) const {
  if (draining_) return ShuttingDown();
  if (raft_.role() != Role::kLeader) return NotLeader();
  if (term != CurrentLeadership().serving_term || term == consensus::Term()) {
    return Busy("this node has only just become the leader");
  }
  if (host_.DiskFull()) {
    return {RefusalCode::kDiskFull, "the disk of this node is full", NodeId(), 500};
  }
  if (raft_.log_bytes() >
      LogBytesOfNextSnapshot() + kSpareLogFactor * options_.snapshot_log_bytes) {
    return Busy("the log waits for a snapshot");
  }
  if (proposals_.waiting_bytes() + group.size() > kMaxWaitingBytes) {
    return Busy("too many commands are waiting");
  }
  return {};
}

void Replica::PumpWhenWaiting() {
  if (pump_asked_ || !proposals_.HasWaiting()) return;
  pump_asked_ = true;
  host_.PumpSoon();
}

void Replica::Pump() {
  pump_asked_ = false;
  Propose();
  ProcessOutput();
}

bool Replica::MayPropose(consensus::Instant now) const {
  if (!proposals_.HasWaiting() || writes_under_way_ >= kMaxWritesUnderWay) return false;
  if (proposals_.waiting_bytes() >= kSmallEntryBytes) return true;
  if (proposals_.HasProposed()) return now >= last_proposal_ + kProposalSpacing;
  return !Gathers(now);
}

bool Replica::Gathers(consensus::Instant now) const {
  return proposals_.waiting() < gathers_ && now < gathers_until_;
}

// After so many groups were answered, and while none is proposed.
void Replica::Gather(size_t answered) {
  const size_t groups = answered + proposals_.waiting();
  gathers_ = groups > 1 ? groups : 0;
  const consensus::Instant now = host_.Now();
  gathers_until_ = now + std::min<consensus::Duration>(now - last_proposal_, kGatherMost);
}

void Replica::Propose() {
  while (MayPropose(host_.Now())) {
    exchange::Time time = std::max({host_.WallClock(), last_stamp_, exchange_.time()});
    if (Has(ReplicaMutant::kOwnClockAlone)) time = host_.WallClock();
    ProposalQueue::Packed packed = proposals_.Pack(time, kMaxEntryBytes);
    consensus::Index index;
    consensus::Term term;
    const consensus::Instant now = host_.Now();
    last_proposal_ = now;
    gathers_ = 0;
    const ProposeResult result = raft_.Propose(packed.payload, now, &index, &term);
    if (result == ProposeResult::kBusy) return;  // goes on when something is committed
    if (result != ProposeResult::kAccepted) return proposals_.FailWaiting(NotLeader());
    last_stamp_ = time;
    proposals_.Proposed(packed.groups, index, term, now);
    if (Has(ReplicaMutant::kAcknowledgeUncommitted)) {
      exchange::Exchange ahead = *exchange::Exchange::Restore(exchange_.Snapshot());
      exchange::ApplyResult result_ahead;
      if (ahead.Apply(*packed.payload, &result_ahead).ok()) {
        proposals_.Applied(index, term, result_ahead, now);
      }
    }
    ProcessOutput();  // starts the write, which counts against the limit above
  }
}

// What the core asks for.

void Replica::Receive(std::vector<consensus::Message> messages) {
  if (!forgers_.empty()) [[unlikely]] {
    std::erase_if(messages, [this](const consensus::Message& message) {
      return forgers_.contains(NodeOf(message.from));
    });
  }
  for (consensus::Message& message : messages) raft_.Step(std::move(message), host_.Now());
  PumpWhenWaiting();  // first, so that news of what these commit go out with the next entry
  ProcessOutput();
}

consensus::Instant Replica::deadline() const {
  consensus::Instant deadline = raft_.deadline();
  if (drained_) deadline = std::min(deadline, drain_deadline_);
  for (const Transfer& transfer : transfers_) deadline = std::min(deadline, transfer.deadline);
  const bool follows = proposals_.HasWaiting() && proposals_.HasProposed();
  if (follows && writes_under_way_ < kMaxWritesUnderWay) {
    deadline = std::min(deadline, last_proposal_ + kProposalSpacing);
  }
  if (gathers_ != 0) deadline = std::min(deadline, gathers_until_);
  // After a snapshot that had no space: without peers nothing else would bring another try.
  if (host_.Now() < next_snapshot_) deadline = std::min(deadline, next_snapshot_);
  return std::min({deadline, membership_.deadline(), DueTime(host_.Now())});
}

void Replica::OnAlarm() {
  raft_.Tick(host_.Now());
  const consensus::Instant now = host_.Now();
  if (DueTime(now) <= now) ProposeTime();
  Propose();
  if (!Gathers(now)) gathers_ = 0;
  ProcessOutput();
}

// When the exchange has something to do though nobody sends anything: an order expires, or work was
// too much for one batch. What is on its way brings the time with it.
consensus::Instant Replica::DueTime(consensus::Instant now) const {
  const bool on_its_way = proposals_.HasWaiting() || proposals_.HasProposed();
  if (draining_ || on_its_way || CurrentLeadership().serving_term == consensus::Term()) {
    return consensus::Instant::max();
  }
  const std::optional<exchange::Time> due = exchange_.NextDeadline();
  if (!due) return consensus::Instant::max();
  const exchange::Time time = std::max({host_.WallClock(), last_stamp_, exchange_.time()});
  const std::chrono::nanoseconds wait(std::max<exchange::Time>(0, *due - time));
  return std::max(next_time_, now + std::min<std::chrono::nanoseconds>(wait, kClockCheck));
}

void Replica::ProposeTime() {
  const exchange::Time time = std::max({host_.WallClock(), last_stamp_, exchange_.time()});
  next_time_ = host_.Now() + kTimeRetry;
  if (*exchange_.NextDeadline() > time || host_.DiskFull()) return;
  auto payload = std::make_shared<const std::string>(exchange::EncodeBatch(time, {}));
  consensus::Index index;
  consensus::Term term;
  if (raft_.Propose(std::move(payload), host_.Now(), &index, &term) != ProposeResult::kAccepted) {
    return;
  }
  last_stamp_ = time;
  proposals_.Proposed(0, index, term, host_.Now());
}

void Replica::ProcessOutput() {
  while (true) {
    // Who is answered by what is committed now may send an entry that the news can go along with.
    const bool answers = applied_ < raft_.commit() && proposals_.HasProposed();
    consensus::Output output =
        raft_.TakeOutput(/*proposing_soon=*/pump_asked_ || gathers_ != 0 || answers);
    if (output.empty()) break;
    host_.Observe(output);
    PublishLeadership();
    if (output.persist) {
      ++writes_under_way_;
      host_.Write(*std::move(output.persist));
    }
    if (stopped_) return;
    if (!output.messages.empty()) host_.Send(std::move(output.messages));
    if (output.restore) RestoreStateMachine(*output.restore);
    if (stopped_) return;
    size_t answered = 0;
    for (const Entry& entry : output.committed) answered += Apply(entry);
    if (answered != 0 && !proposals_.HasProposed()) Gather(answered);
    ConfirmReads(output.reads);
    FailReads(output.reads_failed);
    for (const consensus::Evidence& evidence : output.evidence) Judge(evidence);
    if (stopped_) return;
    if (output.received) ReadReceived(std::move(output.received->data));
    if (!output.committed.empty()) PumpWhenWaiting();
    membership_.Tend(host_.Now());
  }
  AfterOutput();
}

void Replica::OnPersisted(uint64_t sequence) {
  --writes_under_way_;
  raft_.OnPersisted(sequence, host_.Now());
  PumpWhenWaiting();
  ProcessOutput();
}

size_t Replica::Apply(const Entry& entry) {
  QB_CHECK(entry.index == applied_.Next());
  applied_ = entry.index;
  applied_term_ = entry.term;
  PublishLeadership();
  apply_result_.Clear();
  const bool skip = Has(ReplicaMutant::kEntrySkipped) && entry.index.value() % 20 == 0;
  const consensus::Instant start = host_.Now();
  if (entry.type == EntryType::kCommand && !skip) {
    const absl::Status status = exchange_.Apply(entry.bytes(), &apply_result_);
    counters_.match.Add(host_.Now() - start);
    if (status.ok()) {
      history_.Add(entry.payload);
    } else {  // the same on every replica: it has no effect on any
      apply_result_.Clear();
      host_.Log(LogLevel::kError,
                absl::StrCat("entry ", entry.index.value(), " is no batch: ", status.message()));
    }
    for (const exchange::Event& event : apply_result_.events) {
      if (event.type != exchange::EventType::kSymbolAdded) continue;
      const exchange::SymbolInfo* symbol = exchange_.FindSymbol(event.symbol);
      if (symbol != nullptr) host_.SymbolKnown(*symbol);
    }
  }
  if (Has(ReplicaMutant::kRetryExecutedTwice)) ExecuteRetries(entry);
  host_.Applied(entry, apply_result_);
  if (Has(ReplicaMutant::kAnswersSwapped)) std::ranges::reverse(apply_result_.groups);
  const uint64_t interval = options_.raft.digest_interval;
  if (interval != 0 && entry.index.value() % interval == 0) {
    raft_.OnStateDigest(entry.index, exchange_.RunningDigest(), host_.Now());
    const bool whole = entry.index.value() % (interval * consensus::kWholeStateEvery) == 0;
    if (whole) history_.Mark(entry.index.value());
  }
  const size_t answered = proposals_.Applied(entry.index, entry.term, apply_result_, host_.Now());
  counters_.apply.Add(host_.Now() - start);
  return answered;
}

// Of a planted bug.
void Replica::ExecuteRetries(const Entry& entry) {
  const absl::StatusOr<exchange::Batch> batch = exchange::DecodeBatch(entry.bytes());
  if (entry.type != EntryType::kCommand || !batch.ok()) return;
  for (size_t i = 0; i < apply_result_.groups.size(); ++i) {
    const exchange::GroupResult& group = apply_result_.groups[i];
    const auto* commands = std::get_if<exchange::SessionCommands>(&batch->groups[i]);
    const bool repeated =
        group.command_count > 0 && apply_result_.commands[group.first_command].repeated;
    if (commands == nullptr || !repeated) continue;
    exchange::SessionCommands again = *commands;
    again.first_sequence = group.expected_sequence;
    exchange::ApplyResult unheard;
    exchange_.Apply({.time = batch->time, .groups = {again}}, &unheard);
  }
}

// Bytes that do not fit their checksum may have changed on the way, once or twice. What a node had
// acknowledged and lacks is not counted by the core any more, which brings it up to date; if it
// forgets again soon, what it says is durable is not.
bool Replica::MayBeAccident(const consensus::Evidence& evidence) {
  using Kind = consensus::Evidence::Kind;
  const bool forgot = evidence.kind == Kind::kForgotAcknowledged;
  const bool corrupt =
      evidence.kind == Kind::kCorruptEntry || evidence.kind == Kind::kCorruptSnapshot;
  if (!forgot && !corrupt) return false;
  const consensus::Instant now = host_.Now();
  std::vector<consensus::Instant>& when =
      accidents_[{forgot ? evidence.kind : Kind::kCorruptEntry, evidence.culprit}];
  std::erase_if(when, [now](consensus::Instant then) { return now - then >= kAccidentsCount; });
  when.push_back(now);
  return when.size() < (forgot ? kForgettingsToFence : kCorruptionsToFence);
}

// A node that did what no correct one does is not listened to any more. A replica whose own state
// has diverged ends: its snapshots and, after a restart, its answers would spread what is wrong.
// Its host treats that as it treats damage of the disk.
void Replica::Judge(const consensus::Evidence& evidence) {
  using Kind = consensus::Evidence::Kind;
  host_.Report(evidence);
  if (evidence.culprit == NodeId()) return;
  if (evidence.culprit == options_.raft.id && raft_.status().quarantined) {
    if (evidence.kind == Kind::kCorruptEntry) {  // the next start verifies the log on the disk
      return Stop(absl::InternalError("a log entry in memory is not what it was: bad memory?"));
    }
    return Stop(absl::DataLossError("this replica's state is not that of the majority"));
  }
  if (MayBeAccident(evidence) || Has(ReplicaMutant::kEvidenceWithoutFence)) return;
  raft_.Fence(evidence.culprit, host_.Now());
}

// Whose node is no member has nothing that could be fenced off; what it did is told all the same.
// And this replica knows of itself that it was not the one: somebody has its node's key.
void Replica::ForgedSender(NodeId node) {
  const consensus::Instant now = host_.Now();
  const auto [told, first] = forgers_.try_emplace(node, now);
  if (!first && now - told->second < kForgeryRetold) return;
  told->second = now;
  const consensus::RaftStatus raft = raft_.status();
  NodeId culprit = MakeMember(node, 0);
  for (const NodeId member : raft.configuration.Members()) {
    if (NodeOf(member) != node) continue;
    culprit = member;
    if (member == options_.raft.id || Has(ReplicaMutant::kEvidenceWithoutFence)) continue;
    raft_.Fence(member, now);
  }
  host_.Report({.kind = consensus::Evidence::Kind::kForgedSender,
                .culprit = culprit,
                .term = raft.term,
                .index = raft.last});
  ProcessOutput();
}

// Reads.

void Replica::Read(bool stale_ok, ReadCallback callback) {
  if (stale_ok) return callback(nullptr, exchange_);
  if (Has(ReplicaMutant::kReadWithoutConfirmation) && raft_.role() == Role::kLeader) {
    return callback(nullptr, exchange_);
  }
  ++counters_.reads;
  Refusal refusal;
  const uint64_t id = next_read_++;
  if (draining_) {
    refusal = ShuttingDown();
  } else if (reads_.size() + reads_to_apply_.size() >= kMaxReads) {
    refusal = Busy("too many reads are under way");
  } else if (!raft_.ReadIndex(id, host_.Now())) {
    refusal = NotLeader();
  }
  if (refusal.code != RefusalCode::kNone) {
    ++counters_.reads_failed;
    return callback(&refusal, exchange_);
  }
  reads_.emplace(id, PendingRead{std::move(callback), host_.Now()});
  ProcessOutput();
}

void Replica::ConfirmReads(const std::vector<consensus::ReadReady>& reads) {
  for (const consensus::ReadReady& read : reads) {
    const auto it = reads_.find(read.id);
    if (it == reads_.end()) continue;
    reads_to_apply_.emplace(read.index, std::move(it->second));
    reads_.erase(it);
  }
  while (!reads_to_apply_.empty() && reads_to_apply_.begin()->first <= applied_) {
    const PendingRead read = std::move(reads_to_apply_.begin()->second);
    reads_to_apply_.erase(reads_to_apply_.begin());
    counters_.read.Add(host_.Now() - read.since);
    read.callback(nullptr, exchange_);
  }
}

void Replica::FailReads(const std::vector<uint64_t>& ids) {
  for (const uint64_t id : ids) {
    const auto it = reads_.find(id);
    if (it == reads_.end()) continue;
    const PendingRead read = std::move(it->second);
    reads_.erase(it);
    ++counters_.reads_failed;
    const Refusal refusal = NotLeader();
    read.callback(Has(ReplicaMutant::kFailedReadAnswered) ? nullptr : &refusal, exchange_);
  }
}

void Replica::Stop(const absl::Status& status) {
  stopped_ = true;
  host_.Fatal(status);
}

}  // namespace quorumbook::server
