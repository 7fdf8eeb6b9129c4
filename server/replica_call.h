// What unary calls that ask something of a replica have in common.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "server/request_places.h"
#include "server/shard_set.h"

namespace quorumbook::server {

using Unary = grpc::ServerUnaryReactor;

inline Refusal TooManyRequests() {
  return {RefusalCode::kBusy, "too many requests are under way", NodeId(), kRetryAfterMs};
}

// What the calls of a service share; all outlives them.
struct ReplicaCalls {
  const ShardSet& shards;
  RequestPlaces& places;

  // Takes a place, finds the replica of `shard` and calls `ask(replica, finish)`, which must see to
  // it that `finish(refusal, status)` is called once: the call ends with the refusal, or, if that
  // is null, with the status.
  template <typename Request>
  Unary* Ask(grpc::CallbackServerContext* context, uint32_t shard, const Request& ask) const {
    Unary* const reactor = context->DefaultReactor();
    Refusal refusal = TooManyRequests();
    std::shared_ptr<void> place = places.Take();
    ShardReplica* const replica = place == nullptr ? nullptr : shards.Find(shard, &refusal);
    if (replica == nullptr) {
      reactor->Finish(shards.ToStatus(refusal, context));
      return reactor;
    }
    ask(*replica, [all = &shards, context, reactor, place = std::move(place)](
                      const Refusal* why, const grpc::Status& status) {
      reactor->Finish(why != nullptr ? all->ToStatus(*why, context) : status);
    });
    return reactor;
  }

  // Finishes the call with what `fill(exchange)` returns. `stale_ok`: as ShardReplica::Read.
  template <typename Fill>
  Unary* Read(grpc::CallbackServerContext* context, uint32_t shard, bool stale_ok,
              const Fill& fill) const {
    return Ask(context, shard, [stale_ok, &fill](ShardReplica& replica, const auto& finish) {
      replica.Read(stale_ok,
                   [fill, finish](const Refusal* why, const exchange::Exchange& exchange) {
                     finish(why, why != nullptr ? grpc::Status::OK : fill(exchange));
                   });
    });
  }
};

}  // namespace quorumbook::server
