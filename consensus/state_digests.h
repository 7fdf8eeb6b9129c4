// What the replicas said about their states, and who stands alone with it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "consensus/message.h"
#include "consensus/quorum.h"
#include "consensus/types.h"

namespace quorumbook::consensus {

// Keeps the reports at the last few indexes. The members bound their number; a report replaces an
// earlier one of the same replica.
class StateDigests {
 public:
  static constexpr uint64_t kIndexesKept = 8;

  // `interval`: between the indexes of reports.
  explicit StateDigests(uint64_t interval) : interval_(interval) {}

  // Whether a report at `index` is of interest to a replica that has applied up to `applied`.
  bool IsNear(Index index, Index applied) const {
    const uint64_t reach = kIndexesKept * interval_;
    return interval_ > 0 && index > Index() && index.value() % interval_ == 0 &&
           index.value() <= applied.value() + reach && index.value() + reach > applied.value();
  }

  // Who is known to differ from a majority of the voters.
  struct Differs {
    NodeId node;
    bool in_log = false;  // it executed another log
  };

  // REQUIRES: IsNear(state.index, applied), `node` is a member. Returns who is now known to differ,
  // each once at an index; none (NodeId 0) when all voters have reported and no majority agrees.
  std::vector<Differs> Note(NodeId node, const StateDigest& state, Index applied,
                            const Configuration& configuration) {
    while (!reports_.empty() && !IsNear(reports_.begin()->first, applied)) {
      reports_.erase(reports_.begin());
    }
    AtIndex& at = reports_[state.index];
    at.states[node] = state;
    std::vector<Differs> named;
    MemberSet all;
    bool decided = false;
    for (const auto& [reporter, candidate] : at.states) {
      all.Insert(reporter);
      MemberSet agreeing;
      for (const auto& [other, theirs] : at.states) {
        if (Agree(theirs, candidate)) agreeing.Insert(other);
      }
      if (decided || !agreeing.HasQuorumOf(configuration)) continue;
      decided = true;
      for (const auto& [other, theirs] : at.states) {
        if (Agree(theirs, candidate)) continue;
        Name({.node = other, .in_log = !SameLog(theirs, candidate)}, &at, &named);
      }
    }
    const auto all_of = [&](const std::vector<NodeId>& voters) {
      return all.CountOf(voters) == voters.size();
    };
    if (!decided && all_of(configuration.voters) && all_of(configuration.voters_outgoing)) {
      Name({}, &at, &named);
    }
    return named;
  }

 private:
  struct AtIndex {
    std::map<NodeId, StateDigest> states;
    MemberSet named;
  };

  static bool SameLog(const StateDigest& a, const StateDigest& b) {
    return a.chain == b.chain || a.chain == Digest{} || b.chain == Digest{};
  }
  static bool Agree(const StateDigest& a, const StateDigest& b) {
    return a.digest == b.digest && SameLog(a, b);
  }

  static void Name(const Differs& differs, AtIndex* at, std::vector<Differs>* named) {
    if (at->named.Contains(differs.node)) return;
    at->named.Insert(differs.node);
    named->push_back(differs);
  }

  uint64_t interval_;
  std::map<Index, AtIndex> reports_;
};

}  // namespace quorumbook::consensus
