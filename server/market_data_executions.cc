#include "server/market_data_executions.h"

#include <algorithm>

#include "server/report_codec.h"

namespace quorumbook::server {

using exchange::Event;
using exchange::EventType;

bool ExecutionsTopic::Snapshot(const exchange::Exchange& exchange, uint32_t limit,
                               v1::MarketDataUpdate* out) const {
  const size_t most = limit == 0 ? kDefaultListedOrders : std::min(limit, kMaxListedOrders);
  const std::vector<exchange::OrderInfo> orders =
      exchange.OpenOrdersIn(account_, symbol_, most + 1);
  out->set_more_open_orders(orders.size() > most);
  for (size_t i = 0; i < std::min(orders.size(), most); ++i) {
    const exchange::SymbolInfo* const symbol = exchange.FindSymbol(orders[i].symbol);
    ToProto(orders[i], symbol == nullptr ? "" : symbol->name, out->add_open_orders());
  }
  return true;
}

bool ExecutionsTopic::Update(const exchange::Exchange&, exchange::Time,
                             const std::vector<const Event*>& events, uint32_t,
                             v1::MarketDataUpdate* out) {
  for (const Event* event : events) {
    const bool other = !IsOfSymbol(*event) || event->symbol != symbol_;
    if (symbol_ != exchange::SymbolId() && other) continue;
    if (event->account == account_) ToProto(*event, out->add_executions());
    if (event->type == EventType::kTrade && event->maker_account == account_) {
      ToMakerProto(*event, out->add_executions());
    }
  }
  return out->executions_size() > 0;
}

}  // namespace quorumbook::server
