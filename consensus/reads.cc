// Linearizable reads: by a round of messages (6.4), or by a lease (6.4.1).
#include <algorithm>

#include "consensus/core.h"

namespace quorumbook::consensus {

bool Raft::Core::ReadIndex(uint64_t id, Instant now) {
  Advance(now);
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return false;
  if (LeaseHolds(*leader)) {
    reads_.push_back({.id = id, .index = commit_});
    return true;
  }
  WakeLeader(*leader);
  leader->reads.Add(id);
  return true;
}

// A lease rests on promises that followers keep by their clocks. It is not used
// - before an entry of the own term is committed: what is committed is not known (6.4);
// - once leadership was offered to another in this term: it may campaign at any time, and the
//   others help it in spite of their promise (3.10).
bool Raft::Core::LeaseHolds(const Leader& leader) const {
  if (!options_.lease_reads || commit_ < leader.term_start) return false;
  if (!clock_trusted_ && !Is(Mutant::kLeaseOverClockJump)) return false;
  if ((leader.offered || leader.handover) && !Is(Mutant::kLeaseDuringTransfer)) return false;
  const uint32_t margin = Is(Mutant::kLeaseWithoutMargin) ? 0 : options_.clock_drift_percent;
  return leader.lease.Holds(now_, options_.election_timeout_min * (100 - margin) / 100);
}

void Raft::Core::SetClockTrusted(bool trusted, Instant now) {
  Advance(now);
  TrustClock(trusted);
}

void Raft::Core::TrustClock(bool trusted) {
  if (Is(Mutant::kLeaseOverClockJump)) {
    clock_trusted_ |= trusted;
    return;
  }
  // What it promised to wait may have been skipped by the jump. From then on nobody relies on it,
  // until it is trusted again: then also on what it heard before and answers only now. As a leader
  // it does not know how long ago it sent the rounds that are answered.
  if (!trusted || !clock_trusted_) {
    election_timer_.Restart(now_);
    sticky_until_ = std::max(sticky_until_, now_ + options_.election_timeout_min);
    if (auto* leader = std::get_if<Leader>(&role_)) leader->lease.Reset();
  }
  clock_trusted_ = trusted;
}

// 6.4: before an entry of its own term is committed, a leader does not know what is committed.
void Raft::Core::StartReadRound(Leader& leader) {
  const bool knows = commit_ >= leader.term_start || Is(Mutant::kReadBeforeOwnCommit);
  if (!leader.reads.WantsRound() || !knows) return;
  if (!Is(Mutant::kReadRoundReused) || leader.round == 0) Heartbeat(leader);
  leader.reads.StartRound(leader.round, commit_);
  RoundAnswered(leader);
}

void Raft::Core::RoundSent(Leader& leader) {
  ++leader.round;
  if (options_.lease_reads) leader.lease.RoundSent(leader.round, now_);
}

// Someone has answered a round, or there is nobody to ask.
void Raft::Core::RoundAnswered(Leader& leader) {
  const auto round_of = [&](uint64_t Progress::* round) {
    return [&leader, round, this](NodeId voter) {
      if (voter == options_.id) return leader.round;
      const Progress* peer = leader.Find(voter);
      return peer == nullptr ? uint64_t{0} : peer->*round;
    };
  };
  const bool lost =
      Is(Mutant::kReadLostInChange) && leader.reads.index() < configurations_.active_index();
  if (!lost) leader.reads.Confirm(QuorumReached(electorate_, round_of(&Progress::round)), &reads_);
  if (options_.lease_reads) {
    leader.lease.RoundAnswered(QuorumReached(electorate_, round_of(&Progress::lease_round)));
  }
}

}  // namespace quorumbook::consensus
