// The replicas of a node by shard, and what its edge says for each of them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

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

  void Clear() { replicas_.clear(); }
  // From here on the replicas are there for everybody, and none is added any more. Before that the
  // methods above are for one thread alone.
  void Serve() { serving_.store(true, std::memory_order_release); }

  // None before Serve().
  const std::map<ShardId, std::shared_ptr<ShardReplica>>& all() const;

  // What the founding of the cluster waits for; for answers before Serve().
  void WaitFor(std::string what);

  // Empty: it is founded, and the replicas are there.
  std::string waiting_for() const;

  // Null and a refusal when this node does not host the shard, or does not serve yet.
  ShardReplica* Find(uint32_t shard, Refusal* refusal) const;

  // `refusal` as a gRPC status; the detail goes into the call's trailing metadata.
  grpc::Status ToStatus(const Refusal& refusal, grpc::ServerContextBase* context) const;

  const Config& config() const { return config_; }

 private:
  const Config& config_;
  std::map<ShardId, std::shared_ptr<ShardReplica>> replicas_;
  std::atomic<bool> serving_{false};
  mutable std::mutex mutex_;
  std::string waiting_for_;  // guarded by mutex_
};

// What a session answers that did not execute, as a refusal. REQUIRES: status is not kOk.
Refusal SessionRefusal(const exchange::GroupResult& group);

}  // namespace quorumbook::server
