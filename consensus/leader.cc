// What a leader does beside replication: proposals, reads, its timers, handing over.
#include <algorithm>
#include <limits>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::AppendOwn(EntryType type, Payload payload) {
  // The clock of the stall check starts when there is something to get done.
  if (auto& leader = std::get<Leader>(role_); commit_ == log_.last()) leader.progress_at = now_;
  const SnapshotMeta previous = log_.last_meta();
  const Index index = previous.index.Next();
  Entry entry{.term = term_,
              .index = index,
              .type = type,
              .chain = Chain(previous.chain, term_, index, type, *payload),
              .payload = std::move(payload)};
  writes_.Append(entry);
  log_.Append(std::move(entry));
}

ProposeResult Raft::Core::Propose(Payload payload, Instant now, Index* index, Term* term) {
  Advance(now);
  QB_CHECK(payload != nullptr);
  const auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return ProposeResult::kNotLeader;
  if (leader->handover) return ProposeResult::kTransferring;
  if (log_.BytesAfter(commit_) >= options_.max_uncommitted_bytes) return ProposeResult::kBusy;
  AppendOwn(EntryType::kCommand, std::move(payload));
  *index = log_.last();
  *term = term_;
  return ProposeResult::kAccepted;
}

bool Raft::Core::ReadIndex(uint64_t id, Instant now) {
  Advance(now);
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return false;
  leader->reads.Add(id);
  return true;
}

// 6.4: before an entry of its own term is committed, a leader does not know what is committed.
void Raft::Core::StartReadRound(Leader& leader) {
  if (!leader.reads.WantsRound() || commit_ < leader.term_start) return;
  Heartbeat(leader);
  leader.reads.StartRound(leader.round, commit_);
  ConfirmReads(leader);
}

void Raft::Core::ConfirmReads(Leader& leader) {
  MajorityValue<uint64_t> rounds;
  rounds.Add(leader.round);
  for (const Progress& peer : leader.peers) rounds.Add(peer.round);
  leader.reads.Confirm(rounds.Reached(), &reads_);
}

bool Raft::Core::IsActive(const Progress& peer) const {
  return now_ - peer.heard < options_.election_timeout_max;
}

// When a majority, the leader included, was last heard.
Instant Raft::Core::QuorumHeard(const Leader& leader) const {
  MajorityValue<Instant> heard;
  heard.Add(now_);
  for (const Progress& peer : leader.peers) heard.Add(peer.heard);
  return heard.Reached();
}

// Whether the quorum gets no further with what is to be committed. Such a leader holds up the
// cluster by the heartbeats it sends, whether the cause is its own disk, those of the followers or
// a network that lets only small messages through.
bool Raft::Core::IsStalled(const Leader& leader) const {
  return commit_ < log_.last() && now_ - leader.progress_at >= stall_timeout();
}

// The others can commit without this disk, but what waits for it grows.
Instant Raft::Core::DiskCheckAt(const Leader& leader) const {
  const std::optional<Instant> oldest = writes_.oldest_taken_at();
  if (!oldest) return Instant::max();
  return std::max(*oldest, leader.disk_checked_at) + stall_timeout();
}

void Raft::Core::TickLeader() {
  auto& leader = std::get<Leader>(role_);
  if (leader.peers.empty()) return;
  if (leader.handover && now_ >= leader.handover->deadline) leader.handover.reset();
  // 6.2: without word from a majority, another may lead by now.
  const bool quorum_lost = now_ - QuorumHeard(leader) >= options_.election_timeout_max;
  if (quorum_lost || IsStalled(leader)) return BecomeFollower(term_);
  if (now_ >= DiskCheckAt(leader)) {
    leader.disk_checked_at = now_;
    TransferLeadership(NodeId(), now_);
  }
  if (now_ >= leader.heartbeat_at) {
    Heartbeat(leader);
    ContinueHandover(leader);
  }
  for (Progress& peer : leader.peers) {
    if (peer.transfer && now_ >= peer.transfer->resend_at) SendChunk(leader, peer);
  }
}

Instant Raft::Core::LeaderDeadline(const Leader& leader) const {
  if (leader.peers.empty()) return Instant::max();
  Instant deadline = std::min(leader.heartbeat_at, DiskCheckAt(leader));
  deadline = std::min(deadline, QuorumHeard(leader) + options_.election_timeout_max);
  if (commit_ < log_.last()) deadline = std::min(deadline, leader.progress_at + stall_timeout());
  if (leader.handover) deadline = std::min(deadline, leader.handover->deadline);
  for (const Progress& peer : leader.peers) {
    if (peer.transfer) deadline = std::min(deadline, peer.transfer->resend_at);
  }
  return deadline;
}

bool Raft::Core::TransferLeadership(NodeId target, Instant now) {
  Advance(now);
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return false;
  const Progress* chosen = nullptr;
  for (const Progress& peer : leader->peers) {
    const bool eligible = target == NodeId() ? IsActive(peer) : peer.id == target;
    if (eligible && (chosen == nullptr || peer.match > chosen->match)) chosen = &peer;
  }
  if (chosen == nullptr) return false;
  if (leader->handover && leader->handover->target == chosen->id) return true;
  leader->handover =
      Leader::Handover{.target = chosen->id, .deadline = now_ + options_.election_timeout_max};
  ContinueHandover(*leader);
  return true;
}

// Repeated with the heartbeats, in case it was lost.
void Raft::Core::ContinueHandover(Leader& leader) {
  if (!leader.handover) return;
  const Progress& target = *leader.Find(leader.handover->target);
  if (target.match == log_.last()) Send(target.id, TimeoutNow{});
}

}  // namespace quorumbook::consensus
