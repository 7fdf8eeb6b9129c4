// What the replicas said about their states, and who stands alone with it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

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

  // REQUIRES: IsNear(index, applied), `node` is a member. Returns who is now known to differ from a
  // majority of the voters at `index`, each once; none (NodeId 0) when all voters have reported and
  // no majority agrees.
  std::vector<NodeId> Note(NodeId node, Index index, const Digest& digest, Index applied,
                           const Configuration& configuration) {
    while (!reports_.empty() && !IsNear(reports_.begin()->first, applied)) {
      reports_.erase(reports_.begin());
    }
    AtIndex& at = reports_[index];
    at.digests[node] = digest;
    std::vector<NodeId> named;
    MemberSet all;
    bool decided = false;
    for (const auto& [reporter, candidate] : at.digests) {
      all.Insert(reporter);
      MemberSet agreeing;
      for (const auto& [other, theirs] : at.digests) {
        if (theirs == candidate) agreeing.Insert(other);
      }
      if (decided || !agreeing.HasQuorumOf(configuration)) continue;
      decided = true;
      for (const auto& [other, theirs] : at.digests) {
        if (theirs != candidate) Name(other, &at, &named);
      }
    }
    const auto all_of = [&](const std::vector<NodeId>& voters) {
      return all.CountOf(voters) == voters.size();
    };
    if (!decided && all_of(configuration.voters) && all_of(configuration.voters_outgoing)) {
      Name(NodeId(), &at, &named);
    }
    return named;
  }

 private:
  struct AtIndex {
    std::map<NodeId, Digest> digests;
    MemberSet named;
  };

  static void Name(NodeId node, AtIndex* at, std::vector<NodeId>* named) {
    if (at->named.Contains(node)) return;
    at->named.Insert(node);
    named->push_back(node);
  }

  uint64_t interval_;
  std::map<Index, AtIndex> reports_;
};

}  // namespace quorumbook::consensus
