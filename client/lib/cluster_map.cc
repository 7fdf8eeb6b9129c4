#include "client/lib/cluster_map.h"

#include <algorithm>

namespace quorumbook::client {

void ClusterMap::AddAddress(const std::string& address, bool in_front) {
  auto found = std::find(addresses_.begin(), addresses_.end(), address);
  if (found != addresses_.end()) {
    if (!in_front) return;
    addresses_.erase(found);
  }
  if (addresses_.size() >= kMaxAddresses) return;
  addresses_.insert(in_front ? addresses_.begin() : addresses_.end(), address);
}

void ClusterMap::Learn(const v1::ClusterDescription& description) {
  std::lock_guard lock(mutex_);
  std::map<uint32_t, std::string> address_of;
  for (auto node = description.nodes().rbegin(); node != description.nodes().rend(); ++node) {
    if (node->client_address().empty()) continue;
    AddAddress(node->client_address(), /*in_front=*/true);
    address_of[node->id()] = node->client_address();
  }
  shards_.clear();
  for (const v1::ShardDescription& shard : description.shards()) {
    shards_.push_back(shard.id());
    auto leader = address_of.find(shard.leader_id());
    if (leader != address_of.end()) leaders_[shard.id()] = leader->second;
  }
  symbol_shards_.clear();
  for (const auto& [name, shard] : description.symbol_shards()) symbol_shards_[name] = shard;
  default_shard_ = description.default_shard();
}

std::vector<std::string> ClusterMap::Addresses() const {
  std::lock_guard lock(mutex_);
  return addresses_;
}

std::vector<uint32_t> ClusterMap::Shards() const {
  std::lock_guard lock(mutex_);
  return shards_;
}

uint32_t ClusterMap::ShardOf(std::string_view symbol) const {
  std::lock_guard lock(mutex_);
  auto found = symbol_shards_.find(symbol);
  return found == symbol_shards_.end() ? default_shard_ : found->second;
}

std::string ClusterMap::LeaderOf(uint32_t shard) const {
  std::lock_guard lock(mutex_);
  auto found = leaders_.find(shard);
  return found == leaders_.end() ? "" : found->second;
}

void ClusterMap::SetLeader(uint32_t shard, const std::string& address) {
  std::lock_guard lock(mutex_);
  AddAddress(address, /*in_front=*/false);
  leaders_[shard] = address;
}

void ClusterMap::ForgetLeader(uint32_t shard, const std::string& address) {
  std::lock_guard lock(mutex_);
  auto found = leaders_.find(shard);
  if (found != leaders_.end() && found->second == address) leaders_.erase(found);
}

}  // namespace quorumbook::client
