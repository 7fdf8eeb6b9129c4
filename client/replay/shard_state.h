// How the replicas of a shard stand after a replay: do they agree on the market?
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "quorumbook/client.h"

namespace quorumbook::replay {

struct ReplicaState {
  uint32_t node = 0;
  bool leader = false;
  uint64_t applied_index = 0;
  std::string market_digest;
  std::string error;  // why there is none, when the node does not answer
};

struct ShardState {
  uint32_t shard = 0;
  // Of the leader.
  uint64_t last_index = 0;  // applied
  std::string market_digest;
  std::vector<ReplicaState> replicas;  // of all configured nodes, in id order

  // Replicas at the leader's index with its digest, itself included.
  size_t agreeing() const;
  // Replicas at the leader's index with another digest: state machines that diverged.
  size_t diverged() const;
};

// Asks until all replicas are at the leader's index, at most for `timeout`; then the state is as
// last seen, with replicas that lag or do not answer. kUnavailable when no leader answered.
absl::StatusOr<ShardState> ReadShardState(Client& client, uint32_t shard,
                                          std::chrono::milliseconds timeout);

}  // namespace quorumbook::replay
