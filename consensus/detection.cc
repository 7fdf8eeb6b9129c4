// Replicas that do what no correct one does: named, compared, fenced off.
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::Report(Evidence::Kind kind, NodeId culprit, Index index) {
  if (Is(Mutant::kEvidenceDropped)) return;
  const Evidence evidence{.kind = kind, .culprit = culprit, .term = term_, .index = index};
  // A sender that repeats itself does not make new evidence.
  if (last_evidence_ == evidence) return;
  last_evidence_ = evidence;
  evidence_.push_back(evidence);
}

void Raft::Core::OnStateDigest(Index index, const Digest& digest, Instant now) {
  Advance(now);
  QB_CHECK(options_.digest_interval > 0 && index.value() % options_.digest_interval == 0);
  QB_CHECK(index <= emitted_);
  for (NodeId member : configuration().Members()) {
    if (member != options_.id) Send(member, StateDigest{.index = index, .digest = digest});
  }
  NoteStateDigest(options_.id, index, digest);
}

void Raft::Core::NoteStateDigest(NodeId node, Index index, const Digest& digest) {
  if (!configuration().Contains(node) || !digests_.IsNear(index, emitted_)) return;
  for (NodeId culprit : digests_.Note(node, index, digest, emitted_, configuration())) {
    Report(Evidence::Kind::kDivergedState, culprit, index);
    if (culprit == options_.id) Quarantine();
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
  if (leader.handover && leader.handover->target == node) leader.handover.reset();
  leader.lease.Reset();
  leader.quorum_durable = Index();
  Progress* peer = leader.Find(node);
  if (peer == nullptr) return;
  peer->match = Index();
  peer->catching_up_to = Index();
  peer->round = 0;
  peer->lease_round = 0;
  peer->BecomeProbe(peer->next);
}

}  // namespace quorumbook::consensus
