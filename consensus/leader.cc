// What a leader does beside replication: proposals, its timers, handing over.
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/check.h"
#include "consensus/core.h"

namespace quorumbook::consensus {

void Raft::Core::AppendOwn(EntryType type, Payload payload) {
  // The clock of the stall check starts when there is something to get done.
  if (auto& leader = std::get<Leader>(role_); commit_ == log_.last()) leader.GotFurther(now_);
  const SnapshotMeta previous = log_.last_meta();
  const Index index = previous.index.Next();
  Entry entry{.term = term_,
              .index = index,
              .type = type,
              .chain = Chain(previous.chain, term_, index, type, *payload),
              .payload = std::move(payload)};
  if (!Is(Mutant::kConfigurationOnApply)) NoteConfiguration(entry);
  writes_.Append(entry);
  log_.Append(std::move(entry));
}

ProposeResult Raft::Core::Propose(Payload payload, Instant now, Index* index, Term* term) {
  Advance(now);
  QB_CHECK(payload != nullptr);
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return ProposeResult::kNotLeader;
  if (leader->handover) return ProposeResult::kTransferring;
  if (log_.BytesAfter(commit_) >= options_.max_uncommitted_bytes) return ProposeResult::kBusy;
  WakeLeader(*leader);
  AppendOwn(EntryType::kCommand, std::move(payload));
  *index = log_.last();
  *term = term_;
  return ProposeResult::kAccepted;
}

bool Raft::Core::IsActive(const Progress& peer) const {
  return now_ - peer.heard < options_.election_timeout_max;
}

// Whether leadership may be given to it.
bool Raft::Core::CanLead(const Progress& peer) const {
  return IsActive(peer) && configuration().IsVoter(peer.id) && !fenced_.Contains(peer.id);
}

// When a majority was last heard; the leader hears itself.
Instant Raft::Core::QuorumHeard(const Leader& leader) const {
  return QuorumReached(electorate_, [&](NodeId voter) {
    if (voter == options_.id) return now_;
    const Progress* peer = leader.Find(voter);
    return peer == nullptr ? Instant::min() : peer->heard;
  });
}

// Whether the quorum gets no further with what is to be committed. Such a leader holds up the
// cluster by the heartbeats it sends, whether the cause is its own disk, those of the followers or
// a network that lets only small messages through. It has more patience with a follower that comes
// closer, but not without end: that one may be far behind, and others, whom only this leader does
// not hear, could form a quorum without it at once.
bool Raft::Core::IsStalled(const Leader& leader) const {
  return commit_ < log_.last() && now_ >= StallsAt(leader) && !Is(Mutant::kStalledLeaderStays);
}

Instant Raft::Core::StallsAt(const Leader& leader) const {
  return std::min(leader.progress_at + stall_timeout(),
                  leader.further_at + kPatienceStalls * stall_timeout());
}

// The others can commit without this disk, but what waits for it grows.
Instant Raft::Core::DiskCheckAt(const Leader& leader) const {
  const std::optional<Instant> oldest = writes_.oldest_taken_at();
  if (!oldest) return Instant::max();
  return std::max(*oldest, leader.disk_checked_at) + stall_timeout();
}

void Raft::Core::TickLeader() {
  auto& leader = std::get<Leader>(role_);
  if (leader.peers.empty() || leader.quiesced) return;
  if (leader.handover && now_ >= leader.handover->deadline) {
    leader.handover.reset();
    if (!configuration().IsVoter(options_.id)) return BecomeFollower(term_);
  }
  // 6.2: without word from a majority, another may lead by now.
  const bool quorum_lost = now_ - QuorumHeard(leader) >= options_.election_timeout_max;
  const bool stalled = IsStalled(leader);
  if ((quorum_lost || stalled) && !Is(Mutant::kNoCheckQuorum)) {
    if (stalled) sits_out_ = BehindOthers() + kStalledSitsOut;
    return BecomeFollower(term_);
  }
  if (now_ >= DiskCheckAt(leader)) {
    leader.disk_checked_at = now_;
    TransferLeadership(NodeId(), now_);
  }
  if (now_ >= leader.heartbeat_at && !MaybeQuiesce(leader)) {
    DropLeaving(leader);
    MaybePreferOther(leader);
    Heartbeat(leader);
    ContinueHandover(leader);
  }
  RetryTransfers(leader);
}

// A follower that should rather lead, and can: at times, so that one which keeps failing does not
// keep the group from working.
void Raft::Core::MaybePreferOther(Leader& leader) {
  if (now_ < leader.preference_at) return;
  leader.preference_at = now_ + kPreferenceElections * options_.election_timeout_max;
  const Progress* preferred = nullptr;
  for (const Progress& peer : leader.peers) {
    const bool caught_up = peer.state == Progress::State::kReplicate && peer.match >= commit_;
    if (!CanLead(peer) || !caught_up || peer.priority <= options_.priority) continue;
    if (preferred == nullptr || peer.priority > preferred->priority) preferred = &peer;
  }
  if (preferred != nullptr) TransferLeadership(preferred->id, now_);
}

Instant Raft::Core::LeaderDeadline(const Leader& leader) const {
  if (leader.peers.empty() || leader.quiesced) return Instant::max();
  Instant deadline = std::min(leader.heartbeat_at, DiskCheckAt(leader));
  if (!Is(Mutant::kNoCheckQuorum)) {
    deadline = std::min(deadline, QuorumHeard(leader) + options_.election_timeout_max);
    const bool checked = commit_ < log_.last() && !Is(Mutant::kStalledLeaderStays);
    if (checked) deadline = std::min(deadline, StallsAt(leader));
  }
  if (leader.handover) deadline = std::min(deadline, leader.handover->deadline);
  for (const Progress& peer : leader.peers) {
    if (!peer.transfer) continue;
    if (peer.transfer->asked) deadline = std::min(deadline, peer.transfer->resend_at);
    if (WantsChunk(peer)) deadline = std::min(deadline, std::max(now_, leader.chunk_at));
  }
  return deadline;
}

bool Raft::Core::TransferLeadership(NodeId target, Instant now) {
  Advance(now);
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return false;
  WakeLeader(*leader);  // in silence nobody is heard who is there
  const Progress* chosen = nullptr;
  const auto rank = [](const Progress& peer) { return std::tie(peer.match, peer.priority); };
  for (const Progress& peer : leader->peers) {
    const bool eligible = CanLead(peer) && (target == NodeId() || target == peer.id);
    if (eligible && (chosen == nullptr || rank(peer) > rank(*chosen))) chosen = &peer;
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
  const Progress* target = leader.Find(leader.handover->target);
  if (target == nullptr) return;
  if (target->match < log_.last() && !Is(Mutant::kTransferWithoutCatchUp)) return;
  leader.offered = true;
  Send(target->id, TimeoutNow{});
}

}  // namespace quorumbook::consensus
