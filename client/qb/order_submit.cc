// qb order submit: from words to a NewOrder.
#include "client/qb/order_submit.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>

#include "proto/decimal.h"

namespace quorumbook::qb {
namespace {

const std::map<std::string, v1::OrderType> kTypes = {{"limit", v1::LIMIT},
                                                     {"market", v1::MARKET},
                                                     {"stop", v1::STOP},
                                                     {"stop-limit", v1::STOP_LIMIT},
                                                     {"trailing-stop", v1::TRAILING_STOP}};
const std::map<std::string, v1::TimeInForce> kTimesInForce = {{"gtc", v1::GOOD_TILL_CANCEL},
                                                              {"ioc", v1::IMMEDIATE_OR_CANCEL},
                                                              {"fok", v1::FILL_OR_KILL},
                                                              {"day", v1::DAY},
                                                              {"gtd", v1::GOOD_TILL_DATE}};
const std::map<std::string, v1::SelfTradePrevention> kPreventions = {
    {"allow", v1::SELF_TRADE_ALLOWED},
    {"cancel-taker", v1::CANCEL_TAKER},
    {"cancel-maker", v1::CANCEL_MAKER},
    {"cancel-both", v1::CANCEL_BOTH},
    {"decrement", v1::DECREMENT}};

template <typename Value>
std::vector<std::string> KeysOf(const std::map<std::string, Value>& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

bool HasLimit(v1::OrderType type) { return type == v1::LIMIT || type == v1::STOP_LIMIT; }

absl::Status CheckWords(const SubmitArguments& arguments) {
  const v1::OrderType type = kTypes.at(arguments.type);
  if (!HasLimit(type) && !arguments.price.empty()) {
    return absl::InvalidArgumentError("a " + arguments.type + " order has no price");
  }
  if (type == v1::LIMIT && arguments.price.empty()) {
    return absl::InvalidArgumentError(
        "a limit order needs a price; for the best there is, use --type market");
  }
  if (HasLimit(type) && arguments.price.empty()) {
    return absl::InvalidArgumentError("a " + arguments.type + " order needs a price");
  }
  const bool rests = arguments.time_in_force != "ioc" && arguments.time_in_force != "fok";
  if (type == v1::MARKET && rests && !arguments.time_in_force.empty()) {
    return absl::InvalidArgumentError("a market order can not rest: use --tif ioc or --tif fok");
  }
  if ((arguments.time_in_force == "gtd") == arguments.expires.empty()) {
    return absl::InvalidArgumentError("--tif gtd and --expires belong together");
  }
  return absl::OkStatus();
}

// Reads `text`, if there is one, into `field`.
template <typename Set>
absl::Status Read(const std::string& text, const v1::Decimal& unit, int64_t max,
                  const std::string& what, Set set) {
  if (text.empty()) return absl::OkStatus();
  absl::StatusOr<int64_t> units = ToUnits(text, unit, max, what);
  if (units.ok()) set(*units);
  return units.status();
}

absl::Status ReadNumbers(const SubmitArguments& arguments, const v1::Symbol& symbol,
                         v1::NewOrder* order) {
  const auto price = [&](const std::string& text, const char* what, auto set) {
    return Read(text, symbol.tick_size(), kMaxPriceTicks, what, set);
  };
  const auto quantity = [&](const std::string& text, const char* what, auto set) {
    return Read(text, symbol.lot_size(), kMaxQuantityLots, what, set);
  };
  for (const absl::Status& status :
       {quantity(arguments.quantity, "quantity", [&](int64_t v) { order->set_quantity(v); }),
        price(arguments.price, "price", [&](int64_t v) { order->set_price(v); }),
        price(arguments.stop, "--stop", [&](int64_t v) { order->set_stop_price(v); }),
        price(arguments.trail, "--trail", [&](int64_t v) { order->set_trail(v); }),
        price(arguments.protection, "--protection", [&](int64_t v) { order->set_protection(v); }),
        quantity(arguments.display, "--display",
                 [&](int64_t v) { order->set_display_quantity(v); }),
        quantity(arguments.minimum, "--minimum",
                 [&](int64_t v) { order->set_minimum_quantity(v); })}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

void AddSubmitOptions(CLI::App& submit, SubmitArguments& arguments) {
  submit.add_option("SYMBOL", arguments.symbol)->required();
  submit.add_option("SIDE", arguments.side, "buy or sell")
      ->required()
      ->check(CLI::IsMember({"buy", "sell"}));
  submit.add_option("QUANTITY", arguments.quantity, "A multiple of the lot size")->required();
  submit.add_option("PRICE", arguments.price,
                    "A multiple of the tick size, of a limit and stop-limit order");
  submit.add_option("--type", arguments.type, "What it is")
      ->check(CLI::IsMember(KeysOf(kTypes)))
      ->capture_default_str();
  submit
      .add_option("--tif", arguments.time_in_force,
                  "gtc rests (default), ioc cancels what does not trade at once (default of "
                  "market), fok trades whole or not at all, day rests until the symbol closes, gtd "
                  "until --expires")
      ->check(CLI::IsMember(KeysOf(kTimesInForce)));
  submit.add_option("--expires", arguments.expires,
                    "Of gtd: a time like 2026-01-31T16:00:00Z, or from now like 10m");
  submit.add_option("--stop", arguments.stop, "Price that triggers a stop or stop-limit order");
  submit.add_option("--trail", arguments.trail, "Distance of a trailing stop from the market");
  submit.add_option("--protection", arguments.protection,
                    "How far from the best price a market order or stop may trade");
  submit.add_option("--display", arguments.display, "Iceberg: quantity that others see at a time");
  submit.add_option("--minimum", arguments.minimum, "Quantity that must trade at once");
  submit.add_option("--stp", arguments.prevention, "When it meets an order of its own account")
      ->check(CLI::IsMember(KeysOf(kPreventions)))
      ->capture_default_str();
  submit.add_flag("--post-only", arguments.post_only, "Refused when it would trade at once");
  submit.add_flag("--all-or-none", arguments.all_or_none, "Trades whole or not at all, but rests");
  submit.add_option("--id", arguments.id, "Client order id (default: random, printed)")
      ->check(CLI::Range(uint64_t{1}, UINT64_MAX));
}

absl::StatusOr<v1::Command> BuildNewOrder(const SubmitArguments& arguments,
                                          const v1::Symbol& symbol) {
  if (absl::Status valid = CheckWords(arguments); !valid.ok()) return valid;
  v1::Command command;
  v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol(symbol.name());
  order.set_client_order_id(arguments.id);
  order.set_side(arguments.side == "buy" ? v1::BUY : v1::SELL);
  order.set_type(kTypes.at(arguments.type));
  const std::string by_default = order.type() == v1::MARKET ? "ioc" : "gtc";
  order.set_time_in_force(
      kTimesInForce.at(arguments.time_in_force.empty() ? by_default : arguments.time_in_force));
  order.set_self_trade_prevention(kPreventions.at(arguments.prevention));
  order.set_post_only(arguments.post_only);
  order.set_all_or_none(arguments.all_or_none);
  if (!arguments.expires.empty()) {
    absl::StatusOr<int64_t> expires = ParseTime(arguments.expires);
    if (!expires.ok()) return expires.status();
    order.set_expires_ns(*expires);
  }
  if (absl::Status read = ReadNumbers(arguments, symbol, &order); !read.ok()) return read;
  return command;
}

absl::StatusOr<int64_t> ParseTime(const std::string& text) {
  using std::chrono::nanoseconds;
  std::tm utc{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  if (end != nullptr && *end == '\0') {
    constexpr int64_t kSecond = 1'000'000'000;
    const int64_t seconds = timegm(&utc);
    if (seconds >= 0 && seconds <= INT64_MAX / kSecond) return seconds * kSecond;
    return absl::InvalidArgumentError("'" + text +
                                      "' is out of range: times are of the years 1970 to 2262, up "
                                      "to 2262-04-11T23:47:16Z");
  }
  absl::StatusOr<std::chrono::milliseconds> from_now = ParseDuration(text);
  if (!from_now.ok()) {
    return absl::InvalidArgumentError(
        "'" + text +
        "' is no time; write e.g. 2026-01-31T16:00:00Z, or 10m for ten minutes from now");
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return nanoseconds(now + *from_now).count();
}

}  // namespace quorumbook::qb
