// What a leader does about the members of its group (docs/decisions/0006-members.md): replaces
// those whose store is gone, gives learners a vote, and changes members when an operator says so.
#pragma once

#include <functional>
#include <vector>

#include "consensus/raft.h"
#include "server/replica/refusal.h"

namespace quorumbook::server {

// A learner that lacks no more than this, in entries and in bytes, is as good as up to date: what a
// leader has under way to any follower (consensus::Options::max_inflight_messages, ..._bytes).
inline constexpr uint64_t kCaughtUpEntries = 256;
inline constexpr uint64_t kCaughtUpBytes = uint64_t{8} << 20;
// Calls to change members that wait for an answer, a replica; beyond it the answer is kBusy.
inline constexpr size_t kMaxMemberChanges = 64;

class Membership {
 public:
  // `self`: this replica's member. `raft` outlives this.
  Membership(NodeId self, consensus::Raft* raft) : self_(self), raft_(*raft) {}

  // The members whose streams are up, one a node, this one left out. Learned from their hellos.
  // Returns whether one is among them that was not before.
  bool SetConnected(std::vector<NodeId> members);

  // What is due by itself, to be called whenever something may have changed: one step at a time,
  // only in a leader. Returns whether it proposed something.
  bool Tend(consensus::Instant now);

  // Makes `node` a member, first as a learner, or takes it out. Answers when the change is
  // committed, at once when there is nothing to do, or why it is not done.
  using Callback = std::function<void(const Refusal* refusal, const consensus::Configuration&)>;
  void Add(NodeId node, consensus::Instant now, Callback callback);
  void Remove(NodeId node, consensus::Instant now, Callback callback);

  // Answers those who wait, if it is time. `not_leader`: what to say when leadership is lost.
  void Answer(const Refusal& not_leader, consensus::Instant now);
  void FailAll(const Refusal& refusal);
  // When Answer has something to do at the latest.
  consensus::Instant deadline() const;

  // The member that `node` is in the configuration in force; none: it is not in it.
  NodeId FindMember(NodeId node) const;

 private:
  // A change that an operator asked for.
  struct Change {
    NodeId node;
    bool member = false;  // what it is to be
    Callback callback;
  };
  struct Waiting {
    Change change;
    consensus::Index index;  // of the configuration that was proposed
    consensus::Instant deadline{};
  };

  bool Replace(NodeId member, consensus::Instant now);
  bool Promote(NodeId learner, consensus::Instant now);
  bool HasCaughtUp(const consensus::PeerProgress& peer, consensus::Index last) const;
  void Propose(std::vector<NodeId> voters, std::vector<NodeId> learners, consensus::Instant now,
               Change change);
  bool IsDone(const Waiting& waiting) const;

  const NodeId self_;
  consensus::Raft& raft_;
  std::vector<NodeId> connected_;
  std::vector<Waiting> waiting_;
};

}  // namespace quorumbook::server
