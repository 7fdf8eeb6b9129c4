// What the exchange says about orders and accounts, in the public protocol.
#pragma once

#include <string_view>

#include "exchange/event.h"
#include "exchange/exchange.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::server {

// For the account of the incoming order: of the other side it sees what everybody may, unless it is
// its own. Clears `report` first.
void ToProto(const exchange::Event& event, v1::ExecutionReport* report);
// A trade as the account of the resting order sees it (in an auction: that of the seller). Clears
// `report` first. REQUIRES: `trade` is a kTrade.
void ToMakerProto(const exchange::Event& trade, v1::ExecutionReport* report);

void ToProto(const exchange::OrderInfo& order, std::string_view symbol, v1::Order* out);
void ToProto(const exchange::AssetInfo& asset, v1::Asset* out);
// `exchange` has the account.
void ToProto(const exchange::AccountInfo& account, const exchange::Exchange& exchange,
             v1::Account* out);

}  // namespace quorumbook::server
