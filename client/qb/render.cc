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
std::string Name(v1::TimeInForce time_in_force) {
  switch (time_in_force) {
    case v1::GOOD_TILL_CANCEL:
      return "gtc";
    case v1::IMMEDIATE_OR_CANCEL:
      return "ioc";
    case v1::FILL_OR_KILL:
      return "fok";
    default:
      return "unspecified";
  }
}

std::string Explain(v1::Reason reason) {
  switch (reason) {
    case v1::UNKNOWN_SYMBOL:
      return "there is no such symbol; `qb symbol list` shows those there are";
    case v1::INVALID_QUANTITY:
      return "the quantity must be 1 to 500,000,000,000 lots";
    case v1::INVALID_PRICE:
      return "the price must be 1 to 1,000,000,000,000 ticks";
    case v1::DUPLICATE_CLIENT_ORDER_ID:
      return "an open order of this account in the symbol has that id; choose another";
    case v1::UNKNOWN_ORDER:
      return "this account has no such order in the symbol, or it finished too long ago; check the "
             "id and "
             "--account";
    case v1::ORDER_FINISHED:
      return "too late: the order is filled or cancelled already; see `qb order status`";
    case v1::INVALID_ORDER:
      return "its fields contradict each other; a market order is ioc or fok and has no price";
    case v1::SYMBOL_EXISTS:
      return "it exists with another tick or lot size";
    case v1::INVALID_SYMBOL:
      return "a name has 1 to 16 printable ASCII characters without spaces, sizes are positive";
    case v1::TOO_MANY_SYMBOLS:
      return "the shard has 100,000 symbols already";
    case v1::TOO_MANY_ORDERS:
      return "the shard has 16,777,216 open orders already; cancel some";
    case v1::INVALID_CLIENT_ORDER_ID:
      return "an order id is 1 or more";
    case v1::REQUESTED:
      return "cancelled on request";
    case v1::UNFILLED_REMAINDER:
      return "what an ioc or market order could not trade at once is cancelled";
    case v1::NOT_FILLABLE:
      return "a fok order that can not trade whole at once is cancelled";
    case v1::FILL_LIMIT:
      return "one command trades with at most 16,384 orders; the rest is cancelled";
    case v1::REPLACED_BELOW_EXECUTED:
      return "the new quantity is not above what is executed already";
    default:
      return "";
  }
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

Json SymbolJson(const v1::Symbol& symbol) {
  return {{"name", symbol.name()},
          {"id", symbol.id()},
          {"shard", symbol.shard()},
          {"tick_size", FromUnits(1, symbol.tick_size())},
          {"lot_size", FromUnits(1, symbol.lot_size())}};
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
  }
  return json;
}

Json OrderJson(const v1::Order& order, const v1::Symbol& symbol) {
  return {{"client_order_id", order.client_order_id()},
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
          {"changed", FormatTime(order.changed_ns())}};
}

}  // namespace quorumbook::qb
