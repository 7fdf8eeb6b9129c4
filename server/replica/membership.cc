#include "server/replica/membership.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

using consensus::Configuration;
using consensus::Index;
using consensus::Instant;
using consensus::PeerProgress;
using consensus::ProposeResult;
using consensus::Role;
using consensus::Term;

constexpr std::chrono::seconds kChangeTimeout{5};

bool Contains(const std::vector<NodeId>& members, NodeId member) {
  return std::find(members.begin(), members.end(), member) != members.end();
}

// `members` without those of `node`.
std::vector<NodeId> Without(std::vector<NodeId> members, NodeId node) {
  std::erase_if(members, [node](NodeId member) { return NodeOf(member) == node; });
  return members;
}

std::vector<NodeId> With(std::vector<NodeId> members, NodeId member) {
  members.push_back(member);
  return members;
}

Refusal WhyNot(ProposeResult result) {
  switch (result) {
    case ProposeResult::kInvalid:
      return {RefusalCode::kMalformed,
              absl::StrCat("a group has 1 to ", consensus::kVotersMax, " voters and at most ",
                           consensus::kLearnersMax, " learners: see `qb cluster status`"),
              NodeId()};
    case ProposeResult::kRetired:
      return {
          RefusalCode::kMalformed,
          "the node was taken out, and does not come back under the identity that its data has: "
          "start it with an empty data_dir, then add it",
          NodeId()};
    case ProposeResult::kTransferring:
      return {RefusalCode::kBusy, "leadership is being handed over", NodeId(), kRetryAfterMs};
    default:
      return {RefusalCode::kBusy, "another change of members is not done yet", NodeId(),
              kRetryAfterMs};
  }
}

}  // namespace

NodeId Membership::FindMember(NodeId node) const {
  const std::vector<NodeId> members = raft_.configuration().Members();
  const auto it = std::find_if(members.begin(), members.end(),
                               [node](NodeId member) { return NodeOf(member) == node; });
  return it == members.end() ? NodeId() : *it;
}

bool Membership::SetConnected(std::vector<NodeId> members) {
  const bool somebody_new = std::any_of(members.begin(), members.end(), [this](NodeId member) {
    return !Contains(connected_, member);
  });
  connected_ = std::move(members);
  return somebody_new;
}

bool Membership::Tend(Instant now) {
  if (raft_.role() != Role::kLeader || raft_.configuration().joint()) return false;
  for (const NodeId member : connected_) {
    if (!raft_.configuration().Contains(member) && Replace(member, now)) return true;
  }
  for (const NodeId learner : raft_.configuration().learners) {
    if (Promote(learner, now)) return true;
  }
  return false;
}

// Who is connected is the only one that its node has now: an older incarnation is gone for good.
// Unless two processes have the same number by mistake: who is still heard is not gone.
bool Membership::Replace(NodeId member, Instant now) {
  const NodeId older = FindMember(NodeOf(member));
  if (older == NodeId() || older == self_) return false;
  raft_.Tick(now);  // a silent leader may last have looked at the clock long ago
  for (const PeerProgress& peer : raft_.status().peers) {
    if (peer.id == older && peer.active) return false;
  }
  const Configuration& current = raft_.configuration();
  Index index;
  Term term;
  return raft_.ProposeConfiguration(Without(current.voters, NodeOf(member)),
                                    With(Without(current.learners, NodeOf(member)), member), now,
                                    &index, &term) == ProposeResult::kAccepted;
}

bool Membership::Promote(NodeId learner, Instant now) {
  const consensus::RaftStatus status = raft_.status();
  const auto peer = std::find_if(status.peers.begin(), status.peers.end(),
                                 [learner](const PeerProgress& one) { return one.id == learner; });
  if (peer == status.peers.end() || !HasCaughtUp(*peer, status.last)) return false;
  const Configuration& current = raft_.configuration();
  Index index;
  Term term;
  return raft_.ProposeConfiguration(With(current.voters, learner),
                                    Without(current.learners, NodeOf(learner)), now, &index,
                                    &term) == ProposeResult::kAccepted;
}

bool Membership::HasCaughtUp(const PeerProgress& peer, Index last) const {
  return peer.active && !peer.probing && !peer.snapshotting && Contains(connected_, peer.id) &&
         peer.match.value() + kCaughtUpEntries >= last.value() &&
         peer.behind_bytes <= kCaughtUpBytes;
}

void Membership::Add(NodeId node, Instant now, Callback callback) {
  const auto member = std::find_if(connected_.begin(), connected_.end(),
                                   [node](NodeId connected) { return NodeOf(connected) == node; });
  const Configuration& current = raft_.configuration();
  if (FindMember(node) != NodeId()) return callback(nullptr, current);
  if (member == connected_.end()) {
    const Refusal refusal{RefusalCode::kMalformed,
                          absl::StrCat("node ", node.value(),
                                       " is not connected with the leader: list it in the `peers` "
                                       "of all nodes, and start it"),
                          NodeId()};
    return callback(&refusal, current);
  }
  Propose(current.voters, With(current.learners, *member), now, {node, true, std::move(callback)});
}

void Membership::Remove(NodeId node, Instant now, Callback callback) {
  const Configuration& current = raft_.configuration();
  if (FindMember(node) == NodeId()) return callback(nullptr, current);
  Propose(Without(current.voters, node), Without(current.learners, node), now,
          {node, false, std::move(callback)});
}

void Membership::Propose(std::vector<NodeId> voters, std::vector<NodeId> learners, Instant now,
                         Change change) {
  Index index;
  Term term;
  const ProposeResult result =
      waiting_.size() >= kMaxMemberChanges
          ? ProposeResult::kBusy
          : raft_.ProposeConfiguration(std::move(voters), std::move(learners), now, &index, &term);
  if (result != ProposeResult::kAccepted) {
    const Refusal refusal = WhyNot(result);
    return change.callback(&refusal, raft_.configuration());
  }
  waiting_.push_back({std::move(change), index, now + kChangeTimeout});
}

// Whoever leads now: the entry may be another one than was proposed, so the outcome is looked at.
bool Membership::IsDone(const Waiting& waiting) const {
  const bool member = FindMember(waiting.change.node) != NodeId();
  return raft_.commit() >= waiting.index && !raft_.configuration().joint() &&
         member == waiting.change.member;
}

void Membership::Answer(const Refusal& not_leader, Instant now) {
  if (waiting_.empty()) return;
  const Configuration& current = raft_.configuration();
  const bool is_leader = raft_.role() == Role::kLeader;
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const Callback& callback = waiting.change.callback;
    if (IsDone(waiting)) {
      callback(nullptr, current);
    } else if (!is_leader) {
      callback(&not_leader, current);
    } else if (now >= waiting.deadline) {
      const Refusal refusal{RefusalCode::kBusy, "the change was not committed in time", NodeId(),
                            kRetryAfterMs};
      callback(&refusal, current);
    } else {
      return false;
    }
    return true;
  });
}

void Membership::FailAll(const Refusal& refusal) {
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    waiting.change.callback(&refusal, raft_.configuration());
  }
}

Instant Membership::deadline() const {
  Instant earliest = Instant::max();
  for (const Waiting& waiting : waiting_) earliest = std::min(earliest, waiting.deadline);
  return earliest;
}

}  // namespace quorumbook::server
