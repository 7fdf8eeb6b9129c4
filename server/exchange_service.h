// Order entry over gRPC (proto/quorumbook/v1/exchange.proto).
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "quorumbook/v1/exchange.grpc.pb.h"
#include "server/monitoring/grpc_metrics.h"
#include "server/replica_call.h"
#include "server/session_guard.h"
#include "server/shard_set.h"

namespace quorumbook::server {

class ExchangeService final : public v1::Exchange::CallbackService {
 public:
  // Both outlive this.
  ExchangeService(const ShardSet* shards, GrpcMetrics* metrics,
                  RequestPlaces places = RequestPlaces())
      : shards_(*shards), places_(std::move(places)), metrics_(*metrics), guard_(shards) {}

  grpc::ServerUnaryReactor* OpenSession(grpc::CallbackServerContext* context,
                                        const v1::OpenSessionRequest* request,
                                        v1::OpenSessionResponse* response) override;
  grpc::ServerUnaryReactor* CloseSession(grpc::CallbackServerContext* context,
                                         const v1::CloseSessionRequest* request,
                                         v1::CloseSessionResponse* response) override;
  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context,
                                   const v1::CommandBatch* request,
                                   v1::CommandBatchResult* response) override;
  grpc::ServerBidiReactor<v1::CommandBatch, v1::CommandBatchResult>* Stream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* GetOrder(grpc::CallbackServerContext* context,
                                     const v1::GetOrderRequest* request,
                                     v1::Order* response) override;
  grpc::ServerUnaryReactor* ListOrders(grpc::CallbackServerContext* context,
                                       const v1::ListOrdersRequest* request,
                                       v1::ListOrdersResponse* response) override;
  grpc::ServerUnaryReactor* GetAccount(grpc::CallbackServerContext* context,
                                       const v1::GetAccountRequest* request,
                                       v1::Account* response) override;
  grpc::ServerUnaryReactor* ListAssets(grpc::CallbackServerContext* context,
                                       const v1::ListAssetsRequest* request,
                                       v1::ListAssetsResponse* response) override;

 private:
  const ShardSet& shards_;
  RequestPlaces places_;
  const ReplicaCalls calls_{shards_, places_};
  GrpcMetrics& metrics_;
  SessionGuard guard_;
  std::atomic<uint64_t> unsent_of_streams_{0};  // see OrderStream
};

}  // namespace quorumbook::server
