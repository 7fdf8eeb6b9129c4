#include "consensus/core.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace quorumbook::consensus {
namespace {

SnapshotMeta MetaOf(const std::optional<Snapshot>& snapshot) {
  return snapshot ? snapshot->meta : SnapshotMeta{};
}

void CheckOptions(const Options& options) {
  QB_CHECK(options.id != NodeId());
  QB_CHECK(options.configuration == Configuration{} || IsValid(options.configuration));
  QB_CHECK(!options.configuration.joint());
  QB_CHECK(options.heartbeat_interval > Duration::zero());
  QB_CHECK(options.heartbeat_interval * 3 <= options.election_timeout_min);
  QB_CHECK(options.election_timeout_min < options.election_timeout_max);
  QB_CHECK(options.max_append_bytes > 0 && options.max_inflight_bytes > 0);
  QB_CHECK(options.max_inflight_messages > 0 && options.max_uncommitted_bytes > 0);
  QB_CHECK(options.snapshot_chunk_bytes > 0 && options.snapshot_window_bytes > 0);
  QB_CHECK(options.priority <= kPriorityMax);
  QB_CHECK(options.digest_interval == 0 || options.state_format != 0);
  QB_CHECK(options.clock_drift_percent < 100);
  QB_CHECK(options.mutant == Mutant::kNone || kMutantsBuiltIn);
}

ConfigurationLog ConfigurationsBehind(const std::optional<Snapshot>& snapshot,
                                      const Configuration& founding) {
  if (!snapshot) return {Index(), founding};
  const bool known = !snapshot->configuration.empty();
  return {snapshot->meta.index, known ? snapshot->configuration : founding};
}

}  // namespace

Raft::Core::Core(const Options& options, RestoredState restored, Instant now)
    : options_(options),
      now_(now),
      election_timer_(options.election_timeout_min, options.election_timeout_max, options.seed),
      term_(restored.hard_state.term),
      vote_(restored.hard_state.vote),
      log_(MetaOf(restored.snapshot)),
      snapshot_(std::move(restored.snapshot)),
      configurations_(ConfigurationsBehind(snapshot_, options.configuration)),
      writes_(Index(), restored.hard_state),
      digests_(options.digest_interval),
      whole_states_(options.digest_interval * kWholeStateEvery) {
  CheckOptions(options_);
  RestoreLog(std::move(restored.entries), restored.hard_state);
  QB_CHECK(restored.hard_state.commit <= log_.last());
  // The host may store a snapshot of what others have committed before the own write of term and
  // entries is complete. No vote of that term was told then: it is held until that write.
  if (log_.last_meta().term > term_) {
    term_ = log_.last_meta().term;
    vote_ = NodeId();
  }
  emitted_ = MetaOf(snapshot_).index;
  commit_ = std::max(restored.hard_state.commit, emitted_);
  if (snapshot_) restore_ = Restore{.sequence = 0, .snapshot = *snapshot_};
  ConfigurationChanged();
  sits_out_ = BehindOthers();
  election_timer_.Restart(now_);
  // A leader may count on a promise that was made just before the restart (6.4.1).
  if (options_.lease_reads && term_ > Term() && !Is(Mutant::kLeaseAfterRestart)) {
    sticky_until_ = now_ + options_.election_timeout_min;
  }
}

void Raft::Core::RestoreLog(std::vector<Entry> entries, const HardState& hard_state) {
  const SnapshotMeta snapshot = MetaOf(snapshot_);
  writes_ = Writes(log_.last(), hard_state, options_.mutant);
  if (entries.empty()) return;
  const Index first = entries.front().index;
  QB_CHECK(first > Index() && first <= snapshot.index.Next());
  auto next = entries.begin();
  if (first == Index(1)) {
    log_.Reset(SnapshotMeta{});
  } else if (first <= snapshot.index) {
    // What came before it is not known any more, so that it serves as the base.
    log_.Reset({.index = next->index, .term = next->term, .chain = next->chain});
    ++next;
  }
  for (; next != entries.end(); ++next) {
    QB_CHECK(next->chain ==
             Chain(log_.last_meta().chain, next->term, next->index, next->type, next->bytes()));
    if (next->index > snapshot.index) NoteConfiguration(*next);
    log_.Append(std::move(*next));
  }
  writes_ = Writes(log_.last(), hard_state, options_.mutant);
  if (log_.Contains(snapshot)) return;
  // The snapshot became durable before the entries that it covers: what is in the log does not
  // lead up to it.
  log_.Reset(snapshot);
  writes_.TruncateFrom(first);
  configurations_.TruncateFrom(snapshot.index.Next());
}

void Raft::Core::Advance(Instant now) {
  const bool went_back = now < now_;
  now_ = std::max(now_, now);
  if (went_back) TrustClock(false);
}

Message Raft::Core::Compose(NodeId to, Term term, decltype(Message::body) body) const {
  return {.from = options_.id, .to = to, .term = term, .body = std::move(body)};
}

void Raft::Core::SendAs(NodeId to, Term term, decltype(Message::body) body) {
  messages_.push_back(Compose(to, term, std::move(body)));
}

void Raft::Core::CommitThrough(Index index) {
  QB_CHECK(index >= commit_ && index <= log_.last());
  const Index before = std::exchange(commit_, index);
  if (incoming_ && incoming_->meta.index <= commit_) incoming_.reset();
  if (!Is(Mutant::kConfigurationOnApply)) return;
  for (Index i = std::max(before, log_.base().index).Next(); i <= commit_; i = i.Next()) {
    const Entry& entry = log_.at(i);
    if (i > configurations_.active_index()) NoteConfiguration(entry);
  }
}

void Raft::Core::Tick(Instant now) {
  Advance(now);
  if (role() == Role::kLeader) return TickLeader();
  if (now_ >= deadline()) OnElectionTimeout();
}

Instant Raft::Core::deadline() const {
  if (const auto* leader = std::get_if<Leader>(&role_)) return LeaderDeadline(*leader);
  const auto* follower = std::get_if<Follower>(&role_);
  if ((follower != nullptr && follower->quiesced) || !MayCampaign()) return Instant::max();
  return election_timer_.deadline();
}

// Requests are taken from whoever sends them, answers from members (raft.h, Step).
bool Raft::Core::IsHeard(const Message& message) const {
  if (message.to != options_.id || message.from == options_.id) return false;
  if (message.from == NodeId()) return false;
  if (fenced_.Contains(message.from) && !Is(Mutant::kFencedStillHeard)) return false;
  const bool is_request = std::holds_alternative<RequestVote>(message.body) ||
                          std::holds_alternative<AppendEntries>(message.body) ||
                          std::holds_alternative<InstallSnapshot>(message.body);
  if (is_request || configuration().Contains(message.from)) return true;
  // A leader that is leaving hands over; a member that is leaving is still listened to by it.
  const auto* leading = std::get_if<Leader>(&role_);
  return message.from == leader() || (leading != nullptr && leading->Find(message.from) != nullptr);
}

void Raft::Core::Step(Message message, Instant now) {
  Advance(now);
  if (!IsHeard(message)) return;
  if (const auto* state = std::get_if<StateDigest>(&message.body)) {
    return NoteStateDigest(message.from, *state);
  }
  WakeBy(message);

  // These have their own rules about terms.
  if (const auto* request = std::get_if<RequestVote>(&message.body)) {
    return OnRequestVote(message, *request);
  }
  if (const auto* response = std::get_if<RequestVoteResponse>(&message.body);
      response != nullptr && response->pre_vote) {
    return OnPreVoteResponse(message, response->granted);
  }

  if (message.term > term_) BecomeFollower(message.term);  // 3.3
  if (message.term < term_) return AnswerStale(message);
  StepInTerm(message);
}

void Raft::Core::StepInTerm(Message& message) {
  if (const auto* response = std::get_if<RequestVoteResponse>(&message.body)) {
    OnVoteResponse(message, response->granted);
  } else if (std::holds_alternative<AppendEntries>(message.body)) {
    OnAppendEntries(message);
  } else if (std::holds_alternative<AppendEntriesResponse>(message.body)) {
    OnAppendResponse(message);
  } else if (std::holds_alternative<InstallSnapshot>(message.body)) {
    OnInstallSnapshot(message);
  } else if (std::holds_alternative<InstallSnapshotResponse>(message.body)) {
    OnInstallResponse(message);
  } else {
    OnTimeoutNow(message);
  }
}

// A leader of an old term learns the new one. Without this a node whose term ran ahead while it
// was cut off would hear nothing that it accepts, and with pre-vote and stickiness nobody would
// ever listen to its elections (etcd raft, "stuck with a higher term").
void Raft::Core::AnswerStale(const Message& message) {
  if (Is(Mutant::kStaleLeaderIgnored)) return;
  if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
    Send(message.from, Answer(/*accepted=*/false, append->prev_index));
  } else if (std::holds_alternative<InstallSnapshot>(message.body)) {
    Send(message.from, Answer(/*accepted=*/false, Index()));
  }
}

void Raft::Core::OnPersisted(uint64_t sequence, Instant now) {
  Advance(now);
  writes_.Complete(sequence);
  if (writes_.vote_durable()) ReleaseVotes();
  if (auto* leader = std::get_if<Leader>(&role_)) {
    MaybeCommit(*leader);
  } else {
    AcknowledgeDurable();
  }
}

void Raft::Core::Compact(Snapshot snapshot) {
  QB_CHECK(snapshot.data != nullptr && snapshot.meta.index <= emitted_);
  if (snapshot.meta.index <= MetaOf(snapshot_).index) return;
  QB_CHECK(log_.Contains(snapshot.meta));
  QB_CHECK(snapshot.configuration == configurations_.At(snapshot.meta.index));
  snapshot_ = std::move(snapshot);
  configurations_.CompactThrough(snapshot_->meta.index);
  Index through = log_.CutKeeping(snapshot_->meta.index, options_.keep_log_bytes);
  if (const auto* leader = std::get_if<Leader>(&role_)) {
    if (!Is(Mutant::kTransferFloorIgnored)) through = std::min(through, TransferFloor(*leader));
  }
  if (Is(Mutant::kLogGapAfterSnapshot)) {
    through = std::min(emitted_, snapshot_->meta.index.Next());
  }
  if (through <= log_.base().index) return;
  log_.CompactThrough(through);
  writes_.CompactThrough(through);
}

Output Raft::Core::TakeOutput(bool proposing_soon) {
  ContinueChange();
  if (auto* leader = std::get_if<Leader>(&role_)) Flush(*leader, proposing_soon);
  Output out;
  out.persist = writes_.Take({.term = term_, .vote = vote_, .commit = commit_}, log_.last(), now_);
  out.messages = std::exchange(messages_, {});
  if (restore_ && writes_.IsComplete(restore_->sequence)) {
    out.restore = std::move(restore_->snapshot);
    restore_.reset();
  }
  if (!restore_ && emitted_ < commit_) {
    out.committed = log_.Slice(emitted_.Next(), commit_, UINT64_MAX);
    emitted_ = commit_;
  }
  out.reads = std::exchange(reads_, {});
  out.reads_failed = std::exchange(reads_failed_, {});
  out.evidence = std::exchange(evidence_, {});
  out.received = std::exchange(received_, std::nullopt);
  if (std::exchange(configuration_changed_, false)) out.configuration = configuration();
  return out;
}

}  // namespace quorumbook::consensus
