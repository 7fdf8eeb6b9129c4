// How the protocol's values are written: names in lower case, prices and quantities as decimal
// numbers in real units, times in UTC. The same in tables and in JSON.
#pragma once

#include <cstdint>
#include <string>

#include "client/qb/context.h"
#include "proto/decimal.h"
#include "quorumbook/v1/exchange.pb.h"
#include "quorumbook/v1/market_data.pb.h"

namespace quorumbook::qb {

std::string Name(v1::Side side);
std::string Name(v1::OrderType type);
std::string Name(v1::TimeInForce time_in_force);
std::string Name(v1::SelfTradePrevention prevention);
std::string Name(v1::Phase phase);
std::string Name(v1::CandleInterval interval);
v1::CandleInterval IntervalOf(const std::string& name);  // REQUIRES: the name of one
std::string Name(v1::OrderStatus status);
std::string Name(v1::ExecutionReport::ExecType type);
std::string Name(v1::Reason reason);  // "" for none
// What the reason means and what to do about it; "" for none.
std::string Explain(v1::Reason reason);

// VWAP is shown with this many decimals more than prices have.
inline constexpr int kVwapDecimals = 4;

// "2012-06-21T09:30:00.000000000Z"
std::string FormatTime(int64_t nanoseconds);

// A price, or null for 0: there is none.
Json PriceJson(int64_t ticks, const v1::Symbol& symbol);
std::string PriceText(int64_t ticks, const v1::Symbol& symbol);  // "-" for none
std::string QuantityText(int64_t lots, const v1::Symbol& symbol);

// In units of 10^exponent.
std::string AmountText(int64_t units, int32_t exponent);

Json SymbolJson(const v1::Symbol& symbol);
Json AuctionJson(const v1::Auction& auction, const v1::Symbol& symbol);
Json LevelJson(const v1::Level& level, const v1::Symbol& symbol);
Json LevelsJson(const google::protobuf::RepeatedPtrField<v1::Level>& levels,
                const v1::Symbol& symbol);
Json TradeJson(const v1::Trade& trade, const v1::Symbol& symbol);
Json CandleJson(const v1::Candle& candle, const v1::Symbol& symbol);
Json ReportJson(const v1::ExecutionReport& report, const v1::Symbol& symbol);
// What a report says, in a line.
std::string ReportText(const v1::ExecutionReport& report, const v1::Symbol& symbol);
Json OrderJson(const v1::Order& order, const v1::Symbol& symbol);

}  // namespace quorumbook::qb
