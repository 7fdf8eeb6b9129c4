#include "server/market_data_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "server/order_codec.h"

namespace quorumbook::server {
namespace {

using Unary = grpc::ServerUnaryReactor;

constexpr uint32_t kDefaultLevels = 10;
constexpr uint32_t kMaxLevels = 1'000;
constexpr size_t kMaxBookOrders = 1'000;
constexpr uint32_t kDefaultTrades = 50;

// Reads the shard's state and finishes the call with what `fill(exchange)` returns.
template <typename Request, typename Fill>
Unary* ReadShard(const ShardSet& shards, grpc::CallbackServerContext* context,
                 const Request* request, Fill fill) {
  Unary* const reactor = context->DefaultReactor();
  Refusal refusal;
  ShardReplica* const replica = shards.Find(request->shard(), &refusal);
  if (replica == nullptr) {
    reactor->Finish(shards.ToStatus(refusal, context));
    return reactor;
  }
  replica->Read(request->stale_ok(), [&shards, context, reactor, fill](
                                         const Refusal* why, const exchange::Exchange& exchange) {
    reactor->Finish(why != nullptr ? shards.ToStatus(*why, context) : fill(exchange));
  });
  return reactor;
}

// The same for one symbol: `fill(exchange, symbol)` fills the answer.
template <typename Request, typename Fill>
Unary* ReadSymbol(const ShardSet& shards, grpc::CallbackServerContext* context,
                  const Request* request, Fill fill) {
  return ReadShard(shards, context, request, [request, fill](const exchange::Exchange& exchange) {
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
    if (symbol == nullptr) {
      return grpc::Status(
          grpc::StatusCode::NOT_FOUND,
          fmt::format("shard {} has no symbol '{}'", request->shard(), request->symbol()));
    }
    fill(exchange, *symbol);
    return grpc::Status::OK;
  });
}

std::string ToDecimal(exchange::Uint128 value) { return fmt::format("{}", value); }

void AddLevels(const std::vector<exchange::LevelInfo>& levels,
               google::protobuf::RepeatedPtrField<v1::Level>* out) {
  for (const exchange::LevelInfo& level : levels) {
    v1::Level* item = out->Add();
    item->set_price(level.price);
    item->set_quantity(level.quantity);
    item->set_orders(level.orders);
  }
}

// The orders of the levels shown, in priority order.
void AddOrders(const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol,
               exchange::Side side, const std::vector<exchange::LevelInfo>& levels,
               google::protobuf::RepeatedPtrField<v1::Order>* out) {
  size_t orders = 0;
  for (const exchange::LevelInfo& level : levels) orders += level.orders;
  for (const exchange::OrderInfo& order :
       exchange.GetOrders(symbol.id, side, std::min(orders, kMaxBookOrders))) {
    ToProto(order, symbol.name, out->Add());
  }
}

}  // namespace

Unary* MarketDataService::ListSymbols(grpc::CallbackServerContext* context,
                                      const v1::ListSymbolsRequest* request,
                                      v1::ListSymbolsResponse* response) {
  return ReadShard(shards_, context, request,
                   [request, response](const exchange::Exchange& exchange) {
                     for (const exchange::SymbolInfo& symbol : exchange.Symbols()) {
                       ToProto(symbol, ShardId(request->shard()), response->add_symbols());
                     }
                     return grpc::Status::OK;
                   });
}

Unary* MarketDataService::GetBook(grpc::CallbackServerContext* context,
                                  const v1::GetBookRequest* request, v1::Book* response) {
  return ReadSymbol(
      shards_, context, request,
      [request, response](const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol) {
        const uint32_t levels =
            request->levels() == 0 ? kDefaultLevels : std::min(request->levels(), kMaxLevels);
        const exchange::Depth depth = exchange.GetDepth(symbol.id, levels);
        ToProto(symbol, ShardId(request->shard()), response->mutable_symbol());
        response->set_event_sequence(exchange.last_sequence());
        AddLevels(depth.bids, response->mutable_bids());
        AddLevels(depth.asks, response->mutable_asks());
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
      shards_, context, request,
      [request, response](const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol) {
        const uint32_t limit = request->limit() == 0 ? kDefaultTrades : request->limit();
        ToProto(symbol, ShardId(request->shard()), response->mutable_symbol());
        for (const exchange::TradeInfo& trade : exchange.RecentTrades(symbol.id, limit)) {
          v1::Trade* item = response->add_trades();
          item->set_trade_id(trade.id);
          item->set_event_sequence(trade.sequence);
          item->set_time_ns(trade.time);
          item->set_taker_side(static_cast<v1::Side>(trade.taker_side));
          item->set_price(trade.price);
          item->set_quantity(trade.quantity);
        }
      });
}

Unary* MarketDataService::GetSummary(grpc::CallbackServerContext* context,
                                     const v1::GetSummaryRequest* request, v1::Summary* response) {
  return ReadSymbol(
      shards_, context, request,
      [request, response](const exchange::Exchange& exchange, const exchange::SymbolInfo& symbol) {
        const std::optional<exchange::MarketSummary> summary = exchange.Summary(symbol.id);
        if (!summary) return;
        ToProto(symbol, ShardId(request->shard()), response->mutable_symbol());
        response->set_last(summary->last);
        response->set_open(summary->open);
        response->set_high(summary->high);
        response->set_low(summary->low);
        response->set_trades(summary->trades);
        response->set_volume(ToDecimal(summary->volume));
        response->set_notional(ToDecimal(summary->notional));
        response->set_best_bid(summary->best_bid);
        response->set_best_bid_quantity(summary->best_bid_quantity);
        response->set_best_ask(summary->best_ask);
        response->set_best_ask_quantity(summary->best_ask_quantity);
      });
}

}  // namespace quorumbook::server
