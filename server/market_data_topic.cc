#include "server/market_data_topic.h"

#include <optional>
#include <string>

#include "common/check.h"
#include "server/market_codec.h"
#include "server/market_data_executions.h"
#include "server/market_data_orders.h"

namespace quorumbook::server {
namespace {

using exchange::Event;
using exchange::EventType;
using exchange::Exchange;
using exchange::LevelInfo;
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
  void Reset(const Exchange& exchange) override {
    v1::BestPrices best;
    Fill(exchange, &best);
    said_ = best.SerializeAsString();
  }
  bool Update(const Exchange& exchange, exchange::Time, const Events&,
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

// Channel L2.
class LevelsTopic final : public MarketDataTopic {
 public:
  LevelsTopic(SymbolId symbol, uint32_t depth) : symbol_(symbol), depth_(depth) {}

  bool Snapshot(const Exchange& exchange, uint32_t, v1::MarketDataUpdate* out) const override {
    const exchange::Depth depth = exchange.GetDepth(symbol_, depth_);
    ToProto(depth.bids, out->mutable_levels()->mutable_bids());
    ToProto(depth.asks, out->mutable_levels()->mutable_asks());
    return true;
  }
  void Reset(const Exchange& exchange) override { said_ = exchange.GetDepth(symbol_, depth_); }
  bool Update(const Exchange& exchange, exchange::Time, const Events&,
              v1::MarketDataUpdate* out) override {
    exchange::Depth now = exchange.GetDepth(symbol_, depth_);
    v1::LevelChanges* levels = out->mutable_levels();
    const auto higher = [](exchange::Price a, exchange::Price b) { return a > b; };
    const auto lower = [](exchange::Price a, exchange::Price b) { return a < b; };
    AddChanges(said_.bids, now.bids, higher, levels->mutable_bids());
    AddChanges(said_.asks, now.asks, lower, levels->mutable_asks());
    said_ = std::move(now);
    return levels->bids_size() + levels->asks_size() > 0;
  }

 private:
  using Levels = std::vector<LevelInfo>;

  static bool Same(const LevelInfo& a, const LevelInfo& b) {
    return a.quantity == b.quantity && a.orders == b.orders;
  }
  template <typename Better>
  static void AddChanges(const Levels& before, const Levels& after, Better better,
                         google::protobuf::RepeatedPtrField<v1::Level>* out) {
    auto old = before.begin();
    for (const LevelInfo& level : after) {
      for (; old != before.end() && better(old->price, level.price); ++old) AddGone(*old, out);
      const bool known = old != before.end() && old->price == level.price;
      if (!known || !Same(*old, level)) ToProto(level, out->Add());
      if (known) ++old;
    }
    for (; old != before.end(); ++old) AddGone(*old, out);
  }
  static void AddGone(const LevelInfo& level, google::protobuf::RepeatedPtrField<v1::Level>* out) {
    out->Add()->set_price(level.price);
  }

  const SymbolId symbol_;
  const uint32_t depth_;
  exchange::Depth said_;
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
  void Reset(const Exchange&) override {}
  bool Update(const Exchange&, exchange::Time time, const Events& events,
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
  void Reset(const Exchange&) override {}
  bool Update(const Exchange& exchange, exchange::Time, const Events& events,
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
      return std::make_unique<LevelsTopic>(symbol, request.depth());
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
