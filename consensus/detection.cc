// Replicas that do what no correct one does: named, compared, fenced off.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

// Once a term for each kind and culprit, but where the host counts: what may be an accident the
// first time is none when it goes on.
void Raft::Core::Report(Evidence::Kind kind, NodeId culprit, Index index) {
  if (Is(Mutant::kEvidenceDropped)) return;
  const bool counted = kind == Evidence::Kind::kCorruptEntry ||
                       kind == Evidence::Kind::kCorruptSnapshot ||
                       kind == Evidence::Kind::kForgotAcknowledged;
  const bool known = std::ranges::any_of(reported_, [&](const Evidence& before) {
    return before.kind == kind && before.culprit == culprit;
  });
  if (known && !(counted && culprit != NodeId())) return;
  const Evidence evidence{.kind = kind, .culprit = culprit, .term = term_, .index = index};
  if (!known) {
    if (reported_.size() == kReportedKept) reported_.erase(reported_.begin());
    reported_.push_back(evidence);
  }
  evidence_.push_back(evidence);
}

void Raft::Core::OnStateDigest(Index index, const Digest& digest, Instant now) {
  Advance(now);
  QB_CHECK(options_.digest_interval > 0 && index.value() % options_.digest_interval == 0);
  TellState(index, digest, /*format=*/0);
}

void Raft::Core::OnWholeState(Index index, const Digest& digest, Instant now) {
  Advance(now);
  const uint64_t interval = options_.digest_interval * kWholeStateEvery;
  QB_CHECK(interval > 0 && index.value() % interval == 0);
  TellState(index, digest, options_.state_format);
}

void Raft::Core::TellState(Index index, const Digest& digest, uint32_t format) {
  QB_CHECK(index <= emitted_);
  const SnapshotMeta meta = log_.Meta(index).value_or(SnapshotMeta{});
  const StateDigest state{.index = index, .digest = digest, .chain = meta.chain, .format = format};
  for (NodeId member : configuration().Members()) {
    if (member != options_.id) Send(member, state);
  }
  NoteStateDigest(options_.id, state);
}

void Raft::Core::NoteStateDigest(NodeId node, const StateDigest& state) {
  if (state.format != 0 && state.format != options_.state_format) return;
  StateDigests& digests = state.format == 0 ? digests_ : whole_states_;
  if (!configuration().Contains(node) || !digests.IsNear(state.index, emitted_)) return;
  const uint64_t place = state.index.value() / options_.digest_interval;
  if (Is(Mutant::kStatesComparedSeldom) && place % 4 != 0) return;
  for (const StateDigests::Differs& found : digests.Note(node, state, emitted_, configuration())) {
    // Who executed another log may have done so rightly: whoever wrote it is to blame. But its own
    // state is as little that of the group.
    const bool itself = found.node == options_.id;
    if (found.in_log && !itself) {
      Report(Evidence::Kind::kDivergedLog, NodeId(), state.index);
    } else {
      Report(Evidence::Kind::kDivergedState, found.node, state.index);
    }
    if (itself) Quarantine();
  }
}

// A state that differs must neither be served nor passed on. The log is another matter: its entries
// are verified, so this replica goes on storing them.
void Raft::Core::Quarantine() {
  if (Is(Mutant::kDivergedStillServes) || quarantined_) return;
  quarantined_ = true;
  if (role() != Role::kFollower) BecomeFollower(term_);
}

void Raft::Core::Fence(NodeId node, Instant now) {
  Advance(now);
  if (node == options_.id) return Quarantine();
  if (fenced_.full()) {
    // Who is not a member any more makes room; this replica itself is never among them.
    for (NodeId member : std::exchange(fenced_, MemberSet())) {
      if (configuration().Contains(member)) fenced_.Insert(member);
    }
  }
  fenced_.Insert(node);
  if (auto* leading = std::get_if<Leader>(&role_)) {
    Disregard(*leading, node);
  } else if (leader() == node) {
    BecomeFollower(term_);
    election_timer_.Restart(now_);
  }
}

// What it said before does not count either; what is committed stays so.
void Raft::Core::Disregard(Leader& leader, NodeId node) {
  if (Is(Mutant::kFenceKeepsProgress)) return;
  if (leader.handover && leader.handover->target == node) leader.handover.reset();
  leader.lease.Reset();
  leader.quorum_durable = Index();
  Progress* peer = leader.Find(node);
  if (peer == nullptr) return;
  peer->match = Index();
  peer->match_round = leader.round;
  peer->catching_up_to = Index();
  peer->round = 0;
  peer->lease_round = 0;
  peer->BecomeProbe(peer->next);
}

}  // namespace quorumbook::consensus
