// What a cluster's reports add up to: is it healthy, how many nodes can it still lose, do its
// replicas agree.
#pragma once

#include <string>
#include <vector>

#include "quorumbook/client.h"

namespace quorumbook::qb {

struct Health {
  bool available = false;  // every shard has a leader and a majority of its voters answers
  bool complete = false;   // and all nodes answer
  int can_lose = 0;        // nodes that may fail from here with all shards still available
  std::string summary;     // one line
};
// `shards` are those the cluster names. Who votes in a shard is what its leader says; without a
// leader every node counts.
Health Assess(const std::vector<Client::NodeReport>& reports, const std::vector<uint32_t>& shards);

struct Agreement {
  bool comparable = false;  // the replicas of each shard that answer are at one applied index
  bool diverged = false;    // two replicas at one applied index have different digests
  std::string summary;      // one line
};
// REQUIRES: the reports were asked for with digests.
Agreement Compare(const std::vector<Client::NodeReport>& reports);

}  // namespace quorumbook::qb
