#include "tests/sim/digest_watch.h"

#include <vector>

#include "tests/sim/shard_checks.h"

namespace quorumbook::sim {

void DigestWatch::Heard(const Process& process, NodeId member, consensus::Index index,
                        const Digest& digest, NodeId suspect,
                        const consensus::Configuration& members) {
  std::map<NodeId, Digest>& reports = heard_[{process, index}];
  reports[member] = digest;
  const auto suspected = reports.find(suspect);
  if (suspected == reports.end() || !members.Contains(suspect)) return;
  std::map<Digest, std::vector<NodeId>> camps;
  for (const auto& [reporter, reported] : reports) camps[reported].push_back(reporter);
  for (const auto& [reported, camp] : camps) {
    if (reported == suspected->second || !HasMajority(members.voters, camp)) continue;
    if (members.joint() && !HasMajority(members.voters_outgoing, camp)) continue;
    proofs_[process].insert(index);
  }
}

}  // namespace quorumbook::sim
