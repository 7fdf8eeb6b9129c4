// A node that breaks the rules on purpose. What it says is wrong; its own core stays an honest one.
//
// Raft does not tolerate such a node, it can only find it out. So the traitor picks its moments: it
// lies where Raft can keep its promises in spite of it, and the promises are checked as always.
// That it is named, by the evidence of a correct node, is checked too.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "consensus/message.h"
#include "tests/sim/digest_watch.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"

namespace quorumbook::sim {

class Traitor {
 public:
  // `member`: none when nobody is one.
  Traitor(Byzantine kind, NodeId member, uint64_t seed);

  NodeId member() const { return member_; }
  Byzantine kind() const { return kind_; }

  // `messages` are what the traitor's core wants to say to one node. Returns the lies that go with
  // them, to be sent behind them.
  std::vector<consensus::Message> Lie(const std::vector<consensus::Message>& messages);

  // Another entry instead of the last one of an append, well-formed and chained; empty: this
  // message has none that could be replaced.
  static std::optional<consensus::Message> OtherStory(const consensus::Message& message);

  // A lie has arrived at a correct node that is able to see it.
  void Told() { ++told_; }
  // A process, which may be its own, has evidence against it.
  void FoundOut(const Process& witness) {
    const auto& [member, shard, life] = witness;
    if (member == member_) {
      knows_itself_.insert(shard);
    } else {
      witnesses_.insert(witness);
    }
  }
  bool FoundOutBy(const Process& witness) const { return witnesses_.contains(witness); }
  // By others.
  bool found_out() const { return !witnesses_.empty(); }
  // It has lied often enough that it must have been found out.
  bool MustBeKnown() const { return told_ >= kLiesUntilKnown; }
  // By its own comparison of states; not to be forgotten in a restart.
  bool KnowsItself(ShardId shard) const { return knows_itself_.contains(shard); }

 private:
  static constexpr uint64_t kLiesUntilKnown = 5;

  void Equivocate(const consensus::Message& message, std::vector<consensus::Message>* lies);
  void ClaimToLead(const consensus::Message& message, std::vector<consensus::Message>* lies);
  void VoteTwice(const consensus::Message& message, std::vector<consensus::Message>* lies);
  void Forge(const consensus::Message& message, std::vector<consensus::Message>* lies);

  Byzantine kind_;
  NodeId member_;
  Random random_;
  // An equivocating leader tells other entries, and no other history of what is committed: by that
  // it would be found out first.
  bool entries_only_;
  uint64_t told_ = 0;
  std::set<Process> witnesses_;
  std::set<ShardId> knows_itself_;
};

// Changes one bit of a payload; false when there is none.
bool FlipPayloadBit(consensus::Message* message, Random* random);

}  // namespace quorumbook::sim
