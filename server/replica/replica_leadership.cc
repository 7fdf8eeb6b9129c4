// The part of a replica that deals with leadership: who has it, handing it over, giving it up.
#include <algorithm>
#include <chrono>
#include <utility>

#include "server/replica/member.h"
#include "server/replica/replica.h"

namespace quorumbook::server {
namespace {

using consensus::Instant;
using consensus::Role;

constexpr std::chrono::seconds kDrainTimeout{3};
constexpr std::chrono::seconds kTransferTimeout{3};
constexpr size_t kMaxTransfers = 64;

}  // namespace

Refusal Replica::NotLeader() const {
  const NodeId leader = raft_.leader() == options_.raft.id ? NodeId() : raft_.leader();
  return {RefusalCode::kNotLeader,
          leader == NodeId() ? "no leader is known" : "this node is not the leader", leader,
          kRetryAfterMs};
}

Refusal Replica::ShuttingDown() {
  return {RefusalCode::kShuttingDown, "this node is shutting down", NodeId()};
}

Leadership Replica::CurrentLeadership() const {
  const bool serves = raft_.role() == Role::kLeader && applied_term_ == raft_.term();
  return {raft_.leader(), raft_.term(), serves ? raft_.term() : consensus::Term()};
}

void Replica::PublishLeadership() {
  const Leadership now = CurrentLeadership();
  if (now == published_) return;
  published_ = now;
  host_.LeadershipChanged(now);
}

void Replica::AfterOutput() {
  PublishLeadership();
  const bool is_leader = raft_.role() == Role::kLeader;
  if (was_leader_ && !is_leader) {
    proposals_.FailProposed({RefusalCode::kLeadershipLost,
                             "this node lost leadership before the commands were committed",
                             NotLeader().leader});
    proposals_.FailWaiting(NotLeader());
  }
  was_leader_ = is_leader;
  DropDecoded();
  AnswerTransfers();
  membership_.Answer(NotLeader(), host_.Now());
  MaybeTakeSnapshot();
  ContinueDraining();
}

void Replica::TransferLeadership(NodeId target, TransferCallback callback) {
  const NodeId member = membership_.FindMember(target);
  const bool known = target == NodeId() || member != NodeId();
  if (draining_ || raft_.role() != Role::kLeader) {
    const Refusal refusal = draining_ ? ShuttingDown() : NotLeader();
    callback(&refusal, NodeId());
  } else if (target == NodeOf(options_.raft.id)) {
    callback(nullptr, target);  // e.g. a repeat of a call whose answer was lost
  } else if (transfers_.size() >= kMaxTransfers) {
    const Refusal refusal{RefusalCode::kBusy, "too many transfers are under way", NodeId(),
                          kRetryAfterMs};
    callback(&refusal, NodeId());
  } else if (!known || !raft_.TransferLeadership(member, host_.Now())) {
    const Refusal refusal{RefusalCode::kMalformed,
                          "no such follower is there to take over: see `qb cluster status`",
                          NodeId()};
    callback(&refusal, NodeId());
  } else {
    transfers_.push_back({std::move(callback), host_.Now() + kTransferTimeout});
  }
  ProcessOutput();
}

// A leader that takes no commands, and goes on sending heartbeats, would hold up the cluster: the
// others may be able to.
void Replica::HandOver() {
  if (host_.Now() < next_hand_over_) return;
  next_hand_over_ = host_.Now() + hand_over_retry_;
  hand_over_retry_ = std::min<consensus::Duration>(2 * hand_over_retry_, kHandOverRetryMax);
  raft_.TransferLeadership(NodeId(), host_.Now());
  ProcessOutput();
}

void Replica::AnswerTransfers() {
  if (transfers_.empty()) return;
  const NodeId leader = raft_.leader();
  const bool moved = leader != NodeId() && leader != options_.raft.id;
  const Instant now = host_.Now();
  std::erase_if(transfers_, [&](const Transfer& transfer) {
    if (moved) {
      transfer.callback(nullptr, NodeOf(leader));
    } else if (now >= transfer.deadline) {
      const Refusal refusal{RefusalCode::kBusy, "the follower did not take over in time", NodeId(),
                            kRetryAfterMs};
      transfer.callback(&refusal, NodeId());
    } else {
      return false;
    }
    return true;
  });
}

void Replica::SetConnected(std::vector<NodeId> members) {
  std::erase_if(members, [this](NodeId member) { return forgers_.contains(NodeOf(member)); });
  // Who comes back to a silent group without a vote asks for nothing, and may not know what was
  // committed last.
  const bool somebody_new = membership_.SetConnected(std::move(members));
  if (somebody_new && raft_.role() == Role::kLeader) raft_.Wake(host_.Now());
  membership_.Tend(host_.Now());
  ProcessOutput();
}

void Replica::PeerLost(NodeId member) {
  raft_.PeerLost(member, host_.Now());
  ProcessOutput();
}

void Replica::SetClockTrusted(bool trusted) {
  raft_.SetClockTrusted(trusted, host_.Now());
  ProcessOutput();
}

void Replica::ChangeMember(NodeId node, bool member, Membership::Callback callback) {
  if (draining_ || raft_.role() != Role::kLeader) {
    const Refusal refusal = draining_ ? ShuttingDown() : NotLeader();
    callback(&refusal, raft_.configuration());
  } else if (member) {
    membership_.Add(node, host_.Now(), std::move(callback));
  } else {
    membership_.Remove(node, host_.Now(), std::move(callback));
  }
  ProcessOutput();
}

void Replica::Drain(std::function<void()> callback) {
  draining_ = true;
  drained_ = std::move(callback);
  drain_deadline_ = host_.Now() + kDrainTimeout;
  ProcessOutput();
}

void Replica::ContinueDraining() {
  if (!drained_) return;
  const bool idle = !proposals_.HasWaiting() && !proposals_.HasProposed();
  const bool is_leader = raft_.role() == Role::kLeader;
  if (is_leader && idle && !drain_transferred_) {
    // Alone in the group there is nobody to hand over to: draining is all there is to do.
    drain_transferred_ = true;
    if (!raft_.TransferLeadership(NodeId(), host_.Now())) drain_deadline_ = host_.Now();
  }
  if ((!is_leader && idle) || host_.Now() >= drain_deadline_) FinishDraining();
}

// Nobody waits for an answer any more: a listener can only close when every call is answered.
void Replica::FinishDraining() {
  proposals_.FailWaiting(ShuttingDown());
  proposals_.FailProposed({RefusalCode::kLeadershipLost,
                           "this node shut down before the commands were committed", NodeId()});
  const Refusal refusal = ShuttingDown();
  for (const auto& [id, read] : std::exchange(reads_, {})) read.callback(&refusal, exchange_);
  for (const auto& [index, read] : std::exchange(reads_to_apply_, {})) {
    read.callback(&refusal, exchange_);
  }
  for (const Transfer& transfer : std::exchange(transfers_, {})) {
    transfer.callback(&refusal, NodeId());
  }
  membership_.FailAll(refusal);
  std::exchange(drained_, nullptr)();
}

}  // namespace quorumbook::server
