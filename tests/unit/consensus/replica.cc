#include "tests/unit/consensus/replica.h"

#include <algorithm>
#include <iterator>

#include "common/check.h"

namespace quorumbook::consensus {
namespace {

template <typename T>
void MoveOnto(std::vector<T>&& from, std::vector<T>* onto) {
  std::move(from.begin(), from.end(), std::back_inserter(*onto));
}

}  // namespace

Payload Text(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

Options GroupOf(uint64_t voters, NodeId id) {
  Options options;
  options.id = id;
  options.seed = id.value();
  for (uint64_t voter = 1; voter <= voters; ++voter)
    options.configuration.voters.push_back(NodeId(voter));
  return options;
}

std::vector<Entry> LogOfTerms(const std::vector<uint64_t>& terms) {
  std::vector<Entry> log;
  Digest chain;
  for (uint64_t term : terms) {
    const Index index(log.size() + 1);
    const Payload payload = Text(std::to_string(index.value()));
    chain = Chain(chain, Term(term), index, EntryType::kCommand, *payload);
    log.push_back({.term = Term(term),
                   .index = index,
                   .type = EntryType::kCommand,
                   .chain = chain,
                   .payload = payload});
  }
  return log;
}

SnapshotMeta MetaOf(const std::vector<Entry>& log, uint64_t index) {
  if (index == 0) return {};
  const Entry& entry = log[index - 1];
  return {.index = entry.index, .term = entry.term, .chain = entry.chain};
}

AppendEntries AppendOf(const std::vector<Entry>& log, uint64_t previous, uint64_t through,
                       uint64_t commit, uint64_t round) {
  const SnapshotMeta meta = MetaOf(log, previous);
  AppendEntries append{.prev_index = meta.index,
                       .prev_term = meta.term,
                       .prev_chain = meta.chain,
                       .commit = Index(commit),
                       .round = round,
                       .entries = {}};
  for (uint64_t index = previous + 1; index <= through; ++index) {
    append.entries.push_back(log[index - 1]);
  }
  return append;
}

Replica::Replica(const Options& options, RestoredState restored) : options_(options) {
  if (restored.snapshot) disk_.StoreSnapshot(*restored.snapshot);
  disk_.Submit({.sequence = 1,
                .hard_state = restored.hard_state,
                .snapshot = std::nullopt,
                .truncate_from = std::nullopt,
                .entries = std::move(restored.entries),
                .compact_through = std::nullopt});
  disk_.CompleteOne();
  CrashAndRestart();
}

Replica::Replica(const Options& options, const std::vector<Entry>& log, uint64_t term, NodeId vote)
    : Replica(options, {.hard_state = {.term = Term(term), .vote = vote, .commit = Index()},
                        .snapshot = std::nullopt,
                        .entries = log}) {}

void Replica::Handle() {
  Output output = raft_->TakeOutput();
  if (output.persist) disk_.Submit(std::move(*output.persist));
  MoveOnto(std::move(output.messages), &messages_);
  if (output.restore) restores_.push_back(*output.restore);
  MoveOnto(std::move(output.committed), &committed_);
  MoveOnto(std::move(output.reads), &reads_);
  MoveOnto(std::move(output.reads_failed), &reads_failed_);
  MoveOnto(std::move(output.evidence), &evidence_);
  if (output.configuration) configurations_.push_back(*output.configuration);
  if (!output.received) return;
  received_.push_back(*output.received);
  if (!reads_snapshots_) return;
  raft_->OnSnapshotRead(output.received->data, /*readable=*/true, now_);
  Handle();
}

void Replica::TickToDeadline() {
  QB_CHECK(raft_->deadline() != Instant::max());
  now_ = std::max(now_, raft_->deadline());
  raft_->Tick(now_);
  Handle();
}

void Replica::TickAfter(Duration duration) {
  now_ += duration;
  raft_->Tick(now_);
  Handle();
}

void Replica::Receive(NodeId from, uint64_t term, decltype(Message::body) body) {
  raft_->Step({.from = from, .to = options_.id, .term = Term(term), .body = std::move(body)}, now_);
  Handle();
}

ProposeResult Replica::Propose(const std::string& text) {
  Index index;
  Term term;
  const ProposeResult result = raft_->Propose(Text(text), now_, &index, &term);
  Handle();
  return result;
}

bool Replica::Read(uint64_t id) {
  const bool accepted = raft_->ReadIndex(id, now_);
  Handle();
  return accepted;
}

bool Replica::Transfer(NodeId target) {
  const bool accepted = raft_->TransferLeadership(target, now_);
  Handle();
  return accepted;
}

ProposeResult Replica::ProposeMembers(std::vector<NodeId> voters, std::vector<NodeId> learners) {
  Index index;
  Term term;
  const ProposeResult result =
      raft_->ProposeConfiguration(std::move(voters), std::move(learners), now_, &index, &term);
  Handle();
  return result;
}

void Replica::Compact(Snapshot snapshot) {
  if (snapshot.meta.index > raft_->status().snapshot.index) {
    snapshot.configuration = raft_->ConfigurationAt(snapshot.meta.index);
  }
  disk_.StoreSnapshot(snapshot);
  raft_->Compact(snapshot);
  Handle();
}

void Replica::SyncOne() {
  raft_->OnPersisted(disk_.CompleteOne(), now_);
  Handle();
}

void Replica::Sync() {
  while (!disk_.idle()) SyncOne();
}

void Replica::CrashAndRestart() {
  disk_.Crash(/*also_done=*/0);
  messages_.clear();
  committed_.clear();
  reads_.clear();
  reads_failed_.clear();
  evidence_.clear();
  restores_.clear();
  configurations_.clear();
  raft_ = std::make_unique<Raft>(options_, disk_.Restore(), now_);
  Handle();
}

void Replica::Elect() {
  TickToDeadline();
  const uint64_t term = raft_->term().value() + (raft_->role() == Role::kPreCandidate ? 1 : 0);
  const uint64_t needed = options_.configuration.voters.size() / 2;
  uint64_t asked = 0;
  for (NodeId voter : options_.configuration.voters) {
    if (voter == options_.id || asked++ >= needed) continue;
    Receive(voter, term, RequestVoteResponse{.pre_vote = true, .granted = true});
  }
  Sync();
  asked = 0;
  for (NodeId voter : options_.configuration.voters) {
    if (voter == options_.id || asked++ >= needed) continue;
    Receive(voter, term, RequestVoteResponse{.granted = true});
  }
  QB_CHECK(raft_->role() == Role::kLeader);
}

std::vector<Message> Replica::TakeMessages() { return std::exchange(messages_, {}); }

}  // namespace quorumbook::consensus
