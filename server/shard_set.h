// The replicas of a node by shard, and what its edge says for each of them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>

#include "server/config.h"
#include "server/replica/refusal.h"
#include "server/shard_replica.h"

namespace quorumbook::server {

class ShardSet {
 public:
  explicit ShardSet(const Config* config) : config_(*config) {}

  void Add(std::shared_ptr<ShardReplica> replica) {
    const ShardId shard = replica->shard();
    replicas_.emplace(shard, std::move(replica));
  }

  const std::map<ShardId, std::shared_ptr<ShardReplica>>& all() const { return replicas_; }

  // Null and a refusal when this node does not host the shard.
  ShardReplica* Find(uint32_t shard, Refusal* refusal) const;

  // `refusal` as a gRPC status; the detail goes into the call's trailing metadata.
  grpc::Status ToStatus(const Refusal& refusal, grpc::ServerContextBase* context) const;

  const Config& config() const { return config_; }

 private:
  const Config& config_;
  std::map<ShardId, std::shared_ptr<ShardReplica>> replicas_;
};

// What a session answers that did not execute, as a refusal. REQUIRES: status is not kOk.
Refusal SessionRefusal(const exchange::GroupResult& group);

}  // namespace quorumbook::server
