// Exchange's views: what can be asked about the state without changing it.
#include <algorithm>
#include <utility>

#include "exchange/auction.h"
#include "exchange/conservation.h"
#include "exchange/exchange.h"
#include "exchange/order.h"
#include "exchange/state.h"

namespace quorumbook::exchange {
namespace {

// What a level shows: what its icebergs hide is left out.
Quantity Shown(const Level& level, const Symbol::HiddenQuantities& hidden) {
  const auto it = hidden.find(level.key);
  return level.quantity - (it == hidden.end() ? 0 : it->second);
}

std::vector<LevelInfo> Levels(const BookSide& side, const Symbol::HiddenQuantities& hidden,
                              size_t limit) {
  std::vector<LevelInfo> levels;
  if (limit == 0) return levels;
  side.ForEachLevel([&](const Level& level) {
    levels.push_back({side.PriceOf(level.key), Shown(level, hidden), level.orders});
    return levels.size() < limit;
  });
  return levels;
}

// The `limit` orders with the least ids above `after`, of those visited.
class FirstOrders {
 public:
  FirstOrders(const Market& market, size_t limit, OrderId after)
      : market_(market), limit_(limit), after_(after) {}

  void Visit(OrderHandle handle) {
    const OrderId id = market_.orders()[handle].id;
    if (id <= after_ || limit_ == 0) return;
    if (least_.size() == limit_) {
      if (id > least_.front().first) return;
      std::ranges::pop_heap(least_);
      least_.pop_back();
    }
    least_.emplace_back(id, handle);
    std::ranges::push_heap(least_);
  }
  std::vector<OrderInfo> Take() {
    std::ranges::sort_heap(least_);
    std::vector<OrderInfo> infos;
    for (const auto& [id, handle] : least_) infos.push_back(market_.Describe(handle));
    return infos;
  }

 private:
  const Market& market_;
  const size_t limit_;
  const OrderId after_;
  std::vector<std::pair<OrderId, OrderHandle>> least_;  // a heap, the greatest of them on top
};

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
  return {.bids = Levels(symbol->bids(), symbol->hidden_bids, levels),
          .asks = Levels(symbol->asks(), symbol->hidden_asks, levels)};
}

std::vector<OrderInfo> Exchange::GetOrders(SymbolId id, Side side, size_t limit) const {
  std::vector<OrderInfo> infos;
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  if (symbol == nullptr) return infos;
  const Market& market = state_->replicated.market;
  symbol->side(side).ForEachLevel([&](const Level& level) {
    for (OrderHandle at = level.first; at != kNullHandle && infos.size() < limit;) {
      infos.push_back(market.Describe(at));
      at = market.orders()[at].next;
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
  if (!symbol->bids().empty()) {
    summary.best_bid = symbol->bids().PriceOf(symbol->bids().best_key());
    summary.best_bid_quantity = Shown(symbol->bids().best(), symbol->hidden_bids);
  }
  if (!symbol->asks().empty()) {
    summary.best_ask = symbol->asks().PriceOf(symbol->asks().best_key());
    summary.best_ask_quantity = Shown(symbol->asks().best(), symbol->hidden_asks);
  }
  return summary;
}

std::vector<Candle> Exchange::Candles(SymbolId id, CandleInterval interval, size_t limit) const {
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  if (symbol == nullptr) return {};
  return symbol->stats.candles.Last(interval, limit);
}

std::optional<AuctionInfo> Exchange::Indicative(SymbolId id) const {
  const Symbol* symbol = state_->replicated.market.symbols().Find(id);
  if (symbol == nullptr || symbol->info.busy || symbol->info.delisted) return std::nullopt;
  const Phase phase = symbol->info.phase;
  const bool collects = phase == Phase::kPreOpen || phase == Phase::kOpeningAuction ||
                        phase == Phase::kClosingAuction;
  if (!collects) return std::nullopt;
  return FindAuctionPrice(symbol->bids(), symbol->asks(), symbol->info.reference_price,
                          kMaxCrossingPrices);
}

std::vector<AssetInfo> Exchange::Assets() const {
  const AssetTable& assets = state_->replicated.market.accounts().assets();
  return {assets.begin(), assets.end()};
}

const AssetInfo* Exchange::FindAsset(std::string_view name) const {
  return state_->replicated.market.accounts().assets().Find(name);
}

const AssetInfo* Exchange::FindAsset(AssetId id) const {
  return state_->replicated.market.accounts().assets().Find(id);
}

std::optional<AccountInfo> Exchange::FindAccount(AccountId id) const {
  const Account* const account = state_->replicated.market.accounts().Find(id);
  if (account == nullptr) return std::nullopt;
  AccountInfo info{.id = id,
                   .limits = account->limits,
                   .blocked = account->blocked,
                   .open_orders = account->open_orders,
                   .balances = {}};
  for (const Balance& balance : account->balances) {
    info.balances.push_back({balance.asset, balance.free, balance.held, balance.position_limit});
  }
  return info;
}

std::vector<OrderInfo> Exchange::OpenOrders(AccountId account, size_t limit, OrderId after) const {
  return OpenOrdersIn(account, SymbolId(), limit, after);
}

std::vector<OrderInfo> Exchange::OpenOrdersIn(AccountId account, SymbolId symbol, size_t limit,
                                              OrderId after) const {
  FirstOrders first(state_->replicated.market, limit, after);
  state_->replicated.market.ForEachOrderOf(account, symbol,
                                           [&](OrderHandle at) { first.Visit(at); });
  return first.Take();
}

std::optional<OrderInfo> Exchange::FindOrder(const OrderName& name) const {
  const OrderHandle handle = state_->replicated.market.orders().Find(name);
  if (handle == kNullHandle) return std::nullopt;
  return state_->replicated.market.Describe(handle);
}

std::vector<SessionId> Exchange::CancelOnDisconnectSessions() const {
  std::vector<SessionId> ids;
  state_->replicated.sessions.ForEach([&](const Session& session) {
    if (session.last_order != OrderId()) ids.push_back(session.id);
  });
  std::ranges::sort(ids);
  return ids;
}

absl::Status Exchange::CheckConservation() const {
  return exchange::CheckConservation(state_->replicated.market);
}

}  // namespace quorumbook::exchange
