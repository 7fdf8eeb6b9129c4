#include "server/market_data_topic.h"

#include <optional>
#include <string>

#include "common/check.h"
#include "server/market_codec.h"
#include "server/market_data_executions.h"
#include "server/market_data_levels.h"
#include "server/market_data_orders.h"

namespace quorumbook::server {
namespace {

using exchange::Event;
using exchange::EventType;
using exchange::Exchange;
using exchange::SymbolId;
using Events = std::vector<const Event*>;

// Channel L1.
class BestPricesTopic final : public MarketDataTopic {
 public:
  explicit BestPricesTopic(SymbolId symbol) : symbol_(symbol) {}

  bool Snapshot(const Exchange& exchange, uint32_t, v1::MarketDataUpdate* out) const override {
    Fill(exchange, out->mutable_best());
    return true;
  }
  void Reset(const Exchange& exchange, uint32_t) override {
    v1::BestPrices best;
    Fill(exchange, &best);
    said_ = best.SerializeAsString();
  }
  bool Update(const Exchange& exchange, exchange::Time, const Events&, uint32_t,
              v1::MarketDataUpdate* out) override {
    Fill(exchange, out->mutable_best());
    std::string now = out->best().SerializeAsString();
    if (now == said_) return false;
    said_ = std::move(now);
    return true;
  }

 private:
  void Fill(const Exchange& exchange, v1::BestPrices* out) const {
    const exchange::Depth depth = exchange.GetDepth(symbol_, 1);
    if (!depth.bids.empty()) ToProto(depth.bids.front(), out->mutable_bid());
    if (!depth.asks.empty()) ToProto(depth.asks.front(), out->mutable_ask());
    const std::optional<exchange::MarketSummary> summary = exchange.Summary(symbol_);
    if (summary) out->set_last(summary->last);
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(symbol_);
    if (symbol != nullptr) out->set_phase(static_cast<v1::Phase>(symbol->phase));
    const std::optional<exchange::AuctionInfo> auction = exchange.Indicative(symbol_);
    if (auction) ToProto(*auction, out->mutable_auction());
  }

  const SymbolId symbol_;
  std::string said_;
};

// Channel TRADES.
class TradesTopic final : public MarketDataTopic {
 public:
  explicit TradesTopic(SymbolId symbol) : symbol_(symbol) {}

  bool Snapshot(const Exchange& exchange, uint32_t limit,
                v1::MarketDataUpdate* out) const override {
    const size_t count = limit == 0 ? exchange::kMaxRecentTrades : limit;
    ToProto(exchange.RecentTrades(symbol_, count), out->mutable_trades());
    return true;
  }
  void Reset(const Exchange&, uint32_t) override {}
  bool Update(const Exchange&, exchange::Time time, const Events& events, uint32_t,
              v1::MarketDataUpdate* out) override {
    for (const Event* event : events) {
      if (event->type == EventType::kTrade) ToProto(TradeOf(*event, time), out->add_trades());
    }
    return out->trades_size() > 0;
  }

 private:
  const SymbolId symbol_;
};

// Channel CANDLES. A batch has one time, so it changes one candle at most.
class CandlesTopic final : public MarketDataTopic {
 public:
  CandlesTopic(SymbolId symbol, exchange::CandleInterval interval)
      : symbol_(symbol), interval_(interval) {}

  bool Snapshot(const Exchange& exchange, uint32_t limit,
                v1::MarketDataUpdate* out) const override {
    const size_t kept = exchange::kMaxCandles[static_cast<size_t>(interval_)];
    ToProto(exchange.Candles(symbol_, interval_, limit == 0 ? kept : limit),
            out->mutable_candles());
    return true;
  }
  void Reset(const Exchange&, uint32_t) override {}
  bool Update(const Exchange& exchange, exchange::Time, const Events& events, uint32_t,
              v1::MarketDataUpdate* out) override {
    for (const Event* event : events) {
      if (event->type != EventType::kTrade) continue;
      ToProto(exchange.Candles(symbol_, interval_, 1), out->mutable_candles());
      return true;
    }
    return false;
  }

 private:
  const SymbolId symbol_;
  const exchange::CandleInterval interval_;
};

}  // namespace

std::unique_ptr<MarketDataTopic> MarketDataTopic::Make(const v1::SubscribeRequest& request,
                                                       SymbolId symbol) {
  switch (request.channel()) {
    case v1::SubscribeRequest::L1:
      return std::make_unique<BestPricesTopic>(symbol);
    case v1::SubscribeRequest::L2:
      return std::make_unique<LevelsTopic>(symbol);
    case v1::SubscribeRequest::L3:
      return std::make_unique<OrdersTopic>(symbol);
    case v1::SubscribeRequest::TRADES:
      return std::make_unique<TradesTopic>(symbol);
    case v1::SubscribeRequest::EXECUTIONS:
      return std::make_unique<ExecutionsTopic>(exchange::AccountId(request.account()), symbol);
    default:
      QB_CHECK(request.channel() == v1::SubscribeRequest::CANDLES);
      return std::make_unique<CandlesTopic>(
          symbol, static_cast<exchange::CandleInterval>(request.interval()));
  }
}

}  // namespace quorumbook::server
