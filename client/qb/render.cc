#include "client/qb/render.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace quorumbook::qb {

static std::string Lower(std::string name, const std::string& prefix = "") {
  if (name.rfind(prefix, 0) == 0) name.erase(0, prefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

std::string Name(v1::Side side) { return Lower(v1::Side_Name(side)); }
std::string Name(v1::OrderType type) { return Lower(v1::OrderType_Name(type)); }
std::string Name(v1::OrderStatus status) { return Lower(v1::OrderStatus_Name(status), "ORDER_"); }
std::string Name(v1::ExecutionReport::ExecType type) {
  return Lower(v1::ExecutionReport::ExecType_Name(type));
}
std::string Name(v1::Reason reason) {
  return reason == v1::REASON_NONE ? "" : Lower(v1::Reason_Name(reason));
}
std::string Name(v1::Phase phase) { return Lower(v1::Phase_Name(phase), "PHASE_"); }
std::string Name(v1::SelfTradePrevention prevention) {
  return Lower(v1::SelfTradePrevention_Name(prevention));
}
std::string Name(v1::TimeInForce time_in_force) {
  switch (time_in_force) {
    case v1::GOOD_TILL_CANCEL:
      return "gtc";
    case v1::IMMEDIATE_OR_CANCEL:
      return "ioc";
    case v1::FILL_OR_KILL:
      return "fok";
    case v1::DAY:
      return "day";
    case v1::GOOD_TILL_DATE:
      return "gtd";
    default:
      return "unspecified";
  }
}
std::string Name(v1::CandleInterval interval) {
  switch (interval) {
    case v1::ONE_MINUTE:
      return "1m";
    case v1::FIVE_MINUTES:
      return "5m";
    case v1::ONE_HOUR:
      return "1h";
    case v1::ONE_DAY:
      return "1d";
    default:
      return "unspecified";
  }
}

v1::CandleInterval IntervalOf(const std::string& name) {
  for (const auto interval : {v1::FIVE_MINUTES, v1::ONE_HOUR, v1::ONE_DAY}) {
    if (Name(interval) == name) return interval;
  }
  return v1::ONE_MINUTE;
}

std::string FormatTime(int64_t nanoseconds) {
  int64_t seconds = nanoseconds / 1'000'000'000;
  int64_t rest = nanoseconds % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  const std::time_t time = seconds;
  std::tm utc{};
  gmtime_r(&time, &utc);
  char date[32];
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
  char fraction[16];
  std::snprintf(fraction, sizeof(fraction), ".%09dZ", static_cast<int>(rest));
  return std::string(date) + fraction;
}

Json PriceJson(int64_t ticks, const v1::Symbol& symbol) {
  return ticks == 0 ? Json(nullptr) : Json(FromUnits(ticks, symbol.tick_size()));
}
std::string PriceText(int64_t ticks, const v1::Symbol& symbol) {
  return ticks == 0 ? "-" : FromUnits(ticks, symbol.tick_size());
}
std::string QuantityText(int64_t lots, const v1::Symbol& symbol) {
  return FromUnits(lots, symbol.lot_size());
}

std::string AmountText(int64_t units, int32_t exponent) {
  v1::Decimal unit;
  unit.set_mantissa(1);
  unit.set_exponent(exponent);
  return FromUnits(units, unit);
}

static Json RulesJson(const v1::SymbolRules& rules, const v1::Symbol& symbol) {
  return {{"min_quantity", QuantityText(rules.min_quantity(), symbol)},
          {"max_quantity", QuantityText(rules.max_quantity(), symbol)},
          {"static_band_bp", rules.static_band_bp()},
          {"dynamic_band_bp", rules.dynamic_band_bp()},
          {"protection", PriceJson(rules.protection(), symbol)},
          {"maker_fee_bp", rules.maker_fee_bp()},
          {"taker_fee_bp", rules.taker_fee_bp()}};
}

Json AuctionJson(const v1::Auction& auction, const v1::Symbol& symbol) {
  return {{"price", PriceJson(auction.price(), symbol)},
          {"volume", QuantityText(auction.volume(), symbol)},
          {"surplus", QuantityText(auction.surplus(), symbol)}};
}

Json SymbolJson(const v1::Symbol& symbol) {
  return {{"name", symbol.name()},
          {"id", symbol.id()},
          {"shard", symbol.shard()},
          {"tick_size", FromUnits(1, symbol.tick_size())},
          {"lot_size", FromUnits(1, symbol.lot_size())},
          {"base", symbol.base().empty() ? Json(nullptr) : Json(symbol.base())},
          {"quote", symbol.quote().empty() ? Json(nullptr) : Json(symbol.quote())},
          {"phase", Name(symbol.phase())},
          {"delisted", symbol.delisted()},
          {"busy", symbol.busy()},
          {"reference_price", PriceJson(symbol.reference_price(), symbol)},
          {"auction", symbol.has_auction() ? AuctionJson(symbol.auction(), symbol) : Json(nullptr)},
          {"rules", RulesJson(symbol.rules(), symbol)}};
}

Json LevelsJson(const google::protobuf::RepeatedPtrField<v1::Level>& levels,
                const v1::Symbol& symbol) {
  Json json = Json::array();
  for (const v1::Level& level : levels) json.push_back(LevelJson(level, symbol));
  return json;
}

Json LevelJson(const v1::Level& level, const v1::Symbol& symbol) {
  return {{"price", PriceJson(level.price(), symbol)},
          {"quantity", QuantityText(level.quantity(), symbol)},
          {"orders", level.orders()}};
}

Json TradeJson(const v1::Trade& trade, const v1::Symbol& symbol) {
  return {{"trade_id", trade.trade_id()},
          {"event_sequence", trade.event_sequence()},
          {"time", FormatTime(trade.time_ns())},
          {"taker_side", Name(trade.taker_side())},
          {"price", PriceText(trade.price(), symbol)},
          {"quantity", QuantityText(trade.quantity(), symbol)}};
}

Json CandleJson(const v1::Candle& candle, const v1::Symbol& symbol) {
  const std::string vwap =
      Quotient(candle.notional(), candle.volume(), symbol.tick_size(), kVwapDecimals);
  return {{"start", FormatTime(candle.start_ns())},
          {"open", PriceJson(candle.open(), symbol)},
          {"high", PriceJson(candle.high(), symbol)},
          {"low", PriceJson(candle.low(), symbol)},
          {"close", PriceJson(candle.close(), symbol)},
          {"vwap", vwap.empty() ? Json(nullptr) : Json(vwap)},
          {"volume", FromUnits(candle.volume(), symbol.lot_size())},
          {"trades", candle.trades()}};
}

// What an account receives in a trade, and so pays its fee in.
static std::string FeeText(int64_t fee, v1::Side side, const v1::Symbol& symbol) {
  return AmountText(fee, side == v1::BUY ? symbol.base_exponent() : symbol.quote_exponent());
}

Json ReportJson(const v1::ExecutionReport& report, const v1::Symbol& symbol) {
  Json json = {{"event_sequence", report.event_sequence()},
               {"exec_type", Name(report.exec_type())},
               {"order_status", Name(report.order_status())},
               {"reason", Name(report.reason())},
               {"order_id", report.order_id()},
               {"client_order_id", report.client_order_id()},
               {"side", Name(report.side())},
               {"price", PriceJson(report.price(), symbol)},
               {"quantity", QuantityText(report.quantity(), symbol)},
               {"leaves_quantity", QuantityText(report.leaves_quantity(), symbol)},
               {"cumulative_quantity", QuantityText(report.cumulative_quantity(), symbol)}};
  if (report.exec_type() == v1::ExecutionReport::TRADE) {
    json["last_price"] = PriceJson(report.last_price(), symbol);
    json["last_quantity"] = QuantityText(report.last_quantity(), symbol);
    json["trade_id"] = report.trade_id();
    json["contra_order_id"] = report.contra_order_id();
    json["fee"] = FeeText(report.fee(), report.side(), symbol);
  }
  if (report.exec_type() == v1::ExecutionReport::NEW) json["working"] = report.working();
  if (report.trigger_price() != 0) {
    json["trigger_price"] = PriceJson(report.trigger_price(), symbol);
  }
  return json;
}

std::string ReportText(const v1::ExecutionReport& report, const v1::Symbol& symbol) {
  const auto quantity = [&](int64_t lots) { return QuantityText(lots, symbol); };
  std::string text = Name(report.exec_type());
  if (report.exec_type() == v1::ExecutionReport::TRADE) {
    absl::StrAppend(&text, " ", quantity(report.last_quantity()), " at ",
                    PriceText(report.last_price(), symbol), " with order ",
                    report.contra_order_id(), ", ", quantity(report.leaves_quantity()), " left");
  } else if (report.exec_type() != v1::ExecutionReport::REJECTED) {
    absl::StrAppend(&text, ": ", Name(report.order_status()), ", ",
                    quantity(report.leaves_quantity()), " open, ",
                    quantity(report.cumulative_quantity()), " executed");
  }
  if (report.exec_type() == v1::ExecutionReport::NEW && !report.working()) {
    text += ", waits";
    if (report.trigger_price() != 0) {
      absl::StrAppend(&text, " for ", PriceText(report.trigger_price(), symbol));
    }
  }
  if (report.reason() != v1::REASON_NONE) {
    absl::StrAppend(&text, " (", Name(report.reason()), ": ", Explain(report.reason()), ")");
  }
  return text;
}

Json OrderJson(const v1::Order& order, const v1::Symbol& symbol) {
  return {
      {"client_order_id", order.client_order_id()},
      {"order_id", order.order_id()},
      {"account", order.account()},
      {"symbol", order.symbol()},
      {"side", Name(order.side())},
      {"type", Name(order.type())},
      {"time_in_force", Name(order.time_in_force())},
      {"status", Name(order.status())},
      {"reason", Name(order.reason())},
      {"price", PriceJson(order.price(), symbol)},
      {"quantity", QuantityText(order.quantity(), symbol)},
      {"leaves_quantity", QuantityText(order.leaves_quantity(), symbol)},
      {"cumulative_quantity", QuantityText(order.cumulative_quantity(), symbol)},
      {"entered", FormatTime(order.entered_ns())},
      {"changed", FormatTime(order.changed_ns())},
      {"self_trade_prevention", Name(order.self_trade_prevention())},
      {"post_only", order.post_only()},
      {"all_or_none", order.all_or_none()},
      {"stop_price", PriceJson(order.stop_price(), symbol)},
      {"trail", PriceJson(order.trail(), symbol)},
      {"protection", PriceJson(order.protection(), symbol)},
      {"display_quantity", QuantityText(order.display_quantity(), symbol)},
      {"minimum_quantity", QuantityText(order.minimum_quantity(), symbol)},
      {"expires", order.expires_ns() == 0 ? Json(nullptr) : Json(FormatTime(order.expires_ns()))},
      {"working", order.working()},
      {"displayed_quantity", QuantityText(order.displayed_quantity(), symbol)}};
}

}  // namespace quorumbook::qb
