// What a client and its sessions share: channels, what is known of the cluster, how to call.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "client/lib/channel_pool.h"
#include "client/lib/cluster_map.h"
#include "client/lib/rpc_error.h"
#include "quorumbook/client.h"

namespace quorumbook::client {

using SteadyClock = std::chrono::steady_clock;

// Thread-safe.
class Connection {
 public:
  // `ca`: what options.ca_file holds.
  Connection(const ClientOptions& options, const std::string& ca);

  const ClientOptions& options() const { return options_; }
  ChannelPool& channels() { return channels_; }
  ClusterMap& map() { return map_; }
  uint64_t NextSeed() { return seed_.fetch_add(1); }  // of one back-off

  // Asks node after node, round after round, until one describes the cluster; learns what it says.
  // kUnavailable when none does within `timeout`; each is named.
  absl::StatusOr<v1::ClusterDescription> Describe(std::chrono::milliseconds timeout);

  // One attempt of a unary call. `call` is e.g. a lambda that calls node.exchange->GetOrder.
  using Attempt = std::function<grpc::Status(Node&, grpc::ClientContext*)>;

  // Makes attempts at the leader of `shard`, wherever that is, until one is answered (the answer
  // may be an error) or `timeout` has passed. REQUIRES: repeating the call does no harm.
  absl::Status CallLeader(uint32_t shard, std::string_view what, std::chrono::milliseconds timeout,
                          const Attempt& attempt);
  // One attempt at the node of `address`, at most `timeout` long.
  RpcError CallNode(const std::string& address, std::chrono::milliseconds timeout,
                    const Attempt& attempt);

 private:
  const ClientOptions options_;
  ChannelPool channels_;
  ClusterMap map_;
  std::atomic<uint64_t> seed_;
};

}  // namespace quorumbook::client
