// One client's market data subscription, over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>

#include "quorumbook/v1/market_data.grpc.pb.h"
#include "server/market_data_feed.h"
#include "server/market_data_queue.h"
#include "server/monitoring/grpc_metrics.h"
#include "server/request_places.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// Keeps itself alive until gRPC is done with it and the feed has forgotten it. Writes bytes rather
// than messages: what many subscribers get is serialized once.
class MarketDataStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                               public MarketDataSubscriber,
                               public std::enable_shared_from_this<MarketDataStream> {
 public:
  // `request`: a serialized SubscribeRequest.
  static MarketDataStream* Begin(const ShardSet* shards, RequestPlaces* places,
                                 GrpcMetrics* metrics, grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer& request);
  MarketDataStream(const ShardSet* shards, GrpcMetrics* metrics,
                   grpc::CallbackServerContext* context, bool may_conflate)
      : shards_(*shards),
        count_(metrics, GrpcMetrics::kMarketDataStream),
        context_(context),
        queue_(may_conflate) {}

  size_t OnUpdate(const SharedUpdate& update, bool snapshot) override;
  size_t Behind() const override;
  void OnEnd(const Refusal& refusal) override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // REQUIRES of all below: mutex_ held.
  void WriteNext();
  void EndWith(const Refusal& refusal);
  void FinishWhenIdle();
  void FinishWith(const grpc::Status& status);

  const ShardSet& shards_;
  GrpcMetrics::Stream count_;
  grpc::CallbackServerContext* const context_;
  ShardReplica* replica_ = nullptr;
  std::shared_ptr<void> place_;  // RequestPlaces::Take
  std::shared_ptr<MarketDataStream> self_;

  mutable std::mutex mutex_;  // guards all below
  MarketDataQueue queue_;
  uint64_t sequence_ = 0;  // of the update written last
  grpc::ByteBuffer writing_;
  bool is_writing_ = false;
  bool ending_ = false;    // nothing more is sent; final_status_ is why
  bool finished_ = false;  // Finish was called
  grpc::Status final_status_;
};

}  // namespace quorumbook::server
