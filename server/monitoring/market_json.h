// Markets as JSON (docs/api/openapi.json): prices and quantities in the units of their symbol.
#pragma once

#include <string>

#include "quorumbook/v1/exchange.pb.h"
#include "quorumbook/v1/market_data.pb.h"
#include "server/monitoring/json_text.h"

namespace quorumbook::server {

// Names of the API in lower case, e.g. "opening_auction".
std::string PhaseName(v1::Phase phase);
std::string SideName(v1::Side side);
std::string ReasonName(v1::Reason reason);       // "": none
std::string StatusName(v1::OrderStatus status);  // "new", "filled"; "": none

// "1m", "5m", "1h" or "1d"; false: none of them.
bool ParseInterval(const std::string& text, v1::CandleInterval* interval);
std::string IntervalName(v1::CandleInterval interval);

// null when it is 0: there is none.
Json PriceJson(int64_t ticks, const v1::Symbol& symbol);
Json QuantityJson(int64_t lots, const v1::Symbol& symbol);

// name, shard, sizes, assets and phase: what /api/symbols and /api/book begin with.
void AddSymbol(const v1::Symbol& symbol, Json* out);
Json SummaryJson(const v1::Symbol& symbol, const v1::Summary& summary);
Json LevelsJson(const google::protobuf::RepeatedPtrField<v1::Level>& levels,
                const v1::Symbol& symbol);
Json AuctionJson(const v1::Auction& auction, const v1::Symbol& symbol);
Json TradeJson(const v1::Trade& trade, const v1::Symbol& symbol);
Json CandleJson(const v1::Candle& candle, const v1::Symbol& symbol);
Json ReportJson(const v1::ExecutionReport& report, const v1::Symbol& symbol);
Json OpenOrderJson(const v1::Order& order, const v1::Symbol& symbol);
// Adds "spread" and "spread_basis_points", null unless both prices are there.
void AddSpread(int64_t bid, int64_t ask, const v1::Symbol& symbol, Json* out);

// What is said of channel L2, TRADES or CANDLES.
void AddUpdate(const v1::MarketDataUpdate& update, const v1::Symbol& symbol,
               v1::SubscribeRequest::Channel channel, Json* out);

}  // namespace quorumbook::server
