#include "script_commands.h"

#include <array>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "common/check.h"

namespace quorumbook::exchange {

Words Split(const std::string& text) {
  std::istringstream in(text);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

int64_t ToNumber(const std::string& text) {
  char* end = nullptr;
  const int64_t number = std::strtoll(text.c_str(), &end, 10);
  QB_CHECK(!text.empty() && *end == '\0');
  return number;
}

bool Has(const Words& words, std::string_view wanted) {
  for (const std::string& word : words) {
    if (word == wanted) return true;
  }
  return false;
}

namespace {

std::string ValueOf(const Words& words, const std::string& name) {
  for (const std::string& word : words) {
    if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
  }
  return "";
}

// The number of the name that is among the words, or `otherwise`.
template <typename Enum, size_t kCount>
Enum NamedBy(const std::array<std::pair<std::string_view, Enum>, kCount>& names, const Words& words,
             Enum otherwise) {
  for (const auto& [name, value] : names) {
    if (Has(words, name)) return value;
  }
  return otherwise;
}

constexpr std::array<std::pair<std::string_view, Phase>, 6> kPhases = {{
    {"pre-open", Phase::kPreOpen},
    {"opening-auction", Phase::kOpeningAuction},
    {"continuous", Phase::kContinuous},
    {"halt", Phase::kHalt},
    {"closing-auction", Phase::kClosingAuction},
    {"closed", Phase::kClosed},
}};
constexpr std::array<std::pair<std::string_view, TimeInForce>, 4> kTimes = {{
    {"ioc", TimeInForce::kImmediateOrCancel},
    {"fok", TimeInForce::kFillOrKill},
    {"day", TimeInForce::kDay},
    {"gtd", TimeInForce::kGoodTillTime},
}};
constexpr std::array<std::pair<std::string_view, SelfTrade>, 4> kSelfTrades = {{
    {"self=taker", SelfTrade::kCancelTaker},
    {"self=maker", SelfTrade::kCancelMaker},
    {"self=both", SelfTrade::kCancelBoth},
    {"self=decrement", SelfTrade::kDecrement},
}};

// "10@100" or "10@market"
void ParseTerms(const std::string& text, Quantity* quantity, Price* price, bool* market) {
  const size_t at = text.find('@');
  QB_CHECK(at != std::string::npos);
  *quantity = ToNumber(text.substr(0, at));
  *market = text.substr(at + 1) == "market";
  *price = *market ? 0 : ToNumber(text.substr(at + 1));
}

Decimal ParseDecimal(const std::string& text) {
  const size_t point = text.find('.');
  if (point == std::string::npos) return {.mantissa = ToNumber(text), .exponent = 0};
  const std::string fraction = text.substr(point + 1);
  return {.mantissa = ToNumber(text.substr(0, point) + fraction),
          .exponent = static_cast<int8_t>(-static_cast<int>(fraction.size()))};
}

AssetId ParseAsset(const Exchange& exchange, const std::string& name) {
  if (name.empty()) return AssetId();
  const AssetInfo* const info = exchange.FindAsset(name);
  return info == nullptr ? AssetId(999) : info->id;
}

SymbolRules ParseRules(const Words& words) {
  return {.min_quantity = Named(words, "min"),
          .max_quantity = Named(words, "max"),
          .static_band_bp = static_cast<uint32_t>(Named(words, "static")),
          .dynamic_band_bp = static_cast<uint32_t>(Named(words, "dynamic")),
          .protection = Named(words, "protection"),
          .maker_fee_bp = static_cast<uint32_t>(Named(words, "maker")),
          .taker_fee_bp = static_cast<uint32_t>(Named(words, "taker"))};
}

Command ParseOrder(const Exchange& exchange, const Words& words) {
  QB_CHECK(words.size() >= 4);
  NewOrder order;
  bool market = false;
  order.side = words[0] == "buy" ? Side::kBuy : Side::kSell;
  order.symbol = ParseSymbol(exchange, words[1]);
  order.client_order_id = ClientOrderId(NamedId(words, "id"));
  ParseTerms(words[3], &order.quantity, &order.price, &market);
  order.time_in_force = NamedBy(kTimes, words, TimeInForce::kGoodTillCancel);
  order.self_trade = NamedBy(kSelfTrades, words, SelfTrade::kAllow);
  order.post_only = Has(words, "post");
  const OrderTerms terms{.stop_price = Named(words, "stop"),
                         .trail = Named(words, "trail"),
                         .display = Named(words, "show"),
                         .minimum = Named(words, "min"),
                         .protection = Named(words, "protection"),
                         .expires = Named(words, "until"),
                         .all_or_none = Has(words, "aon")};
  order.type = market ? OrderType::kMarket : OrderType::kLimit;
  if (!ValueOf(words, "stop").empty()) {
    order.type = market ? OrderType::kStop : OrderType::kStopLimit;
  }
  if (!ValueOf(words, "trail").empty()) order.type = OrderType::kTrailingStop;
  if (Has(words, "price")) order.price = 7;  // an order that must have none
  if (terms == OrderTerms()) return order;
  return SpecialOrder{order, terms};
}

Command ParseSymbolCommand(const Exchange& exchange, const Words& words) {
  const std::string& verb = words.at(0);
  if (verb == "symbol") {
    return AddSymbol{words.at(1) == "empty" ? "" : words.at(1),
                     ParseDecimal(words.at(2)),
                     ParseDecimal(words.at(3)),
                     ParseAsset(exchange, ValueOf(words, "base")),
                     ParseAsset(exchange, ValueOf(words, "quote")),
                     ParseRules(words),
                     NamedBy(kPhases, words, Phase::kContinuous)};
  }
  const SymbolId symbol = ParseSymbol(exchange, words.at(1));
  if (verb == "rules") return SetSymbolRules{symbol, ParseRules(words)};
  if (verb == "phase") {
    return SetPhase{symbol, NamedBy(kPhases, words, Phase::kHalt), Named(words, "reference")};
  }
  QB_CHECK(verb == "delist");
  return DelistSymbol{symbol};
}

Command ParseAccountCommand(const Exchange& exchange, const Words& words) {
  const std::string& verb = words.at(0);
  if (verb == "asset") {
    return AddAsset{words.at(1) == "empty" ? "" : words.at(1),
                    static_cast<int8_t>(ToNumber(words.at(2)))};
  }
  const AccountId account(NamedId(words, "account"));
  if (verb == "limits") {
    return SetAccountLimits{account,
                            {.max_order_quantity = Named(words, "quantity"),
                             .max_notional = Named(words, "notional"),
                             .max_open_orders = NamedId(words, "orders")}};
  }
  if (verb == "kill") return SetKillSwitch{account, Has(words, "on")};
  const AssetId asset = ParseAsset(exchange, words.at(2));
  const Amount amount = ToNumber(words.at(3));
  if (verb == "position") return SetPositionLimit{account, asset, amount};
  if (verb == "deposit") return Deposit{account, asset, amount};
  QB_CHECK(verb == "withdraw");
  return Withdraw{account, asset, amount};
}

Command ParseMassCancel(const Exchange& exchange, const Words& words) {
  MassCancel command;
  command.account = AccountId(NamedId(words, "account"));
  if (Has(words, "buys")) command.side = Side::kBuy;
  if (Has(words, "sells")) command.side = Side::kSell;
  const std::string symbol = ValueOf(words, "symbol");
  if (!symbol.empty()) command.symbol = ParseSymbol(exchange, symbol);
  return command;
}

}  // namespace

int64_t Named(const Words& words, const std::string& name, int64_t otherwise) {
  const std::string value = ValueOf(words, name);
  return value.empty() ? otherwise : ToNumber(value);
}

SymbolId ParseSymbol(const Exchange& exchange, const std::string& name) {
  const SymbolInfo* info = exchange.FindSymbol(name);
  return info == nullptr ? SymbolId(999) : info->id;
}

Command ParseCommand(const Exchange& exchange, const Words& words) {
  const std::string& verb = words.at(0);
  if (verb == "buy" || verb == "sell") return ParseOrder(exchange, words);
  for (const std::string_view name : {"symbol", "rules", "phase", "delist"}) {
    if (verb == name) return ParseSymbolCommand(exchange, words);
  }
  for (const std::string_view name :
       {"asset", "limits", "kill", "position", "deposit", "withdraw"}) {
    if (verb == name) return ParseAccountCommand(exchange, words);
  }
  if (verb == "mass-cancel") return ParseMassCancel(exchange, words);
  const SymbolId symbol = ParseSymbol(exchange, words.at(1));
  const ClientOrderId id(NamedId(words, "id"));
  if (verb == "cancel") return CancelOrder{symbol, id};
  if (verb == "reduce") return ReduceOrder{symbol, id, Named(words, "by")};
  QB_CHECK(verb == "replace");
  ReplaceOrder replace{.symbol = symbol, .client_order_id = id};
  bool market = false;
  ParseTerms(words.at(3), &replace.quantity, &replace.price, &market);
  return replace;
}

}  // namespace quorumbook::exchange
