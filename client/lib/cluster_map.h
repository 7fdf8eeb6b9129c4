// What the client knows of the cluster: its nodes, who leads each shard, where symbols live.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "quorumbook/v1/cluster.pb.h"

namespace quorumbook::client {

// Thread-safe.
class ClusterMap {
 public:
  // Bounds what nodes can make a client remember.
  static constexpr size_t kMaxAddresses = 64;

  explicit ClusterMap(const std::vector<std::string>& endpoints) : addresses_(endpoints) {}

  // Takes over what a node says. Addresses known before stay: a node may name itself by an address
  // that can not be reached from here, when the one that was configured here can.
  void Learn(const v1::ClusterDescription& description);

  // Client addresses of nodes, those named by the cluster first.
  std::vector<std::string> Addresses() const;
  std::vector<uint32_t> Shards() const;
  uint32_t ShardOf(std::string_view symbol) const;

  // "" when not known.
  std::string LeaderOf(uint32_t shard) const;
  void SetLeader(uint32_t shard, const std::string& address);
  // Forgets the leader if it is still `address`.
  void ForgetLeader(uint32_t shard, const std::string& address);

 private:
  void AddAddress(const std::string& address, bool in_front);

  mutable std::mutex mutex_;
  std::vector<std::string> addresses_;
  std::vector<uint32_t> shards_;
  std::map<std::string, uint32_t, std::less<>> symbol_shards_;
  uint32_t default_shard_ = 0;
  std::map<uint32_t, std::string> leaders_;  // by shard
};

}  // namespace quorumbook::client
