// What can be asked of the reference market.
#include <algorithm>

#include "reference_market.h"

namespace quorumbook::exchange {
namespace {

// As Exchange shows it: what is in the book and no iceberg shows all of itself.
OrderInfo Shown(OrderInfo order) {
  if (order.parked) {
    order.displayed = 0;
  } else if (order.terms.display == 0) {
    order.displayed = order.leaves;
  }
  return order;
}

}  // namespace

std::vector<OrderInfo> ReferenceMarket::GetOrders(SymbolId symbol, Side side) const {
  const SymbolMarket& market = markets_.at(symbol.value() - 1);
  std::vector<OrderInfo> infos;
  const auto add = [&](const auto& level) {
    for (const Name& name : level.second) infos.push_back(Shown(orders_.at(name)));
  };
  if (side == Side::kSell) std::for_each(market.asks.begin(), market.asks.end(), add);
  if (side == Side::kBuy) std::for_each(market.bids.rbegin(), market.bids.rend(), add);
  return infos;
}

std::vector<LevelInfo> ReferenceMarket::GetLevels(SymbolId symbol, Side side) const {
  std::vector<LevelInfo> levels;
  for (const OrderInfo& order : GetOrders(symbol, side)) {
    if (levels.empty() || levels.back().price != order.price) levels.push_back({order.price, 0, 0});
    levels.back().quantity += order.displayed;
    ++levels.back().orders;
  }
  return levels;
}

std::optional<OrderInfo> ReferenceMarket::FindOrder(const OrderName& name) const {
  const auto it = orders_.find({name.account, name.symbol, name.id});
  if (it == orders_.end()) return std::nullopt;
  return Shown(it->second);
}

MarketSummary ReferenceMarket::Summary(SymbolId symbol) const {
  MarketSummary summary;
  const std::deque<TradeInfo>& trades = markets_.at(symbol.value() - 1).trades;
  if (!trades.empty()) {
    summary.open = summary.high = summary.low = trades.front().price;
    summary.last = trades.back().price;
  }
  summary.trades = trades.size();
  for (const TradeInfo& trade : trades) {
    summary.high = std::max(summary.high, trade.price);
    summary.low = std::min(summary.low, trade.price);
    summary.volume += static_cast<uint64_t>(trade.quantity);
    summary.notional +=
        Uint128{static_cast<uint64_t>(trade.price)} * static_cast<uint64_t>(trade.quantity);
  }
  const std::vector<LevelInfo> bids = GetLevels(symbol, Side::kBuy);
  const std::vector<LevelInfo> asks = GetLevels(symbol, Side::kSell);
  if (!bids.empty()) {
    summary.best_bid = bids[0].price;
    summary.best_bid_quantity = bids[0].quantity;
  }
  if (!asks.empty()) {
    summary.best_ask = asks[0].price;
    summary.best_ask_quantity = asks[0].quantity;
  }
  return summary;
}

std::vector<TradeInfo> ReferenceMarket::RecentTrades(SymbolId symbol) const {
  const std::deque<TradeInfo>& trades = markets_.at(symbol.value() - 1).trades;
  const size_t count = std::min<size_t>(trades.size(), kMaxRecentTrades);
  return {trades.end() - static_cast<std::ptrdiff_t>(count), trades.end()};
}

std::vector<Candle> ReferenceMarket::Candles(SymbolId symbol, CandleInterval interval) const {
  const Time length = kCandleLength[static_cast<size_t>(interval)];
  std::vector<Candle> candles;
  for (const TradeInfo& trade : markets_.at(symbol.value() - 1).trades) {
    const Time start = trade.time / length * length;
    if (candles.empty() || candles.back().start != start) {
      candles.push_back({start, trade.price, trade.price, trade.price, trade.price, 0, 0, 0});
    }
    Candle& candle = candles.back();
    candle.high = std::max(candle.high, trade.price);
    candle.low = std::min(candle.low, trade.price);
    candle.close = trade.price;
    ++candle.trades;
    candle.volume += static_cast<uint64_t>(trade.quantity);
    candle.notional +=
        Uint128{static_cast<uint64_t>(trade.price)} * static_cast<uint64_t>(trade.quantity);
  }
  const size_t count = std::min<size_t>(candles.size(), kMaxCandles[static_cast<size_t>(interval)]);
  return {candles.end() - static_cast<std::ptrdiff_t>(count), candles.end()};
}

std::optional<AuctionInfo> ReferenceMarket::Indicative(SymbolId symbol) const {
  const SymbolMarket& market = *Market(symbol);
  const bool collects = market.phase == Phase::kPreOpen || market.phase == Phase::kOpeningAuction ||
                        market.phase == Phase::kClosingAuction;
  if (!collects || market.delisted) return std::nullopt;
  return FindAuctionPrice(market);
}

Amount ReferenceMarket::Total(AccountId account, AssetId asset) const {
  const auto it = accounts_.find(account);
  if (it == accounts_.end() || !it->second.total.contains(asset)) return 0;
  return it->second.total.at(asset);
}

Amount ReferenceMarket::Held(AccountId account, AssetId asset) const {
  Amount held = 0;
  for (auto it = orders_.lower_bound({account, SymbolId(), ClientOrderId()});
       it != orders_.end() && std::get<0>(it->first) == account; ++it) {
    const OrderInfo& order = it->second;
    const SymbolMarket& market = *Market(order.symbol);
    if (order.leaves == 0 || !Funded(market)) continue;
    if (order.side == Side::kSell && market.added.base == asset) {
      held += order.leaves * BaseScale(market);
    }
    if (order.side == Side::kBuy && market.added.quote == asset) {
      held += order.leaves * order.price * QuoteScale(market);
    }
  }
  return held;
}

SymbolInfo ReferenceMarket::FindSymbol(SymbolId symbol) const {
  const SymbolMarket& market = *Market(symbol);
  return {.id = symbol,
          .name = market.added.name,
          .tick_size = market.added.tick_size,
          .lot_size = market.added.lot_size,
          .base = market.added.base,
          .quote = market.added.quote,
          .rules = market.rules,
          .phase = market.phase,
          .delisted = market.delisted,
          .reference_price = market.reference};
}

AccountInfo ReferenceMarket::FindAccount(AccountId id) const {
  const auto it = accounts_.find(id);
  const Account account = it == accounts_.end() ? Account() : it->second;
  AccountInfo info{.id = id, .limits = account.limits, .blocked = account.blocked, .balances = {}};
  for (const auto& [name, order] : orders_) {
    info.open_orders +=
        std::get<0>(name) == id && order.leaves != 0 && Funded(*Market(order.symbol));
  }
  for (size_t i = 1; i <= assets_.size(); ++i) {
    const AssetId asset(static_cast<uint32_t>(i));
    const auto limit = account.position_limit.find(asset);
    info.balances.push_back(
        {.asset = asset,
         .free = Total(id, asset) - Held(id, asset),
         .held = Held(id, asset),
         .position_limit = limit == account.position_limit.end() ? 0 : limit->second});
  }
  return info;
}

AssetInfo ReferenceMarket::FindAsset(AssetId id) const {
  const Asset& asset = assets_.at(id.value() - 1);
  return {.id = id,
          .name = asset.added.name,
          .exponent = asset.added.exponent,
          .deposited = asset.deposited,
          .fees = asset.fees};
}

size_t ReferenceMarket::open_orders() const { return orders_.size() - finished_.size(); }

}  // namespace quorumbook::exchange
