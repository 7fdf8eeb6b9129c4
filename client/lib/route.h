// The way of one piece of work to a shard's leader: whom to ask next, and how long to wait first.
//
// Nodes are asked in rounds. In a round a node is asked at most once, in this order: whom the last
// answer named, the leader as last known, the others in turn. Between rounds the client backs off.
// So a redirect costs nothing, and a follower that still names a dead leader does no harm.
#pragma once

#include <absl/status/status.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "client/lib/backoff.h"
#include "client/lib/cluster_map.h"
#include "client/lib/rpc_error.h"

namespace quorumbook::client {

// Not thread-safe.
class Route {
 public:
  // REQUIRES: `map` outlives it and has at least one address.
  Route(ClusterMap* map, uint32_t shard, uint64_t seed);

  struct Hop {
    std::string address;
    std::chrono::milliseconds wait{0};  // before asking it
  };
  Hop Next();

  // REQUIRES: Judge(error) is not kGiveUp.
  void Failed(const std::string& address, const RpcError& error);
  // The same node can serve it, but not before `wait`; `said` is why.
  void Later(const std::string& address, std::chrono::milliseconds wait, std::string said);
  void Succeeded(const std::string& address);

  // kDeadlineExceeded: what was tried, and what each node last said. `what` is the piece of work.
  absl::Status DeadlineError(std::string_view what, std::chrono::milliseconds timeout) const;

 private:
  std::string Candidate() const;  // "" when every node was asked in this round

  ClusterMap* map_;
  uint32_t shard_;
  Backoff backoff_;
  std::string named_;  // by the last answer
  std::chrono::milliseconds wait_{0};
  std::set<std::string> asked_;  // in this round
  std::map<std::string, std::string> said_;
};

}  // namespace quorumbook::client
