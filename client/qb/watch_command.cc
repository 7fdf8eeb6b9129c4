// qb watch: market data as it happens, one line an update.
#include <csignal>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "client/qb/commands.h"
#include "client/qb/render.h"
#include "quorumbook/market_data.h"

namespace quorumbook::qb {
namespace {

struct Arguments {
  std::string symbol;
  std::string channel = "l2";
  std::string interval = "1m";
  uint32_t depth = 10;
  uint32_t limit = 10;
  uint32_t node = 0;
  uint64_t updates = 0;
};

v1::SubscribeRequest::Channel ChannelOf(const std::string& name) {
  if (name == "l1") return v1::SubscribeRequest::L1;
  if (name == "l3") return v1::SubscribeRequest::L3;
  if (name == "trades") return v1::SubscribeRequest::TRADES;
  if (name == "candles") return v1::SubscribeRequest::CANDLES;
  if (name == "executions") return v1::SubscribeRequest::EXECUTIONS;
  return v1::SubscribeRequest::L2;
}

Json OrdersJson(const v1::OrderChanges& orders, const v1::Symbol& symbol) {
  Json json = Json::array();
  for (const v1::OrderChange& change : orders.changes()) {
    json.push_back({{"order_id", change.order_id()},
                    {"side", Name(change.side())},
                    {"price", PriceJson(change.price(), symbol)},
                    {"quantity", QuantityText(change.quantity(), symbol)},
                    {"queued", change.queued()}});
  }
  return json;
}

Json ExecutionsJson(const v1::MarketDataUpdate& update, const v1::Symbol& symbol) {
  Json json = {{"executions", Json::array()}};
  for (const v1::ExecutionReport& report : update.executions()) {
    json["executions"].push_back(ReportJson(report, symbol));
  }
  if (!update.snapshot()) return json;
  json["open_orders"] = Json::array();
  for (const v1::Order& order : update.open_orders()) {
    json["open_orders"].push_back(OrderJson(order, symbol));
  }
  json["more_open_orders"] = update.more_open_orders();
  return json;
}

Json UpdateJson(const v1::MarketDataUpdate& update, const v1::Symbol& symbol,
                v1::SubscribeRequest::Channel channel) {
  Json json = {{"sequence", update.sequence()},
               {"event_sequence", update.event_sequence()},
               {"time", FormatTime(update.time_ns())},
               {"snapshot", update.snapshot()}};
  switch (channel) {
    case v1::SubscribeRequest::L1:
      json["bid"] = update.best().has_bid() ? LevelJson(update.best().bid(), symbol) : Json();
      json["ask"] = update.best().has_ask() ? LevelJson(update.best().ask(), symbol) : Json();
      json["last"] = PriceJson(update.best().last(), symbol);
      json["phase"] = Name(update.best().phase());
      json["auction"] =
          update.best().has_auction() ? AuctionJson(update.best().auction(), symbol) : Json();
      break;
    case v1::SubscribeRequest::L3:
      json["orders"] = OrdersJson(update.orders(), symbol);
      break;
    case v1::SubscribeRequest::TRADES:
      json["trades"] = Json::array();
      for (const v1::Trade& trade : update.trades()) {
        json["trades"].push_back(TradeJson(trade, symbol));
      }
      break;
    case v1::SubscribeRequest::CANDLES:
      json["candles"] = Json::array();
      for (const v1::Candle& candle : update.candles()) {
        json["candles"].push_back(CandleJson(candle, symbol));
      }
      break;
    case v1::SubscribeRequest::EXECUTIONS:
      json.update(ExecutionsJson(update, symbol));
      break;
    default:
      json["bids"] = LevelsJson(update.levels().bids(), symbol);
      json["asks"] = LevelsJson(update.levels().asks(), symbol);
  }
  return json;
}

std::string LevelText(const v1::Level& level, const v1::Symbol& symbol) {
  return QuantityText(level.quantity(), symbol) + " at " + PriceText(level.price(), symbol);
}

// For people: what changed, a line each.
void PrintUpdate(const v1::MarketDataUpdate& update, const v1::Symbol& symbol) {
  const std::string time = FormatTime(update.time_ns());
  if (update.snapshot()) std::cout << time << " " << symbol.name() << " snapshot\n";
  if (update.has_best()) {
    const v1::BestPrices& best = update.best();
    std::cout << time << "  bid " << (best.has_bid() ? LevelText(best.bid(), symbol) : "-")
              << ", ask " << (best.has_ask() ? LevelText(best.ask(), symbol) : "-") << ", last "
              << PriceText(best.last(), symbol) << ", " << Name(best.phase()) << '\n';
  }
  for (const v1::Level& level : update.levels().bids()) {
    std::cout << time << "  bid " << LevelText(level, symbol) << '\n';
  }
  for (const v1::Level& level : update.levels().asks()) {
    std::cout << time << "  ask " << LevelText(level, symbol) << '\n';
  }
  for (const v1::OrderChange& change : update.orders().changes()) {
    std::cout << time << "  order " << change.order_id() << ": " << Name(change.side()) << ' '
              << QuantityText(change.quantity(), symbol) << " at "
              << PriceText(change.price(), symbol) << '\n';
  }
  for (const v1::Trade& trade : update.trades()) {
    std::cout << FormatTime(trade.time_ns()) << "  trade " << trade.trade_id() << ": "
              << QuantityText(trade.quantity(), symbol) << " at "
              << PriceText(trade.price(), symbol) << '\n';
  }
  for (const v1::Order& order : update.open_orders()) {
    std::cout << time << "  order " << order.client_order_id() << ": " << Name(order.side()) << ' '
              << QuantityText(order.leaves_quantity(), symbol) << " at "
              << PriceText(order.price(), symbol) << " open, "
              << QuantityText(order.cumulative_quantity(), symbol) << " executed\n";
  }
  for (const v1::ExecutionReport& report : update.executions()) {
    std::cout << time << "  order " << report.client_order_id() << ": "
              << ReportText(report, symbol) << '\n';
  }
  for (const v1::Candle& candle : update.candles()) {
    std::cout << FormatTime(candle.start_ns()) << "  open " << PriceText(candle.open(), symbol)
              << ", high " << PriceText(candle.high(), symbol) << ", low "
              << PriceText(candle.low(), symbol) << ", close " << PriceText(candle.close(), symbol)
              << ", volume " << FromUnits(candle.volume(), symbol.lot_size()) << '\n';
  }
}

// Blocks the signals that ask a process to end. REQUIRES: before other threads are started, which
// inherit this.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Cancels a stream when the process is asked to end. Signals are taken by a thread of its own, so
// that what they do is not bound to what a signal handler may.
class SignalWatch {
 public:
  SignalWatch(const sigset_t& signals, MarketDataStream* stream)
      : signals_(signals), thread_([this, stream] {
          int signal = 0;
          sigwait(&signals_, &signal);
          stream->Cancel();
        }) {}
  ~SignalWatch() {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }

 private:
  const sigset_t signals_;
  std::thread thread_;
};

int Watch(const Context& context, const Arguments& arguments) {
  const sigset_t blocked = BlockSignals();
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  SubscribeOptions options;
  options.symbol = arguments.symbol;
  options.channel = ChannelOf(arguments.channel);
  options.depth = arguments.depth;
  options.interval = IntervalOf(arguments.interval);
  options.limit = arguments.limit;
  options.node = arguments.node;
  if (options.channel == v1::SubscribeRequest::EXECUTIONS) options.account = context.account;
  auto stream = (*client)->Subscribe(options);
  if (!stream.ok()) return ReportError(context, stream.status());
  const SignalWatch signals(blocked, stream->get());
  v1::Symbol symbol;
  for (uint64_t shown = 0; arguments.updates == 0 || shown < arguments.updates; ++shown) {
    absl::StatusOr<v1::MarketDataUpdate> update = (*stream)->Next();
    if (absl::IsCancelled(update.status())) return kExitOk;
    if (!update.ok()) return ReportError(context, update.status());
    if (update->has_symbol()) symbol = update->symbol();
    if (context.json) {
      std::cout << UpdateJson(*update, symbol, options.channel).dump() << '\n';
    } else {
      PrintUpdate(*update, symbol);
    }
    std::cout.flush();
    if (!std::cout) return kExitOk;  // nobody reads it any more
  }
  return kExitOk;
}

}  // namespace

void AddWatchCommand(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = AddCommand(
      app, "watch", "Show what happens to a symbol, until interrupted; json: one document a line");
  command->add_option("SYMBOL", arguments->symbol)->required();
  command
      ->add_option("--channel", arguments->channel,
                   "l1 best prices, l2 levels, l3 orders, trades, candles, or executions: what "
                   "happens to the orders of --account")
      ->check(CLI::IsMember({"l1", "l2", "l3", "trades", "candles", "executions"}))
      ->capture_default_str();
  command->add_option("--depth", arguments->depth, "Of l2, levels a side")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command->add_option("--interval", arguments->interval, "Of candles: 1m, 5m, 1h or 1d")
      ->check(CLI::IsMember({"1m", "5m", "1h", "1d"}))
      ->capture_default_str();
  command->add_option("--limit", arguments->limit, "Trades, candles or open orders to begin with")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  command->add_option("--node", arguments->node, "Node to ask first (default: any)");
  command->add_option("--updates", arguments->updates, "End after as many (default: never)");
  command->callback([&context, arguments] { context.exit_code = Watch(context, *arguments); });
}

}  // namespace quorumbook::qb
