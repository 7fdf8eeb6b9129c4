#include "server/monitoring/market_json.h"

#include <absl/strings/ascii.h>
#include <absl/strings/strip.h>

#include <array>
#include <utility>

#include "proto/decimal.h"

namespace quorumbook::server {
namespace {

constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr int kVwapDecimals = 6;

std::string Lower(std::string name) {
  absl::AsciiStrToLower(&name);
  return name;
}

Json BestJson(int64_t price, int64_t quantity, const v1::Symbol& symbol) {
  if (price == 0) return nullptr;
  return {{"price", FromUnits(price, symbol.tick_size())},
          {"quantity", FromUnits(quantity, symbol.lot_size())}};
}

Json VwapJson(const std::string& notional, const std::string& volume, const v1::Symbol& symbol) {
  const std::string vwap = Quotient(notional, volume, symbol.tick_size(), kVwapDecimals);
  return vwap.empty() ? Json() : Json(vwap);
}

Json NameJson(const std::string& name) { return name.empty() ? Json() : Json(name); }

}  // namespace

std::string PhaseName(v1::Phase phase) { return Lower(v1::Phase_Name(phase)); }
std::string SideName(v1::Side side) { return Lower(v1::Side_Name(side)); }
std::string ReasonName(v1::Reason reason) {
  return reason == v1::REASON_NONE ? "" : Lower(v1::Reason_Name(reason));
}

constexpr std::array<std::pair<const char*, v1::CandleInterval>, 4> kIntervals = {
    {{"1m", v1::ONE_MINUTE}, {"5m", v1::FIVE_MINUTES}, {"1h", v1::ONE_HOUR}, {"1d", v1::ONE_DAY}}};

bool ParseInterval(const std::string& text, v1::CandleInterval* interval) {
  for (const auto& [name, value] : kIntervals) {
    if (text != name) continue;
    *interval = value;
    return true;
  }
  return false;
}

std::string IntervalName(v1::CandleInterval interval) {
  for (const auto& [name, value] : kIntervals) {
    if (interval == value) return name;
  }
  return "";
}

Json PriceJson(int64_t ticks, const v1::Symbol& symbol) {
  return ticks == 0 ? Json() : Json(FromUnits(ticks, symbol.tick_size()));
}

Json QuantityJson(int64_t lots, const v1::Symbol& symbol) {
  return FromUnits(lots, symbol.lot_size());
}

void AddSymbol(const v1::Symbol& symbol, Json* out) {
  (*out)["symbol"] = symbol.name();
  (*out)["shard"] = symbol.shard();
  (*out)["tick_size"] = FromUnits(1, symbol.tick_size());
  (*out)["lot_size"] = FromUnits(1, symbol.lot_size());
  (*out)["base"] = NameJson(symbol.base());
  (*out)["quote"] = NameJson(symbol.quote());
  (*out)["phase"] = PhaseName(symbol.phase());
  (*out)["delisted"] = symbol.delisted();
}

void AddSpread(int64_t bid, int64_t ask, const v1::Symbol& symbol, Json* out) {
  const bool both = bid != 0 && ask != 0;
  // An auction's book may be crossed.
  const std::string size = both ? FromUnits(ask - bid, symbol.tick_size()) : "";
  (*out)["spread"] = NameJson(size);
  const double middle = (static_cast<double>(ask) + static_cast<double>(bid)) / 2;
  (*out)["spread_basis_points"] =
      both ? Json(1e4 * static_cast<double>(ask - bid) / middle) : Json();
}

Json SummaryJson(const v1::Symbol& symbol, const v1::Summary& summary) {
  Json out;
  AddSymbol(symbol, &out);
  out["last"] = PriceJson(summary.last(), symbol);
  out["open"] = PriceJson(summary.open(), symbol);
  out["high"] = PriceJson(summary.high(), symbol);
  out["low"] = PriceJson(summary.low(), symbol);
  const bool traded = summary.open() != 0;
  out["change_ratio"] =
      traded ? Json(static_cast<double>(summary.last()) / static_cast<double>(summary.open()) - 1)
             : Json();
  out["vwap"] = VwapJson(summary.notional(), summary.volume(), symbol);
  out["volume"] = FromUnits(summary.volume(), symbol.lot_size());
  out["trades"] = summary.trades();
  out["best_bid"] = BestJson(summary.best_bid(), summary.best_bid_quantity(), symbol);
  out["best_ask"] = BestJson(summary.best_ask(), summary.best_ask_quantity(), symbol);
  AddSpread(summary.best_bid(), summary.best_ask(), symbol, &out);
  out["reference_price"] = PriceJson(symbol.reference_price(), symbol);
  return out;
}

Json LevelsJson(const google::protobuf::RepeatedPtrField<v1::Level>& levels,
                const v1::Symbol& symbol) {
  Json out = Json::array();
  for (const v1::Level& level : levels) {
    out.push_back(
        {{"price", FromUnits(level.price(), symbol.tick_size())},
         {"quantity", level.quantity() == 0 ? "0" : FromUnits(level.quantity(), symbol.lot_size())},
         {"orders", level.orders()}});
  }
  return out;
}

Json AuctionJson(const v1::Auction& auction, const v1::Symbol& symbol) {
  return {{"price", PriceJson(auction.price(), symbol)},
          {"volume", QuantityJson(auction.volume(), symbol)},
          {"surplus", QuantityJson(auction.surplus(), symbol)}};
}

Json TradeJson(const v1::Trade& trade, const v1::Symbol& symbol) {
  return {{"trade_id", trade.trade_id()},
          {"event_sequence", trade.event_sequence()},
          {"time_ms", trade.time_ns() / kNanosecondsPerMillisecond},
          {"taker_side", SideName(trade.taker_side())},
          {"price", FromUnits(trade.price(), symbol.tick_size())},
          {"quantity", FromUnits(trade.quantity(), symbol.lot_size())}};
}

Json CandleJson(const v1::Candle& candle, const v1::Symbol& symbol) {
  return {{"start_ms", candle.start_ns() / kNanosecondsPerMillisecond},
          {"open", FromUnits(candle.open(), symbol.tick_size())},
          {"high", FromUnits(candle.high(), symbol.tick_size())},
          {"low", FromUnits(candle.low(), symbol.tick_size())},
          {"close", FromUnits(candle.close(), symbol.tick_size())},
          {"vwap", VwapJson(candle.notional(), candle.volume(), symbol)},
          {"volume", FromUnits(candle.volume(), symbol.lot_size())},
          {"trades", candle.trades()}};
}

Json ReportJson(const v1::ExecutionReport& report, const v1::Symbol& symbol) {
  const bool trade = report.exec_type() == v1::ExecutionReport::TRADE;
  return {{"event_sequence", report.event_sequence()},
          {"exec_type", Lower(v1::ExecutionReport::ExecType_Name(report.exec_type()))},
          {"order_status", StatusName(report.order_status())},
          {"reason", ReasonName(report.reason())},
          {"order_id", std::to_string(report.order_id())},
          {"client_order_id", std::to_string(report.client_order_id())},
          {"side", report.side() == v1::SIDE_UNSPECIFIED ? "" : SideName(report.side())},
          {"price", PriceJson(report.price(), symbol)},
          {"quantity", QuantityJson(report.quantity(), symbol)},
          {"leaves_quantity", QuantityJson(report.leaves_quantity(), symbol)},
          {"cumulative_quantity", QuantityJson(report.cumulative_quantity(), symbol)},
          {"last_price", trade ? PriceJson(report.last_price(), symbol) : Json()},
          {"last_quantity", trade ? QuantityJson(report.last_quantity(), symbol) : Json()},
          {"trade_id", trade ? Json(report.trade_id()) : Json()}};
}

std::string StatusName(v1::OrderStatus status) {
  if (status == v1::ORDER_STATUS_UNSPECIFIED) return "";
  const std::string name = Lower(v1::OrderStatus_Name(status));
  return std::string(absl::StripPrefix(name, "order_"));
}

Json OpenOrderJson(const v1::Order& order, const v1::Symbol& symbol) {
  return {{"symbol", order.symbol()},
          {"client_order_id", std::to_string(order.client_order_id())},
          {"order_id", std::to_string(order.order_id())},
          {"side", SideName(order.side())},
          {"type", Lower(v1::OrderType_Name(order.type()))},
          {"time_in_force", Lower(v1::TimeInForce_Name(order.time_in_force()))},
          {"price", PriceJson(order.price(), symbol)},
          {"quantity", QuantityJson(order.quantity(), symbol)},
          {"leaves_quantity", QuantityJson(order.leaves_quantity(), symbol)},
          {"cumulative_quantity", QuantityJson(order.cumulative_quantity(), symbol)},
          {"entered_ms", order.entered_ns() / kNanosecondsPerMillisecond}};
}

void AddUpdate(const v1::MarketDataUpdate& update, const v1::Symbol& symbol,
               v1::SubscribeRequest::Channel channel, Json* out) {
  (*out)["event_sequence"] = update.event_sequence();
  (*out)["time_ms"] = update.time_ns() / kNanosecondsPerMillisecond;
  if (channel == v1::SubscribeRequest::L2) {
    (*out)["bids"] = LevelsJson(update.levels().bids(), symbol);
    (*out)["asks"] = LevelsJson(update.levels().asks(), symbol);
  } else if (channel == v1::SubscribeRequest::TRADES) {
    Json trades = Json::array();
    for (const v1::Trade& trade : update.trades()) trades.push_back(TradeJson(trade, symbol));
    (*out)["trades"] = std::move(trades);
  } else {
    Json candles = Json::array();
    for (const v1::Candle& candle : update.candles()) candles.push_back(CandleJson(candle, symbol));
    (*out)["candles"] = std::move(candles);
  }
}

}  // namespace quorumbook::server
