#include "server/market_data_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "server/market_codec.h"
#include "server/market_data_stream.h"
#include "server/report_codec.h"

namespace quorumbook::server {
namespace {

constexpr size_t kMaxShownOrders = 1'000;  // a side of a book
constexpr uint32_t kDefaultTrades = 50;
constexpr int kMaxListedSymbols = 5'000;

// Finishes the call with what `fill(exchange, symbol)` filled in.
template <typename Request, typename Fill>
Unary* ReadSymbol(const ReplicaCalls& calls, grpc::CallbackServerContext* context,
                  const Request* request, Fill fill) {
  return calls.Read(context, request->shard(), request->stale_ok(),
                    [request, fill](const exchange::Exchange& exchange) {
                      const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
                      if (symbol == nullptr) {
                        return grpc::Status(grpc::StatusCode::NOT_FOUND,
                                            fmt::format("shard {} has no symbol '{}'",
                                                        request->shard(), request->symbol()));
                      }
                      fill(exchange, *symbol);
                      return grpc::Status::OK;
                    });
}

// The orders of the levels shown, in priority order.
void AddOrders(const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol,
               exchange::Side side, const std::vector<exchange::LevelInfo>& levels,
               google::protobuf::RepeatedPtrField<v1::Order>* out) {
  size_t orders = 0;
  for (const exchange::LevelInfo& level : levels) orders += level.orders;
  for (const exchange::OrderInfo& order :
       exchange.GetOrders(symbol.id, side, std::min(orders, kMaxShownOrders))) {
    ToProto(order, symbol.name, out->Add());
  }
}

}  // namespace

Unary* MarketDataService::ListSymbols(grpc::CallbackServerContext* context,
                                      const v1::ListSymbolsRequest* request,
                                      v1::ListSymbolsResponse* response) {
  return calls_.Read(context, request->shard(), request->stale_ok(),
                     [request, response](const exchange::Exchange& exchange) {
                       // Ids have no gaps.
                       exchange::SymbolId id(request->after_id());
                       while (const exchange::SymbolInfo* symbol = exchange.FindSymbol(id.Next())) {
                         if (response->symbols_size() == kMaxListedSymbols) {
                           response->set_more(true);
                           break;
                         }
                         id = symbol->id;
                         ToProto(*symbol, exchange, ShardId(request->shard()),
                                 response->add_symbols());
                       }
                       return grpc::Status::OK;
                     });
}

Unary* MarketDataService::GetBook(grpc::CallbackServerContext* context,
                                  const v1::GetBookRequest* request, v1::Book* response) {
  return ReadSymbol(
      calls_, context, request,
      [request, response](const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol) {
        const uint32_t levels =
            request->levels() == 0 ? kDefaultDepth : std::min(request->levels(), kMaxDepth);
        const exchange::Depth depth = exchange.GetDepth(symbol.id, levels);
        ToProto(symbol, exchange, ShardId(request->shard()), response->mutable_symbol());
        response->set_event_sequence(exchange.last_sequence());
        ToProto(depth.bids, response->mutable_bids());
        ToProto(depth.asks, response->mutable_asks());
        if (!request->orders()) return;
        AddOrders(exchange, symbol, exchange::Side::kBuy, depth.bids,
                  response->mutable_bid_orders());
        AddOrders(exchange, symbol, exchange::Side::kSell, depth.asks,
                  response->mutable_ask_orders());
      });
}

Unary* MarketDataService::GetTrades(grpc::CallbackServerContext* context,
                                    const v1::GetTradesRequest* request, v1::Trades* response) {
  return ReadSymbol(
      calls_, context, request,
      [request, response](const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol) {
        const uint32_t limit = request->limit() == 0 ? kDefaultTrades : request->limit();
        ToProto(symbol, exchange, ShardId(request->shard()), response->mutable_symbol());
        ToProto(exchange.RecentTrades(symbol.id, limit), response->mutable_trades());
      });
}

Unary* MarketDataService::GetSummary(grpc::CallbackServerContext* context,
                                     const v1::GetSummaryRequest* request, v1::Summary* response) {
  return ReadSymbol(
      calls_, context, request,
      [request, response](const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol) {
        const std::optional<exchange::MarketSummary> summary = exchange.Summary(symbol.id);
        if (summary) ToProto(*summary, response);
        ToProto(symbol, exchange, ShardId(request->shard()), response->mutable_symbol());
      });
}

Unary* MarketDataService::GetCandles(grpc::CallbackServerContext* context,
                                     const v1::GetCandlesRequest* request, v1::Candles* response) {
  if (request->interval() < v1::ONE_MINUTE || request->interval() > v1::ONE_DAY) {
    Unary* const reactor = context->DefaultReactor();
    reactor->Finish(shards_.ToStatus(
        {RefusalCode::kMalformed, "interval is none of CandleInterval's", NodeId()}, context));
    return reactor;
  }
  return ReadSymbol(
      calls_, context, request,
      [request, response](const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol) {
        const auto interval = static_cast<exchange::CandleInterval>(request->interval());
        const uint32_t kept = exchange::kMaxCandles[request->interval()];
        const uint32_t limit = request->limit() == 0 ? kept : std::min(request->limit(), kept);
        ToProto(symbol, exchange, ShardId(request->shard()), response->mutable_symbol());
        response->set_interval(request->interval());
        ToProto(exchange.Candles(symbol.id, interval, limit), response->mutable_candles());
      });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* MarketDataService::Subscribe(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return MarketDataStream::Begin(&shards_, &places_, &metrics_, context, *request);
}

}  // namespace quorumbook::server
