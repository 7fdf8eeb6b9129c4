// Who must have noticed that a state has diverged: what each process has heard of the states of
// others, kept apart from the core that compares them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>

#include "consensus/types.h"

namespace quorumbook::sim {

// A process, by the member that it is, its shard and which of its lives.
using Process = std::tuple<NodeId, ShardId, uint64_t>;

class DigestWatch {
 public:
  // `process` has heard that the state of `member` at `index` has this digest.
  void Heard(const Process& process, NodeId member, consensus::Index index, const Digest& digest,
             NodeId suspect, const consensus::Configuration& members);
  // At how many indexes it has heard that a majority of the voters agree, and that the suspect's
  // state is another.
  size_t Proofs(const Process& process) const {
    const auto found = proofs_.find(process);
    return found == proofs_.end() ? 0 : found->second.size();
  }

 private:
  std::map<std::pair<Process, consensus::Index>, std::map<NodeId, Digest>> heard_;
  std::map<Process, std::set<consensus::Index>> proofs_;
};

}  // namespace quorumbook::sim
