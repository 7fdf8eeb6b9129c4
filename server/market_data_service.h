// What markets look like, over gRPC (proto/quorumbook/v1/market_data.proto).
#pragma once

#include <utility>

#include "quorumbook/v1/market_data.grpc.pb.h"
#include "server/monitoring/grpc_metrics.h"
#include "server/replica_call.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// Subscriptions are written as bytes: market_data_stream.h.
class MarketDataService final
    : public v1::MarketData::WithRawCallbackMethod_Subscribe<v1::MarketData::CallbackService> {
 public:
  // Both outlive this.
  MarketDataService(const ShardSet* shards, GrpcMetrics* metrics,
                    RequestPlaces places = RequestPlaces())
      : shards_(*shards), places_(std::move(places)), metrics_(*metrics) {}

  grpc::ServerUnaryReactor* ListSymbols(grpc::CallbackServerContext* context,
                                        const v1::ListSymbolsRequest* request,
                                        v1::ListSymbolsResponse* response) override;
  grpc::ServerUnaryReactor* GetBook(grpc::CallbackServerContext* context,
                                    const v1::GetBookRequest* request, v1::Book* response) override;
  grpc::ServerUnaryReactor* GetTrades(grpc::CallbackServerContext* context,
                                      const v1::GetTradesRequest* request,
                                      v1::Trades* response) override;
  grpc::ServerUnaryReactor* GetSummary(grpc::CallbackServerContext* context,
                                       const v1::GetSummaryRequest* request,
                                       v1::Summary* response) override;
  grpc::ServerUnaryReactor* GetCandles(grpc::CallbackServerContext* context,
                                       const v1::GetCandlesRequest* request,
                                       v1::Candles* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Subscribe(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override;

 private:
  const ShardSet& shards_;
  RequestPlaces places_;
  const ReplicaCalls calls_{shards_, places_};
  GrpcMetrics& metrics_;
};

}  // namespace quorumbook::server
