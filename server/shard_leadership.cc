// The part of a replica that deals with leadership: who has it, handing it over, giving it up.
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "server/shard_replica.h"

namespace quorumbook::server {
namespace {

using consensus::Instant;
using consensus::Role;

constexpr std::chrono::seconds kDrainTimeout{3};
constexpr std::chrono::seconds kTransferTimeout{3};

}  // namespace

Refusal ShardReplica::NotLeader() const {
  const NodeId leader = raft_.leader() == options_.raft.id ? NodeId() : raft_.leader();
  return {v1::ErrorDetail::NOT_LEADER,
          leader == NodeId() ? "no leader is known" : "this node is not the leader", leader,
          kRetryAfterMs};
}

Refusal ShardReplica::ShuttingDown() {
  return {v1::ErrorDetail::SHUTTING_DOWN, "this node is shutting down", NodeId()};
}

void ShardReplica::UpdateServingTerm() {
  const bool serves = raft_.role() == Role::kLeader && applied_term_ == raft_.term();
  serving_term_.store(serves ? raft_.term().value() : 0, std::memory_order_release);
}

void ShardReplica::ObserveLeadership() {
  leader_.store(raft_.leader().value(), std::memory_order_relaxed);
  term_.store(raft_.term().value(), std::memory_order_relaxed);
  const bool is_leader = raft_.role() == Role::kLeader;
  UpdateServingTerm();
  if (was_leader_ && !is_leader) {
    proposals_.FailProposed({v1::ErrorDetail::LEADERSHIP_LOST,
                             "this node lost leadership before the commands were committed",
                             NotLeader().leader});
    RefuseWaiting(NotLeader());
  }
  was_leader_ = is_leader;
  if (raft_.leader() != observed_leader_ || raft_.term() != observed_term_) {
    if (raft_.leader() != NodeId()) {
      spdlog::info("shard {}: node {} leads in term {}", options_.shard.value(),
                   raft_.leader().value(), raft_.term().value());
    }
    observed_leader_ = raft_.leader();
    observed_term_ = raft_.term();
  }
  AnswerTransfers();
}

void ShardReplica::TransferLeadership(NodeId target, TransferCallback callback) {
  boost::asio::post(strand_, [self = shared_from_this(), target, callback = std::move(callback)] {
    if (self->draining_ || self->raft_.role() != Role::kLeader) {
      const Refusal refusal = self->draining_ ? ShuttingDown() : self->NotLeader();
      callback(&refusal, NodeId());
    } else if (target == self->options_.raft.id) {
      callback(nullptr, target);  // e.g. a repeat of a call whose answer was lost
    } else if (!self->raft_.TransferLeadership(target, Now())) {
      const Refusal refusal{v1::ErrorDetail::MALFORMED,
                            "no such follower is there to take over: see `qb cluster status`",
                            NodeId()};
      callback(&refusal, NodeId());
    } else {
      self->transfers_.push_back({callback, Now() + kTransferTimeout});
    }
    self->ProcessOutput();
  });
}

void ShardReplica::AnswerTransfers() {
  if (transfers_.empty()) return;
  const NodeId leader = raft_.leader();
  const bool moved = leader != NodeId() && leader != options_.raft.id;
  const Instant now = Now();
  std::erase_if(transfers_, [&](const Transfer& transfer) {
    if (moved) {
      transfer.callback(nullptr, leader);
    } else if (now >= transfer.deadline) {
      const Refusal refusal{v1::ErrorDetail::BUSY, "the follower did not take over in time",
                            NodeId(), kRetryAfterMs};
      transfer.callback(&refusal, NodeId());
    } else {
      return false;
    }
    return true;
  });
}

void ShardReplica::Drain(std::function<void()> callback) {
  boost::asio::post(strand_, [self = shared_from_this(), callback = std::move(callback)] {
    self->draining_ = true;
    self->drained_ = callback;
    self->drain_deadline_ = Now() + kDrainTimeout;
    self->ProcessOutput();
  });
}

void ShardReplica::ContinueDraining() {
  if (!draining_ || !drained_) return;
  const bool idle = !proposals_.HasWaiting() && !proposals_.HasProposed();
  const bool is_leader = raft_.role() == Role::kLeader;
  if (is_leader && idle && !drain_transferred_) {
    // Alone in the group there is nobody to hand over to: draining is all there is to do.
    drain_transferred_ = true;
    if (!raft_.TransferLeadership(NodeId(), Now())) drain_deadline_ = Now();
  }
  if ((!is_leader && idle) || Now() >= drain_deadline_) FinishDraining();
}

// Nobody waits for an answer any more: a listener can only close when every call is answered.
void ShardReplica::FinishDraining() {
  RefuseWaiting(ShuttingDown());
  proposals_.FailProposed({v1::ErrorDetail::LEADERSHIP_LOST,
                           "this node shut down before the commands were committed", NodeId()});
  const Refusal refusal = ShuttingDown();
  for (const auto& [id, callback] : std::exchange(reads_, {})) callback(&refusal, exchange_);
  for (const auto& [index, callback] : std::exchange(reads_to_apply_, {})) {
    callback(&refusal, exchange_);
  }
  for (const Transfer& transfer : std::exchange(transfers_, {})) {
    transfer.callback(&refusal, NodeId());
  }
  std::exchange(drained_, nullptr)();
}

}  // namespace quorumbook::server
