// What a replica shows of itself.
#include <algorithm>

#include "consensus/core.h"

namespace quorumbook::consensus {

NodeId Raft::Core::leader() const {
  if (role() == Role::kLeader) return options_.id;
  const auto* follower = std::get_if<Follower>(&role_);
  return follower != nullptr ? follower->leader : NodeId();
}

std::optional<SnapshotMeta> Raft::Core::EntryMeta(Index index) const {
  if (snapshot_ && snapshot_->meta.index == index) return snapshot_->meta;
  return log_.Meta(index);
}

uint64_t Raft::Core::log_bytes() const {
  if (!snapshot_) return log_.bytes();
  return log_.BytesAfter(std::max(snapshot_->meta.index, log_.base().index));
}

RaftStatus Raft::Core::status() const {
  RaftStatus status{.role = role(),
                    .term = term_,
                    .leader = leader(),
                    .vote = vote_,
                    .commit = commit_,
                    .first = log_.first(),
                    .last = log_.last(),
                    .durable = writes_.durable(),
                    .snapshot = snapshot_ ? snapshot_->meta : SnapshotMeta{},
                    .log_bytes = log_.bytes(),
                    .configuration = configuration(),
                    .configuration_index = configurations_.active_index(),
                    .quarantined = quarantined_,
                    .fenced = {fenced_.begin(), fenced_.end()}};
  if (const auto* follower = std::get_if<Follower>(&role_)) status.quiesced = follower->quiesced;
  const auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return status;
  status.quiesced = leader->quiesced;
  status.leased = LeaseHolds(*leader);
  for (const Progress& peer : leader->peers) {
    PeerProgress shown{.id = peer.id,
                       .match = peer.match,
                       .next = peer.next,
                       .probing = peer.state == Progress::State::kProbe,
                       .snapshotting = peer.state == Progress::State::kSnapshot,
                       .active = IsActive(peer),
                       .learner = configuration().IsLearner(peer.id),
                       .leaving = peer.leaving_until.has_value(),
                       .limping = peer.window_bytes < options_.max_inflight_bytes,
                       .behind_bytes = log_.BytesAfter(std::max(peer.match, log_.base().index)),
                       .inflight_bytes = peer.inflight.bytes()};
    if (peer.transfer) {
      shown.snapshot_acknowledged_bytes = peer.transfer->acknowledged;
      shown.snapshot_total_bytes = peer.transfer->snapshot.data->size();
    }
    status.peers.push_back(shown);
  }
  return status;
}

}  // namespace quorumbook::consensus
