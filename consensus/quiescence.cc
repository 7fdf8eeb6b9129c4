// Groups in which nothing happens fall silent, and wake up (CockroachDB's quiescent ranges).
//
// The leader says so in a last heartbeat; who has everything stops its election timer. Who missed
// it asks for pre-votes after a while, which wakes everybody it reaches.
#include <algorithm>

#include "consensus/core.h"

namespace quorumbook::consensus {

// Everybody that is listened to has everything and knows that it is committed. And it is known who
// is still there: whom nobody has heard since the leader woke counts as active for a while, and in
// silence there would be nobody to notice when that is over.
bool Raft::Core::IsQuiet(const Leader& leader) const {
  if (commit_ < log_.last() || writes_.durable() < log_.last()) return false;
  if (configuration().joint() || leader.handover || !leader.reads.idle()) return false;
  return std::all_of(leader.peers.begin(), leader.peers.end(), [&](const Progress& peer) {
    if (fenced_.Contains(peer.id) || Is(Mutant::kSilentWhileBehind)) return true;
    const bool settled = peer.heard > leader.busy_at || !IsActive(peer);
    return settled && peer.state == Progress::State::kReplicate && peer.match == log_.last() &&
           peer.commit_sent == commit_ && !peer.leaving_until;
  });
}

bool Raft::Core::MaybeQuiesce(Leader& leader) {
  if (options_.quiesce_after == Duration::zero()) return false;
  if (now_ - leader.busy_at < options_.quiesce_after || !IsQuiet(leader)) return false;
  for (Progress& peer : leader.peers) SendEmpty(peer, leader.round, /*quiesce=*/true);
  leader.quiesced = true;
  return true;
}

// What was not heard while nothing was to be heard is no reason to step down.
void Raft::Core::WakeLeader(Leader& leader) {
  leader.busy_at = now_;
  if (!leader.quiesced) return;
  leader.quiesced = false;
  leader.heartbeat_at = now_;
  leader.GotFurther(now_);
  leader.disk_checked_at = now_;
  for (Progress& peer : leader.peers) peer.heard = now_;
}

void Raft::Core::WakeFollower(Follower& follower) {
  if (!follower.quiesced) return;
  follower.quiesced = false;
  election_timer_.Restart(now_);
}

// A follower that is woken by somebody who misses the leader tells the leader, which may not hear
// who asks: else it would stay silent, and be replaced though it is alive. What it is told refuses
// nothing but that all is quiet.
void Raft::Core::WakeBy(const Message& message) {
  if (auto* leader = std::get_if<Leader>(&role_)) {
    if (!leader->quiesced) return;
    const auto* response = std::get_if<AppendEntriesResponse>(&message.body);
    const bool only_late = response != nullptr && message.term == term_ && response->accepted &&
                           response->index == log_.last();
    if (!only_late) WakeLeader(*leader);
  } else if (auto* follower = std::get_if<Follower>(&role_)) {
    if (!follower->quiesced) return;
    WakeFollower(*follower);
    sticky_until_ = std::max(sticky_until_, now_ + options_.election_timeout_min);
    if (message.from != follower->leader && !Is(Mutant::kWokenInSecret)) {
      Send(follower->leader, Answer(/*accepted=*/false, log_.last()));
    }
  }
}

void Raft::Core::Wake(Instant now) {
  Advance(now);
  if (auto* leader = std::get_if<Leader>(&role_)) {
    WakeLeader(*leader);
  } else if (auto* follower = std::get_if<Follower>(&role_)) {
    WakeFollower(*follower);
  }
}

void Raft::Core::PeerLost(NodeId peer, Instant now) {
  Advance(now);
  if (role() == Role::kLeader || leader() == peer) Wake(now);
  if (role() == Role::kFollower && leader() == peer) LeaderLost();
}

}  // namespace quorumbook::consensus
