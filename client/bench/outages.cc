#include "client/bench/outages.h"

#include <algorithm>

namespace quorumbook::bench {

std::vector<Outage> JoinOutages(std::vector<Outage> outages) {
  std::sort(outages.begin(), outages.end(),
            [](const Outage& a, const Outage& b) { return a.from_ns < b.from_ns; });
  std::vector<Outage> joined;
  for (const Outage& outage : outages) {
    if (joined.empty() || outage.from_ns > joined.back().to_ns) {
      joined.push_back(outage);
    } else {
      joined.back().to_ns = std::max(joined.back().to_ns, outage.to_ns);
    }
  }
  return joined;
}

}  // namespace quorumbook::bench
