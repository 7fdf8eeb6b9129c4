// What a market looks like, in the public protocol.
#pragma once

#include <string>
#include <vector>

#include "common/ids.h"
#include "exchange/event.h"
#include "exchange/exchange.h"
#include "quorumbook/v1/market_data.pb.h"

namespace quorumbook::server {

// `exchange` has the symbol.
void ToProto(const exchange::SymbolInfo& symbol, const exchange::Exchange& exchange, ShardId shard,
             v1::Symbol* out);
void ToProto(const exchange::AuctionInfo& auction, v1::Auction* out);
void ToProto(const exchange::LevelInfo& level, v1::Level* out);
void ToProto(const exchange::TradeInfo& trade, v1::Trade* out);
void ToProto(const exchange::MarketSummary& summary, v1::Summary* out);
void ToProto(const exchange::Candle& candle, v1::Candle* out);
// REQUIRES: a trade. `time` is that of its batch.
exchange::TradeInfo TradeOf(const exchange::Event& event, exchange::Time time);

// Decimal digits.
std::string ToDecimal(exchange::Uint128 value);

template <typename Info, typename Message>
void ToProto(const std::vector<Info>& from, google::protobuf::RepeatedPtrField<Message>* out) {
  out->Reserve(static_cast<int>(from.size()));
  for (const Info& item : from) ToProto(item, out->Add());
}

}  // namespace quorumbook::server
