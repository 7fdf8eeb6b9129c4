// How the protocol's values are written: names in lower case, prices and quantities as decimal
// numbers in real units, times in UTC. The same in tables and in JSON.
#pragma once

#include <cstdint>
#include <string>

#include "client/qb/context.h"
#include "client/qb/decimal.h"
#include "quorumbook/v1/exchange.pb.h"
#include "quorumbook/v1/market_data.pb.h"

namespace quorumbook::qb {

std::string Name(v1::Side side);
std::string Name(v1::OrderType type);
std::string Name(v1::TimeInForce time_in_force);
std::string Name(v1::OrderStatus status);
std::string Name(v1::ExecutionReport::ExecType type);
std::string Name(v1::Reason reason);  // "" for none
// What the reason means and what to do about it; "" for none.
std::string Explain(v1::Reason reason);

// "2012-06-21T09:30:00.000000000Z"
std::string FormatTime(int64_t nanoseconds);

// A price, or null for 0: there is none.
Json PriceJson(int64_t ticks, const v1::Symbol& symbol);
std::string PriceText(int64_t ticks, const v1::Symbol& symbol);  // "-" for none
std::string QuantityText(int64_t lots, const v1::Symbol& symbol);

Json SymbolJson(const v1::Symbol& symbol);
Json ReportJson(const v1::ExecutionReport& report, const v1::Symbol& symbol);
Json OrderJson(const v1::Order& order, const v1::Symbol& symbol);

}  // namespace quorumbook::qb
