// Exchange's views: what can be asked about the state without changing it.
#include <algorithm>

#include "exchange/exchange.h"
#include "exchange/order.h"
#include "exchange/state.h"

namespace quorumbook::exchange {
namespace {

std::vector<LevelInfo> Levels(const BookSide& side, size_t limit) {
  std::vector<LevelInfo> levels;
  if (limit == 0) return levels;
  side.ForEachLevel([&](const Level& level) {
    levels.push_back({side.PriceOf(level.key), level.quantity, level.orders});
    return levels.size() < limit;
  });
  return levels;
}

}  // namespace

std::vector<SymbolInfo> Exchange::Symbols() const {
  std::vector<SymbolInfo> infos;
  for (const auto& symbol : state_->replicated.market.symbols()) infos.push_back(symbol->info);
  return infos;
}

const SymbolInfo* Exchange::FindSymbol(std::string_view name) const {
  const Symbol* symbol = state_->replicated.market.symbols().Find(name);
  return symbol == nullptr ? nullptr : &symbol->info;
}

const SymbolInfo* Exchange::FindSymbol(SymbolId id) const {
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  return symbol == nullptr ? nullptr : &symbol->info;
}

Depth Exchange::GetDepth(SymbolId id, size_t levels) const {
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  if (symbol == nullptr) return {};
  return {.bids = Levels(symbol->bids, levels), .asks = Levels(symbol->asks, levels)};
}

std::vector<OrderInfo> Exchange::GetOrders(SymbolId id, Side side, size_t limit) const {
  std::vector<OrderInfo> infos;
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  if (symbol == nullptr) return infos;
  const OrderTable& orders = state_->replicated.market.orders();
  symbol->side(side).ForEachLevel([&](const Level& level) {
    for (OrderHandle at = level.first; at != kNullHandle && infos.size() < limit;) {
      infos.push_back(Describe(orders[at]));
      at = orders[at].next;
    }
    return infos.size() < limit;
  });
  return infos;
}

std::vector<TradeInfo> Exchange::RecentTrades(SymbolId id, size_t limit) const {
  std::vector<TradeInfo> trades;
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  if (symbol == nullptr) return trades;
  const TradeRing& recent = symbol->stats.recent;
  for (size_t i = recent.size() - std::min(limit, recent.size()); i < recent.size(); ++i) {
    trades.push_back(recent[i]);
  }
  return trades;
}

std::optional<MarketSummary> Exchange::Summary(SymbolId id) const {
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  if (symbol == nullptr) return std::nullopt;
  const MarketStats& stats = symbol->stats;
  MarketSummary summary{.last = stats.last,
                        .open = stats.open,
                        .high = stats.high,
                        .low = stats.low,
                        .trades = stats.trades,
                        .volume = stats.volume,
                        .notional = stats.notional};
  if (!symbol->bids.empty()) {
    summary.best_bid = symbol->bids.PriceOf(symbol->bids.best_key());
    summary.best_bid_quantity = symbol->bids.best().quantity;
  }
  if (!symbol->asks.empty()) {
    summary.best_ask = symbol->asks.PriceOf(symbol->asks.best_key());
    summary.best_ask_quantity = symbol->asks.best().quantity;
  }
  return summary;
}

std::optional<OrderInfo> Exchange::FindOrder(const OrderName& name) const {
  const OrderTable& orders = state_->replicated.market.orders();
  const OrderHandle handle = orders.Find(name);
  if (handle == kNullHandle) return std::nullopt;
  return Describe(orders[handle]);
}

}  // namespace quorumbook::exchange
