#include "script.h"

#include <cstdlib>
#include <sstream>

#include "common/check.h"
#include "event_text.h"

namespace quorumbook::exchange {
namespace {

std::vector<std::string> Split(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

int64_t ToNumber(const std::string& text) {
  char* end = nullptr;
  const int64_t number = std::strtoll(text.c_str(), &end, 10);
  QB_CHECK(!text.empty() && *end == '\0');
  return number;
}

// The value of `name=value`, or `otherwise`.
uint64_t Named(const std::vector<std::string>& words, const std::string& name,
               uint64_t otherwise = 0) {
  for (const std::string& word : words) {
    if (word.starts_with(name + "=")) {
      return static_cast<uint64_t>(ToNumber(word.substr(name.size() + 1)));
    }
  }
  return otherwise;
}

bool Has(const std::vector<std::string>& words, std::string_view wanted) {
  for (const std::string& word : words) {
    if (word == wanted) return true;
  }
  return false;
}

// "10@100" or "10@market"
void ParseTerms(const std::string& text, Quantity* quantity, Price* price, OrderType* type) {
  const size_t at = text.find('@');
  QB_CHECK(at != std::string::npos);
  *quantity = ToNumber(text.substr(0, at));
  const bool market = text.substr(at + 1).starts_with("market");
  *type = market ? OrderType::kMarket : OrderType::kLimit;
  *price = market ? 0 : ToNumber(text.substr(at + 1));
}

Decimal ParseDecimal(const std::string& text) {
  const size_t point = text.find('.');
  if (point == std::string::npos) return {.mantissa = ToNumber(text), .exponent = 0};
  const std::string fraction = text.substr(point + 1);
  return {.mantissa = ToNumber(text.substr(0, point) + fraction),
          .exponent = static_cast<int8_t>(-static_cast<int>(fraction.size()))};
}

}  // namespace

SymbolId Script::ParseSymbol(const std::string& name) const {
  const SymbolInfo* info = exchange_.FindSymbol(name);
  return info == nullptr ? SymbolId(999) : info->id;
}

NewOrder Script::ParseOrder(const Words& words) const {
  QB_CHECK(words.size() >= 4);
  NewOrder order;
  order.side = words[0] == "buy" ? Side::kBuy : Side::kSell;
  order.symbol = ParseSymbol(words[1]);
  order.client_order_id = ClientOrderId(Named(words, "id"));
  ParseTerms(words[3], &order.quantity, &order.price, &order.type);
  if (Has(words, "ioc")) order.time_in_force = TimeInForce::kImmediateOrCancel;
  if (Has(words, "fok")) order.time_in_force = TimeInForce::kFillOrKill;
  if (Has(words, "price")) order.price = 7;  // a market order that names one
  return order;
}

Command Script::ParseCommand(const Words& words) const {
  const std::string& verb = words.at(0);
  const ClientOrderId id(Named(words, "id"));
  if (verb == "symbol") {
    const std::string name = words.at(1) == "empty" ? "" : words.at(1);
    return AddSymbol{name, ParseDecimal(words.at(2)), ParseDecimal(words.at(3))};
  }
  if (verb == "buy" || verb == "sell") return ParseOrder(words);
  const SymbolId symbol = ParseSymbol(words.at(1));
  if (verb == "cancel") return CancelOrder{symbol, id};
  if (verb == "reduce") return ReduceOrder{symbol, id, static_cast<Quantity>(Named(words, "by"))};
  QB_CHECK(verb == "replace");
  ReplaceOrder replace{.symbol = symbol, .client_order_id = id};
  OrderType type;
  ParseTerms(words.at(3), &replace.quantity, &replace.price, &type);
  return replace;
}

void Script::Apply(Group group) {
  Batch batch{.time = time_, .groups = {}};
  batch.groups.push_back(std::move(group));
  exchange_.Apply(batch, &result_);
}

std::string Script::RunAs(AccountId account, const Words& words) {
  if (!own_.contains(account)) {
    Apply(OpenSession{account});
    own_[account].session = result_.groups[0].session;
  }
  Own& own = own_[account];
  Apply(SessionCommands{own.session, own.next, own.next - 1, {ParseCommand(words)}});
  QB_CHECK(result_.groups[0].status == SessionStatus::kOk);
  ++own.next;
  std::string text;
  for (const Event& event : result_.events) text += ToText(event) + "\n";
  return text;
}

std::string Script::Open(const Words& words) {
  for (uint64_t i = Named(words, "times", 1); i > 0; --i) {
    Apply(OpenSession{AccountId(Named(words, "account"))});
  }
  const GroupResult& group = result_.groups[0];
  std::ostringstream out;
  out << ToText(group.status) << ", session " << group.session << ", expects "
      << group.expected_sequence << ", " << exchange_.sessions() << " open\n";
  return out.str();
}

std::string Script::Send(const std::string& line) {
  const size_t colon = line.find(':');
  const Words words = Split(line.substr(0, colon));
  SessionCommands group{.session = SessionId(Named(words, "session")),
                        .first_sequence = Named(words, "from"),
                        .acknowledged = Named(words, "ack"),
                        .commands = {}};
  if (colon != std::string::npos) {
    std::istringstream commands(line.substr(colon + 1));
    for (std::string command; std::getline(commands, command, ';');) {
      const uint64_t times = Named(words, "times", 1);
      group.commands.insert(group.commands.end(), times, ParseCommand(Split(command)));
    }
  }
  Apply(group);
  std::ostringstream out;
  const bool quiet = Has(words, "quiet");
  for (const CommandResult& command : result_.commands) {
    if (quiet) break;
    out << command.sequence << (command.repeated ? " repeated" : " executed") << '\n';
    for (uint32_t i = 0; i < command.event_count; ++i) {
      out << "  " << result_.events[command.first_event + i] << '\n';
    }
  }
  const GroupResult& answer = result_.groups[0];
  out << ToText(answer.status) << ", " << answer.command_count << " answered, expects "
      << answer.expected_sequence << '\n';
  return out.str();
}

std::string Script::Book(const std::string& name) const {
  const SymbolId symbol = ParseSymbol(name);
  std::ostringstream out;
  for (const Side side : {Side::kBuy, Side::kSell}) {
    for (const OrderInfo& order : exchange_.GetOrders(symbol, side, SIZE_MAX)) {
      out << (side == Side::kBuy ? "bid " : "ask ") << order.leaves << '@' << order.price << ' '
          << order.account << '/' << order.client_order_id << '\n';
    }
  }
  return out.tellp() == 0 ? "empty\n" : out.str();
}

std::string Script::Summary(const std::string& name) const {
  const MarketSummary summary = exchange_.Summary(ParseSymbol(name)).value();
  std::ostringstream out;
  out << "last " << summary.last << ", open " << summary.open << ", high " << summary.high
      << ", low " << summary.low << ", trades " << summary.trades << ", volume "
      << static_cast<uint64_t>(summary.volume) << ", notional "
      << static_cast<uint64_t>(summary.notional) << ", bid " << summary.best_bid_quantity << '@'
      << summary.best_bid << ", ask " << summary.best_ask_quantity << '@' << summary.best_ask
      << '\n';
  return out.str();
}

std::string Script::Trades(const std::string& name) const {
  std::ostringstream out;
  for (const TradeInfo& trade : exchange_.RecentTrades(ParseSymbol(name), SIZE_MAX)) {
    out << "trade " << trade.id << " (#" << trade.sequence << ") at " << trade.time << ": taker "
        << ToText(trade.taker_side) << ' ' << trade.quantity << '@' << trade.price << '\n';
  }
  return out.tellp() == 0 ? "none\n" : out.str();
}

std::string Script::Run(const std::string& line) {
  const Words words = Split(line);
  const std::string& verb = words.at(0);
  if (verb == "time") {
    time_ = ToNumber(words.at(1));
    return "";
  }
  if (verb == "book") return Book(words.at(1));
  if (verb == "summary") return Summary(words.at(1));
  if (verb == "trades") return Trades(words.at(1));
  if (verb == "order") {
    const AccountId account(static_cast<uint64_t>(ToNumber(words.at(1))));
    const auto order =
        exchange_.FindOrder({account, ParseSymbol(words.at(2)), ClientOrderId(Named(words, "id"))});
    return (order ? ToText(*order) : "unknown") + "\n";
  }
  if (verb == "open") return Open(words);
  if (verb == "close") {
    Apply(CloseSession{SessionId(Named(words, "session"))});
    return std::string(ToText(result_.groups[0].status)) + "\n";
  }
  if (verb == "send") return Send(line);
  return RunAs(AccountId(static_cast<uint64_t>(ToNumber(verb))),
               Words(words.begin() + 1, words.end()));
}

}  // namespace quorumbook::exchange
