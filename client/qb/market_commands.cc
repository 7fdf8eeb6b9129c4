#include <algorithm>
#include <iostream>
#include <memory>

#include "client/qb/commands.h"
#include "client/qb/render.h"
#include "client/qb/table.h"

namespace quorumbook::qb {
namespace {

struct Arguments {
  std::string symbol;
  uint32_t levels = 10;
  uint32_t limit = 50;
  std::string interval = "1m";
};

int ShowBook(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Book> book =
      (*client)->GetBook(arguments.symbol, arguments.levels, /*orders=*/false);
  if (!book.ok()) return ReportError(context, book.status());
  const v1::Symbol& symbol = book->symbol();
  if (context.json) {
    PrintJson({{"symbol", symbol.name()},
               {"event_sequence", book->event_sequence()},
               {"bids", LevelsJson(book->bids(), symbol)},
               {"asks", LevelsJson(book->asks(), symbol)}});
    return kExitOk;
  }
  Table table({{"ORDERS", Table::kRight},
               {"QUANTITY", Table::kRight},
               {"BID", Table::kRight},
               {"ASK", Table::kRight},
               {"QUANTITY", Table::kRight},
               {"ORDERS", Table::kRight}});
  for (int i = 0; i < std::max(book->bids_size(), book->asks_size()); ++i) {
    std::vector<std::string> row(6);
    if (i < book->bids_size()) {
      const v1::Level& bid = book->bids(i);
      row[0] = std::to_string(bid.orders());
      row[1] = QuantityText(bid.quantity(), symbol);
      row[2] = PriceText(bid.price(), symbol);
    }
    if (i < book->asks_size()) {
      const v1::Level& ask = book->asks(i);
      row[3] = PriceText(ask.price(), symbol);
      row[4] = QuantityText(ask.quantity(), symbol);
      row[5] = std::to_string(ask.orders());
    }
    table.AddRow(std::move(row));
  }
  std::cout << symbol.name() << " at event " << book->event_sequence() << '\n';
  table.Print(std::cout);
  return kExitOk;
}

int ShowTrades(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Trades> trades = (*client)->GetTrades(arguments.symbol, arguments.limit);
  if (!trades.ok()) return ReportError(context, trades.status());
  const v1::Symbol& symbol = trades->symbol();
  Json json = {{"symbol", symbol.name()}, {"trades", Json::array()}};
  Table table({{"TRADE", Table::kRight},
               {"TIME"},
               {"TAKER"},
               {"PRICE", Table::kRight},
               {"QUANTITY", Table::kRight}});
  for (const v1::Trade& trade : trades->trades()) {
    json["trades"].push_back(TradeJson(trade, symbol));
    table.AddRow({std::to_string(trade.trade_id()), FormatTime(trade.time_ns()),
                  Name(trade.taker_side()), PriceText(trade.price(), symbol),
                  QuantityText(trade.quantity(), symbol)});
  }
  if (context.json) {
    PrintJson(json);
  } else {
    table.Print(std::cout);
  }
  return kExitOk;
}

Json SummaryJson(const v1::Summary& summary, const v1::Symbol& symbol) {
  const std::string vwap =
      Quotient(summary.notional(), summary.volume(), symbol.tick_size(), kVwapDecimals);
  const bool two_sided = summary.best_bid() > 0 && summary.best_ask() > 0;
  const int64_t spread = two_sided ? summary.best_ask() - summary.best_bid() : 0;
  const auto side = [&](int64_t price, int64_t quantity) {
    return price == 0 ? Json(nullptr)
                      : Json({{"price", PriceJson(price, symbol)},
                              {"quantity", QuantityText(quantity, symbol)}});
  };
  return {{"symbol", symbol.name()},
          {"last", PriceJson(summary.last(), symbol)},
          {"open", PriceJson(summary.open(), symbol)},
          {"high", PriceJson(summary.high(), symbol)},
          {"low", PriceJson(summary.low(), symbol)},
          {"vwap", vwap.empty() ? Json(nullptr) : Json(vwap)},
          {"volume", FromUnits(summary.volume(), symbol.lot_size())},
          {"trades", summary.trades()},
          {"best_bid", side(summary.best_bid(), summary.best_bid_quantity())},
          {"best_ask", side(summary.best_ask(), summary.best_ask_quantity())},
          {"spread", PriceJson(spread, symbol)}};
}

int ShowSummary(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.symbol);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  absl::StatusOr<v1::Summary> summary = (*client)->GetSummary(arguments.symbol);
  if (!summary.ok()) return ReportError(context, summary.status());
  const Json json = SummaryJson(*summary, *symbol);
  if (context.json) {
    PrintJson(json);
    return kExitOk;
  }
  Table table({{"FIELD"}, {"VALUE", Table::kRight}});
  for (const auto& [key, value] : json.items()) {
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_null()) text = "-";
    if (value.is_object()) {
      text = value["quantity"].get<std::string>() + " at " + value["price"].get<std::string>();
    }
    table.AddRow({key, std::move(text)});
  }
  table.Print(std::cout);
  return kExitOk;
}

int ShowCandles(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Candles> candles =
      (*client)->GetCandles(arguments.symbol, IntervalOf(arguments.interval), arguments.limit);
  if (!candles.ok()) return ReportError(context, candles.status());
  const v1::Symbol& symbol = candles->symbol();
  Json json = {
      {"symbol", symbol.name()}, {"interval", arguments.interval}, {"candles", Json::array()}};
  Table table({{"START"},
               {"OPEN", Table::kRight},
               {"HIGH", Table::kRight},
               {"LOW", Table::kRight},
               {"CLOSE", Table::kRight},
               {"VOLUME", Table::kRight},
               {"TRADES", Table::kRight}});
  for (const v1::Candle& candle : candles->candles()) {
    json["candles"].push_back(CandleJson(candle, symbol));
    table.AddRow({FormatTime(candle.start_ns()), PriceText(candle.open(), symbol),
                  PriceText(candle.high(), symbol), PriceText(candle.low(), symbol),
                  PriceText(candle.close(), symbol), FromUnits(candle.volume(), symbol.lot_size()),
                  std::to_string(candle.trades())});
  }
  if (context.json) {
    PrintJson(json);
  } else {
    table.Print(std::cout);
  }
  return kExitOk;
}

}  // namespace

void AddMarketCommands(CLI::App& app, Context& context) {
  auto book = std::make_shared<Arguments>();
  CLI::App* command = AddCommand(app, "book", "Show the best prices and what is open at them");
  command->add_option("SYMBOL", book->symbol)->required();
  command->add_option("--levels", book->levels, "Prices a side, at most 1000")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command->callback([&context, book] { context.exit_code = ShowBook(context, *book); });

  auto trades = std::make_shared<Arguments>();
  command = AddCommand(app, "trades", "Show the latest trades, oldest first");
  command->add_option("SYMBOL", trades->symbol)->required();
  command->add_option("--limit", trades->limit, "At most 1024")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  command->callback([&context, trades] { context.exit_code = ShowTrades(context, *trades); });

  auto summary = std::make_shared<Arguments>();
  command = AddCommand(app, "summary",
                       "Show last, open, high, low, VWAP, volume, best bid and ask, spread");
  command->add_option("SYMBOL", summary->symbol)->required();
  command->callback([&context, summary] { context.exit_code = ShowSummary(context, *summary); });

  auto candles = std::make_shared<Arguments>();
  candles->limit = 0;
  command = AddCommand(app, "candles", "Show open, high, low, close of intervals, oldest first");
  command->add_option("SYMBOL", candles->symbol)->required();
  command->add_option("--interval", candles->interval, "1m, 5m, 1h or 1d")
      ->check(CLI::IsMember({"1m", "5m", "1h", "1d"}))
      ->capture_default_str();
  command->add_option("--limit", candles->limit, "The latest (default: all that are kept)")
      ->check(CLI::Range(1, 366));
  command->callback([&context, candles] { context.exit_code = ShowCandles(context, *candles); });
}

}  // namespace quorumbook::qb
