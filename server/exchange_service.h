// Order entry over gRPC (proto/quorumbook/v1/exchange.proto).
#pragma once

#include "quorumbook/v1/exchange.grpc.pb.h"
#include "server/shard_set.h"

namespace quorumbook::server {

class ExchangeService final : public v1::Exchange::CallbackService {
 public:
  // `shards` outlives this.
  explicit ExchangeService(const ShardSet* shards) : shards_(*shards) {}

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

 private:
  const ShardSet& shards_;
};

}  // namespace quorumbook::server
