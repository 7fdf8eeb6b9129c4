// What a traitor may do without more harm than Raft can bear (docs/simulation.md, Traitors): the
// books that are kept for that, by shard and term. What it said is counted when it is sent.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "consensus/message.h"

namespace quorumbook::sim {

class Treason {
 public:
  void SetTraitor(NodeId traitor) { traitor_ = traitor; }

  // Who votes for whom, and whether the traitor has acknowledged anything.
  void Sent(ShardId shard, const std::vector<consensus::Message>& messages);
  // Drops what the traitor says in a term in which it has voted twice, and what it acknowledges in
  // one in which it wants to: whoever it helps to lead can commit nothing by it.
  void KeepQuiet(ShardId shard, std::vector<consensus::Message>* messages) const;
  // Drops acknowledgements of what the traitor told in two ways, and of all behind it: it commits
  // nothing that others may not have.
  void Withhold(ShardId shard, std::vector<consensus::Message>* messages) const;

  // Whether a second vote for `rival` elects nobody who commits: there are two candidates, neither
  // of which can win without the traitor, and it has acknowledged nothing to either.
  bool MayVoteFor(ShardId shard, consensus::Term term, NodeId rival,
                  const consensus::Configuration& members) const;
  // It wants to vote twice in `term`, for which `candidate` asks first.
  void Plan(ShardId shard, consensus::Term term, NodeId candidate) {
    plans_[{shard, term}] = candidate;
  }
  // None: it does not want to.
  NodeId Planned(ShardId shard, consensus::Term term) const {
    const auto plan = plans_.find({shard, term});
    return plan == plans_.end() ? NodeId() : plan->second;
  }
  void VotedTwice(ShardId shard, consensus::Term term) { quiet_.insert({shard, term}); }

  // From now on nothing from `index` on is committed by the traitor in `term`.
  void ToldTwice(ShardId shard, consensus::Term term, consensus::Index index);
  bool HasToldTwice(ShardId shard, consensus::Term term) const {
    return told_twice_.contains({shard, term});
  }

  // The traitor's vote has arrived at `candidate`, in a process that still runs.
  void VoteArrived(NodeId candidate, consensus::Term term) { votes_.insert({candidate, term}); }
  bool GaveVote(NodeId candidate, consensus::Term term) const {
    return votes_.contains({candidate, term});
  }
  void Forget(NodeId process) {
    std::erase_if(votes_, [process](const auto& vote) { return vote.first == process; });
    std::erase_if(taken_, [process](const auto& taken) { return taken.first.first == process; });
  }

  // `process` took entries up to `index` from the traitor in `term`.
  void Took(NodeId process, ShardId shard, consensus::Term term, consensus::Index index);
  bool HasTaken(NodeId process, ShardId shard, consensus::Term term, consensus::Index index) const;

 private:
  using Place = std::pair<ShardId, consensus::Term>;

  NodeId traitor_;
  std::map<Place, std::map<NodeId, std::set<NodeId>>> ballots_;  // candidate -> voters
  std::set<Place> acknowledged_;
  std::set<Place> quiet_;
  std::map<Place, NodeId> plans_;
  std::map<Place, consensus::Index> told_twice_;
  std::set<std::pair<NodeId, consensus::Term>> votes_;
  std::map<std::pair<NodeId, ShardId>, std::pair<consensus::Term, consensus::Index>> taken_;
};

}  // namespace quorumbook::sim
