#include "script.h"

#include <sstream>

#include "common/check.h"
#include "event_text.h"

namespace quorumbook::exchange {

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
  Apply(SessionCommands{own.session, own.next, own.next - 1, {ParseCommand(exchange_, words)}});
  QB_CHECK(result_.groups[0].status == SessionStatus::kOk);
  ++own.next;
  return Events();
}

std::string Script::Events() const {
  std::vector<bool> answers(result_.events.size());
  for (const CommandResult& command : result_.commands) {
    for (uint32_t i = 0; i < command.event_count; ++i) answers[command.first_event + i] = true;
  }
  std::string text;
  for (size_t i = 0; i < answers.size(); ++i) {
    text += (answers[i] ? "" : "> ") + ToText(result_.events[i]) + "\n";
  }
  return text;
}

std::string Script::Open(const Words& words) {
  std::ostringstream out;
  const uint64_t first = NamedId(words, "account");
  const auto accounts = static_cast<uint64_t>(Named(words, "accounts", 1));
  const auto times = static_cast<uint64_t>(Named(words, "times", 1));
  for (uint64_t i = 0; i < times; ++i) {
    Apply(OpenSession{AccountId(first + i % accounts), Has(words, "cancel-on-disconnect")});
    out << Events();
  }
  const GroupResult& group = result_.groups[0];
  out << ToText(group.status) << ", session " << group.session << ", expects "
      << group.expected_sequence << ", " << exchange_.sessions() << " open\n";
  return out.str();
}

std::string Script::Close(const Words& words) {
  const SessionId session(NamedId(words, "session"));
  if (words[0] == "close") {
    Apply(CloseSession{session});
  } else {
    Apply(SessionLost{session});
  }
  return Events() + std::string(ToText(result_.groups[0].status)) + "\n";
}

std::string Script::Send(const std::string& line) {
  const size_t colon = line.find(':');
  const Words words = Split(line.substr(0, colon));
  SessionCommands group{.session = SessionId(NamedId(words, "session")),
                        .first_sequence = NamedId(words, "from"),
                        .acknowledged = NamedId(words, "ack"),
                        .commands = {}};
  if (colon != std::string::npos) {
    std::istringstream commands(line.substr(colon + 1));
    for (std::string command; std::getline(commands, command, ';');) {
      const auto times = static_cast<size_t>(Named(words, "times", 1));
      group.commands.insert(group.commands.end(), times, ParseCommand(exchange_, Split(command)));
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
  const SymbolId symbol = ParseSymbol(exchange_, name);
  std::ostringstream out;
  for (const Side side : {Side::kBuy, Side::kSell}) {
    for (const OrderInfo& order : exchange_.GetOrders(symbol, side, SIZE_MAX)) {
      out << (side == Side::kBuy ? "bid " : "ask ") << order.displayed;
      if (order.displayed != order.leaves) out << " of " << order.leaves;
      out << '@' << order.price << ' ' << order.account << '/' << order.client_order_id << '\n';
    }
  }
  return out.tellp() == 0 ? "empty\n" : out.str();
}

std::string Script::Summary(const std::string& name) const {
  const MarketSummary summary = exchange_.Summary(ParseSymbol(exchange_, name)).value();
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
  for (const TradeInfo& trade : exchange_.RecentTrades(ParseSymbol(exchange_, name), SIZE_MAX)) {
    out << "trade " << trade.id << " (#" << trade.sequence << ") at " << trade.time << ": taker "
        << ToText(trade.taker_side) << ' ' << trade.quantity << '@' << trade.price << '\n';
  }
  return out.tellp() == 0 ? "none\n" : out.str();
}

std::string Script::Candles(const Words& words) const {
  auto interval = CandleInterval::kMinute;
  if (Has(words, "5-minutes")) interval = CandleInterval::k5Minutes;
  if (Has(words, "hour")) interval = CandleInterval::kHour;
  if (Has(words, "day")) interval = CandleInterval::kDay;
  std::ostringstream out;
  for (const Candle& candle :
       exchange_.Candles(ParseSymbol(exchange_, words.at(1)), interval, SIZE_MAX)) {
    out << "from " << candle.start << ": open " << candle.open << ", high " << candle.high
        << ", low " << candle.low << ", close " << candle.close << ", trades " << candle.trades
        << ", volume " << static_cast<uint64_t>(candle.volume) << '\n';
  }
  return out.tellp() == 0 ? "none\n" : out.str();
}

std::string Script::Auction(const std::string& name) const {
  const auto auction = exchange_.Indicative(ParseSymbol(exchange_, name));
  if (!auction) return "no auction\n";
  std::ostringstream out;
  out << "indicative " << auction->volume << '@' << auction->price << ", surplus "
      << auction->surplus << '\n';
  return out.str();
}

std::string Script::Account(AccountId id) const {
  const auto account = exchange_.FindAccount(id);
  if (!account) return "unknown\n";
  std::ostringstream out;
  for (const BalanceInfo& balance : account->balances) {
    out << exchange_.FindAsset(balance.asset)->name << ' ' << balance.free << " free, "
        << balance.held << " held; ";
  }
  out << account->open_orders << " open orders" << (account->blocked ? ", blocked\n" : "\n");
  return out.str();
}

std::string Script::Assets() const {
  std::ostringstream out;
  for (const AssetInfo& asset : exchange_.Assets()) {
    out << asset.name << " in units of 10^" << int{asset.exponent} << ": " << asset.deposited
        << " deposited, " << asset.fees << " of it fees\n";
  }
  return out.tellp() == 0 ? "none\n" : out.str();
}

std::string Script::Look(const Words& words) const {
  const std::string& verb = words.at(0);
  if (verb == "book") return Book(words.at(1));
  if (verb == "summary") return Summary(words.at(1));
  if (verb == "trades") return Trades(words.at(1));
  if (verb == "candles") return Candles(words);
  if (verb == "auction") return Auction(words.at(1));
  if (verb == "assets") return Assets();
  if (verb == "conservation") return exchange_.CheckConservation().ToString() + "\n";
  if (verb == "deadline") {
    const auto deadline = exchange_.NextDeadline();
    return (deadline ? std::to_string(*deadline) : "none") + "\n";
  }
  if (verb != "account" && verb != "order" && verb != "orders") return "";
  const AccountId account(static_cast<uint64_t>(ToNumber(words.at(1))));
  if (verb == "account") return Account(account);
  if (verb == "orders") {
    std::string text;
    for (const OrderInfo& order : exchange_.OpenOrders(account, SIZE_MAX)) {
      text += ToText(order) + "\n";
    }
    return text.empty() ? "none\n" : text;
  }
  const auto order = exchange_.FindOrder(
      {account, ParseSymbol(exchange_, words.at(2)), ClientOrderId(NamedId(words, "id"))});
  return (order ? ToText(*order) : "unknown") + "\n";
}

std::string Script::Run(const std::string& line) {
  const Words words = Split(line);
  const std::string& verb = words.at(0);
  if (verb == "time") {
    time_ = ToNumber(words.at(1));
    return "";
  }
  if (verb == "tick") {
    exchange_.Apply({.time = time_, .groups = {}}, &result_);
    return Events();
  }
  if (verb == "open") return Open(words);
  if (verb == "close" || verb == "lost") return Close(words);
  if (verb == "send") return Send(line);
  if (const std::string view = Look(words); !view.empty()) return view;
  return RunAs(AccountId(static_cast<uint64_t>(ToNumber(verb))),
               Words(words.begin() + 1, words.end()));
}

}  // namespace quorumbook::exchange
