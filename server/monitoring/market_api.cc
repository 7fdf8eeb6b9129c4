#include "server/monitoring/market_api.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <vector>

#include "server/market_codec.h"
#include "server/monitoring/cluster_api.h"
#include "server/monitoring/market_json.h"
#include "server/monitoring/query.h"
#include "server/report_codec.h"

namespace quorumbook::server {
namespace {

using Access = Router::Access;
using exchange::Exchange;
using exchange::SymbolInfo;

constexpr uint32_t kMostItems = 1'000;
constexpr uint32_t kMostCandles = 400;

v1::Symbol SymbolOf(const Exchange& exchange, const SymbolInfo& info, ShardId shard) {
  v1::Symbol symbol;
  ToProto(info, exchange, shard, &symbol);
  return symbol;
}

struct SymbolFigures {
  v1::Symbol symbol;
  v1::Summary summary;
};

SymbolFigures FiguresOf(const Exchange& exchange, const SymbolInfo& info, ShardId shard) {
  SymbolFigures figures;
  figures.symbol = SymbolOf(exchange, info, shard);
  const auto summary = exchange.Summary(info.id);
  if (summary) ToProto(*summary, &figures.summary);
  return figures;
}

// The first symbols of one shard, by name. Walks all of them on the strand, and copies only those.
std::vector<SymbolFigures> FirstSymbols(const Exchange& exchange, ShardId shard,
                                        const std::string& after, size_t limit) {
  const auto by_name = [](const SymbolInfo* a, const SymbolInfo* b) { return a->name < b->name; };
  std::vector<const SymbolInfo*> first;  // a heap, the last of them on top
  exchange::SymbolId id;
  while (const SymbolInfo* const info = exchange.FindSymbol(id.Next())) {  // ids have no gaps
    id = info->id;
    if (info->name <= after) continue;
    if (first.size() == limit) {
      if (!by_name(info, first.front())) continue;
      std::pop_heap(first.begin(), first.end(), by_name);
      first.pop_back();
    }
    first.push_back(info);
    std::push_heap(first.begin(), first.end(), by_name);
  }
  std::sort_heap(first.begin(), first.end(), by_name);
  std::vector<SymbolFigures> figures;
  for (const SymbolInfo* info : first) figures.push_back(FiguresOf(exchange, *info, shard));
  return figures;
}

// Answers when every shard has.
struct SymbolList {
  std::vector<SymbolFigures> symbols;
  size_t missing = 0;
  size_t limit = 0;
  Respond respond;

  void Add(std::vector<SymbolFigures> more, const ClusterState& state) {
    std::move(more.begin(), more.end(), std::back_inserter(symbols));
    if (--missing > 0) return;
    std::sort(symbols.begin(), symbols.end(), [](const SymbolFigures& a, const SymbolFigures& b) {
      return a.symbol.name() < b.symbol.name();
    });
    const bool all = symbols.size() < limit;
    if (symbols.size() > limit - 1) symbols.resize(limit - 1);
    Json out = Envelope(state.view());
    out["symbols"] = Json::array();
    for (const SymbolFigures& one : symbols) {
      out["symbols"].push_back(SummaryJson(one.symbol, one.summary));
    }
    out["next"] = all || symbols.empty() ? Json() : Json(symbols.back().symbol.name());
    respond(JsonResponse(out));
  }
};

void ListSymbols(const MarketReader& reader, const ClusterState& state, const HttpRequest& request,
                 Respond respond) {
  QueryReader query(request);
  const auto limit = query.Count<uint32_t>("limit", 1, kMostItems, kMostItems);
  if (const auto refusal = query.Refusal()) return respond(*refusal);
  const auto& replicas = reader.shards().all();
  if (replicas.empty()) {
    Refusal refusal;
    reader.shards().Find(0, &refusal);
    return respond(RefusalProblem(refusal));
  }
  auto list = std::make_shared<SymbolList>();
  list->missing = replicas.size();
  list->limit = size_t{limit} + 1;  // one more tells that there are more
  list->respond = std::move(respond);
  const std::string after = request.Query("after");
  for (const auto& [shard, replica] : replicas) {
    replica->Read(/*stale_ok=*/true, [&reader, &state, list, after, id = shard](
                                         const Refusal*, const Exchange& exchange) {
      boost::asio::post(reader.io(),
                        [&state, list, some = FirstSymbols(exchange, id, after, list->limit)] {
                          list->Add(some, state);
                        });
    });
  }
}

struct BookRead {
  v1::Book book;
  v1::Auction auction;
  bool in_auction = false;
};

void GetBook(const MarketReader& reader, const ClusterState& state, const HttpRequest& request,
             Respond respond) {
  QueryReader query(request);
  const auto levels = query.Count<uint32_t>("levels", 1, kMostItems, 10);
  if (const auto refusal = query.Refusal()) return respond(*refusal);
  reader.ReadSymbol(
      request.parameters.at("symbol"), std::move(respond),
      [levels](const Exchange& exchange, const SymbolInfo& info, ShardId shard) {
        BookRead read;
        *read.book.mutable_symbol() = SymbolOf(exchange, info, shard);
        const exchange::Depth depth = exchange.GetDepth(info.id, levels);
        ToProto(depth.bids, read.book.mutable_bids());
        ToProto(depth.asks, read.book.mutable_asks());
        read.book.set_event_sequence(exchange.last_sequence());
        const auto auction = exchange.Indicative(info.id);
        read.in_auction = auction.has_value();
        if (auction) ToProto(*auction, &read.auction);
        return read;
      },
      [&state](const BookRead& read, const Respond& answer) {
        const v1::Symbol& symbol = read.book.symbol();
        Json out = MarketEnvelope(state, symbol.shard());
        AddSymbol(symbol, &out);
        out["event_sequence"] = read.book.event_sequence();
        out["bids"] = LevelsJson(read.book.bids(), symbol);
        out["asks"] = LevelsJson(read.book.asks(), symbol);
        AddSpread(read.book.bids().empty() ? 0 : read.book.bids(0).price(),
                  read.book.asks().empty() ? 0 : read.book.asks(0).price(), symbol, &out);
        out["auction"] = read.in_auction ? AuctionJson(read.auction, symbol) : Json();
        out["reference_price"] = PriceJson(symbol.reference_price(), symbol);
        answer(JsonResponse(out));
      });
}

void GetTrades(const MarketReader& reader, const ClusterState& state, const HttpRequest& request,
               Respond respond) {
  QueryReader query(request);
  const auto limit = query.Count<uint32_t>("limit", 1, kMostItems, 50);
  if (const auto refusal = query.Refusal()) return respond(*refusal);
  reader.ReadSymbol(
      request.parameters.at("symbol"), std::move(respond),
      [limit](const Exchange& exchange, const SymbolInfo& info, ShardId shard) {
        v1::Trades trades;
        *trades.mutable_symbol() = SymbolOf(exchange, info, shard);
        ToProto(exchange.RecentTrades(info.id, limit), trades.mutable_trades());
        return trades;
      },
      [&state](const v1::Trades& trades, const Respond& answer) {
        Json out = MarketEnvelope(state, trades.symbol().shard());
        out["symbol"] = trades.symbol().name();
        out["trades"] = Json::array();
        for (const v1::Trade& trade : trades.trades()) {
          out["trades"].push_back(TradeJson(trade, trades.symbol()));
        }
        answer(JsonResponse(out));
      });
}

void GetCandles(const MarketReader& reader, const ClusterState& state, const HttpRequest& request,
                Respond respond) {
  QueryReader query(request);
  const auto limit = query.Count<uint32_t>("limit", 1, kMostCandles, kMostCandles);
  v1::CandleInterval interval = v1::ONE_MINUTE;
  const std::string text = request.Query("interval");
  if (!text.empty() && !ParseInterval(text, &interval)) {
    query.Wrong("interval '" + text + "' is none of 1m, 5m, 1h, 1d");
  }
  if (const auto refusal = query.Refusal()) return respond(*refusal);
  reader.ReadSymbol(
      request.parameters.at("symbol"), std::move(respond),
      [limit, interval](const Exchange& exchange, const SymbolInfo& info, ShardId shard) {
        v1::Candles candles;
        *candles.mutable_symbol() = SymbolOf(exchange, info, shard);
        candles.set_interval(interval);
        ToProto(exchange.Candles(info.id, static_cast<exchange::CandleInterval>(interval), limit),
                candles.mutable_candles());
        return candles;
      },
      [&state](const v1::Candles& candles, const Respond& answer) {
        Json out = MarketEnvelope(state, candles.symbol().shard());
        out["symbol"] = candles.symbol().name();
        out["interval"] = IntervalName(candles.interval());
        out["candles"] = Json::array();
        for (const v1::Candle& candle : candles.candles()) {
          out["candles"].push_back(CandleJson(candle, candles.symbol()));
        }
        answer(JsonResponse(out));
      });
}

}  // namespace

Json MarketEnvelope(const ClusterState& state, uint32_t shard) {
  Json out = Envelope(state.view());
  const ReadinessCheck check = state.ReadinessOf(shard);
  out["behind"] = check.ok ? Json() : Json(check.detail);
  return out;
}

HttpResponse RefusalProblem(const Refusal& refusal) {
  if (refusal.code == RefusalCode::kNotFounded) {
    return Problem(503, "not_founded", refusal.message, "start the missing nodes, then try again");
  }
  if (refusal.code == RefusalCode::kWrongShard) {
    return Problem(404, "unknown_shard", refusal.message, "GET /api/shards lists the shards");
  }
  return Problem(503, "busy", refusal.message, "try again");
}

HttpResponse UnknownSymbol(const std::string& symbol) {
  return Problem(404, "unknown_symbol", "there is no symbol '" + symbol + "'",
                 "GET /api/symbols lists the symbols");
}

void AddMarketRoutes(const MarketReader* reader, const ClusterState* state, Router* router) {
  using Handler = void (*)(const MarketReader&, const ClusterState&, const HttpRequest&, Respond);
  const auto get = [&](const char* path, Handler handler) {
    router->Add("GET", path, Access::kOpen,
                [reader, state, handler](const HttpRequest& request, Respond respond) {
                  handler(*reader, *state, request, std::move(respond));
                });
  };
  get("/api/symbols", ListSymbols);
  get("/api/book/{symbol}", GetBook);
  get("/api/trades/{symbol}", GetTrades);
  get("/api/candles/{symbol}", GetCandles);
}

}  // namespace quorumbook::server
