#include <absl/strings/str_cat.h>

#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "client/qb/commands.h"
#include "client/qb/execute.h"
#include "client/qb/order_submit.h"
#include "client/qb/render.h"
#include "client/qb/table.h"

namespace quorumbook::qb {
namespace {

// Of the commands about one order.
struct Arguments {
  std::string symbol;
  std::string quantity;
  std::string price;
  uint64_t id = 0;
};

struct MassCancelArguments {
  std::string symbol;
  std::string side;
};

// 63 bits, so that every JSON reader holds it in a signed integer.
uint64_t RandomId() {
  std::random_device device;
  return std::uniform_int_distribution<uint64_t>(1, INT64_MAX)(device);
}

int PrintResult(const Context& context, uint64_t id, const v1::Symbol& symbol,
                const v1::CommandResult& result) {
  const bool rejected = Rejected(result);
  if (context.json) {
    Json json = {{"result", rejected ? "rejected" : "accepted"},
                 {"symbol", symbol.name()},
                 {"client_order_id", id},
                 {"account", context.account},
                 {"shard", symbol.shard()},
                 {"reports", Json::array()}};
    for (const auto& report : result.reports()) {
      json["reports"].push_back(ReportJson(report, symbol));
    }
    PrintJson(json);
  } else {
    std::cout << "order " << id << " on " << symbol.name() << (rejected ? ": rejected" : "")
              << '\n';
    for (const auto& report : result.reports()) {
      std::cout << "  " << ReportText(report, symbol) << '\n';
    }
  }
  return rejected ? kExitRejected : kExitOk;
}

int ExecuteOrder(const Context& context, Client& client, const v1::Symbol& symbol, uint64_t id,
                 v1::Command command) {
  absl::StatusOr<v1::CommandResult> result =
      Execute(context, client, symbol.shard(), std::move(command),
              absl::StrCat("ask with `qb order status ", symbol.name(), " ", id, "`"));
  if (!result.ok()) return ReportError(context, result.status());
  return PrintResult(context, id, symbol, *result);
}

int Submit(const Context& context, SubmitArguments arguments) {
  if (arguments.id == 0) arguments.id = RandomId();
  // What can be said of the words alone is said without a cluster.
  v1::Symbol any;
  any.mutable_tick_size()->set_mantissa(1);
  any.mutable_lot_size()->set_mantissa(1);
  absl::StatusOr<v1::Command> command = BuildNewOrder(arguments, any);
  if (absl::IsInvalidArgument(command.status())) return ReportError(context, command.status());
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.symbol);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  command = BuildNewOrder(arguments, *symbol);
  if (!command.ok()) return ReportError(context, command.status());
  return ExecuteOrder(context, **client, *symbol, arguments.id, *std::move(command));
}

using Build = absl::StatusOr<v1::Command> (*)(const Arguments&, const v1::Symbol&);

int Change(const Context& context, const Arguments& arguments, Build build) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.symbol);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  absl::StatusOr<v1::Command> command = build(arguments, *symbol);
  if (!command.ok()) return ReportError(context, command.status());
  return ExecuteOrder(context, **client, *symbol, arguments.id, *std::move(command));
}

absl::StatusOr<v1::Command> BuildCancel(const Arguments& arguments, const v1::Symbol& symbol) {
  v1::Command command;
  command.mutable_cancel_order()->set_symbol(symbol.name());
  command.mutable_cancel_order()->set_client_order_id(arguments.id);
  return command;
}

absl::StatusOr<v1::Command> BuildReduce(const Arguments& arguments, const v1::Symbol& symbol) {
  absl::StatusOr<int64_t> quantity =
      ToUnits(arguments.quantity, symbol.lot_size(), kMaxQuantityLots, "quantity");
  if (!quantity.ok()) return quantity.status();
  v1::Command command;
  command.mutable_reduce_order()->set_symbol(symbol.name());
  command.mutable_reduce_order()->set_client_order_id(arguments.id);
  command.mutable_reduce_order()->set_quantity(*quantity);
  return command;
}

absl::StatusOr<v1::Command> BuildReplace(const Arguments& arguments, const v1::Symbol& symbol) {
  absl::StatusOr<int64_t> price = 0;
  if (!arguments.price.empty()) {
    price = ToUnits(arguments.price, symbol.tick_size(), kMaxPriceTicks, "price");
  }
  if (!price.ok()) return price.status();
  absl::StatusOr<int64_t> quantity =
      ToUnits(arguments.quantity, symbol.lot_size(), kMaxQuantityLots, "quantity");
  if (!quantity.ok()) return quantity.status();
  v1::Command command;
  v1::ReplaceOrder& replace = *command.mutable_replace_order();
  replace.set_symbol(symbol.name());
  replace.set_client_order_id(arguments.id);
  replace.set_price(*price);
  replace.set_quantity(*quantity);
  return command;
}

int Status(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.symbol);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  absl::StatusOr<v1::Order> order =
      (*client)->GetOrder(symbol->name(), context.account, arguments.id);
  if (!order.ok()) return ReportError(context, order.status());
  if (context.json) {
    PrintJson(OrderJson(*order, *symbol));
    return kExitOk;
  }
  std::cout << "order " << order->client_order_id() << " on " << order->symbol() << ": "
            << Name(order->status());
  if (order->reason() != v1::REASON_NONE) std::cout << " (" << Name(order->reason()) << ')';
  std::cout << "\n  " << Name(order->side()) << ' ' << QuantityText(order->quantity(), *symbol)
            << " at "
            << (order->price() == 0 ? Name(order->type()) : PriceText(order->price(), *symbol))
            << ' ' << Name(order->time_in_force()) << "\n  "
            << QuantityText(order->leaves_quantity(), *symbol) << " open, "
            << QuantityText(order->cumulative_quantity(), *symbol) << " executed\n  entered "
            << FormatTime(order->entered_ns()) << ", changed " << FormatTime(order->changed_ns())
            << '\n';
  return kExitOk;
}

int MassCancel(const Context& context, const MassCancelArguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  std::vector<uint32_t> shards = (*client)->Shards();
  if (!arguments.symbol.empty()) {
    absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.symbol);
    if (!symbol.ok()) return ReportError(context, symbol.status());
    shards = {symbol->shard()};
  }
  v1::Command command;
  command.mutable_mass_cancel()->set_symbol(arguments.symbol);
  if (!arguments.side.empty()) {
    command.mutable_mass_cancel()->set_side(arguments.side == "buy" ? v1::BUY : v1::SELL);
  }
  int64_t canceled = 0;
  bool more = false;
  for (const uint32_t shard : shards) {
    absl::StatusOr<v1::CommandResult> result =
        Execute(context, **client, shard, command, "ask with `qb order list`");
    if (!result.ok()) return ReportError(context, result.status());
    if (Rejected(*result)) return PrintOperation(context, shard, *result);
    for (const v1::ExecutionReport& report : result->reports()) {
      if (report.exec_type() != v1::ExecutionReport::MASS_CANCELED) continue;
      canceled += report.quantity();
      more = more || report.leaves_quantity() != 0;
    }
  }
  if (context.json) {
    PrintJson({{"result", "accepted"},
               {"account", context.account},
               {"canceled", canceled},
               {"more", more}});
  } else {
    std::cout << canceled << (canceled == 1 ? " order" : " orders") << " of account "
              << context.account << " cancelled"
              << (more ? " so far; the rest follows (see `qb order list`)\n" : "\n");
  }
  return kExitOk;
}

int List(const Context& context, const std::string& only) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<std::vector<v1::Symbol>> symbols = (*client)->ListSymbols();
  if (!symbols.ok()) return ReportError(context, symbols.status());
  std::map<std::string, const v1::Symbol*> by_name;
  for (const v1::Symbol& symbol : *symbols) by_name[symbol.name()] = &symbol;
  std::vector<uint32_t> shards = (*client)->Shards();
  if (!only.empty() && by_name.contains(only)) shards = {by_name[only]->shard()};
  Json json = {{"account", context.account}, {"orders", Json::array()}};
  Table table({{"SYMBOL"},
               {"ID", Table::kRight},
               {"SIDE"},
               {"TYPE"},
               {"TIF"},
               {"PRICE", Table::kRight},
               {"QUANTITY", Table::kRight},
               {"OPEN", Table::kRight},
               {"STATUS"}});
  for (const uint32_t shard : shards) {
    auto orders = (*client)->ListOrders(shard, context.account, only);
    if (!orders.ok()) return ReportError(context, orders.status());
    for (const v1::Order& order : *orders) {
      const auto found = by_name.find(order.symbol());
      if (found == by_name.end()) continue;  // added between the two questions
      const v1::Symbol& symbol = *found->second;
      json["orders"].push_back(OrderJson(order, symbol));
      table.AddRow({order.symbol(), std::to_string(order.client_order_id()), Name(order.side()),
                    Name(order.type()), Name(order.time_in_force()),
                    PriceText(order.price(), symbol), QuantityText(order.quantity(), symbol),
                    QuantityText(order.leaves_quantity(), symbol), Name(order.status())});
    }
  }
  if (context.json) {
    PrintJson(json);
  } else {
    table.Print(std::cout);
  }
  return kExitOk;
}

using ArgumentsPointer = std::shared_ptr<Arguments>;

void AddSubmit(CLI::App& group, Context& context) {
  auto arguments = std::make_shared<SubmitArguments>();
  CLI::App* submit = AddCommand(group, "submit", "Send an order and wait for what becomes of it");
  AddSubmitOptions(*submit, *arguments);
  submit->callback([&context, arguments] { context.exit_code = Submit(context, *arguments); });
}

void AddMassCancel(CLI::App& group, Context& context) {
  auto arguments = std::make_shared<MassCancelArguments>();
  CLI::App* command =
      AddCommand(group, "mass-cancel", "Cancel all open orders of the account, or some of them");
  command->add_option("--symbol", arguments->symbol, "Only those in it");
  command->add_option("--side", arguments->side, "Only buy or sell, of one symbol")
      ->check(CLI::IsMember({"buy", "sell"}));
  command->callback([&context, arguments] { context.exit_code = MassCancel(context, *arguments); });
}

// A command about the order SYMBOL ID.
CLI::App* AddOrderCommand(CLI::App& group, const std::string& name, const std::string& description,
                          const ArgumentsPointer& arguments) {
  CLI::App* command = AddCommand(group, name, description);
  command->add_option("SYMBOL", arguments->symbol)->required();
  command->add_option("ID", arguments->id, "Client order id")->required();
  return command;
}

}  // namespace

void AddOrderCommands(CLI::App& app, Context& context) {
  CLI::App* group = AddGroup(app, "order", "Send, change and watch orders");
  AddSubmit(*group, context);

  auto cancel = std::make_shared<Arguments>();
  AddOrderCommand(*group, "cancel", "Cancel what is open of an order", cancel)
      ->callback([&context, cancel] { context.exit_code = Change(context, *cancel, BuildCancel); });

  auto reduce = std::make_shared<Arguments>();
  CLI::App* command =
      AddOrderCommand(*group, "reduce", "Take some off what is open; keeps priority", reduce);
  command->add_option("QUANTITY", reduce->quantity, "To take off")->required();
  command->callback(
      [&context, reduce] { context.exit_code = Change(context, *reduce, BuildReduce); });

  auto replace = std::make_shared<Arguments>();
  command = AddOrderCommand(*group, "replace", "Give an order another price and quantity", replace);
  command->add_option("--price", replace->price, "None of a stop, whose stop price stays");
  command->add_option("--quantity", replace->quantity, "The new total, what is executed included")
      ->required();
  command->callback(
      [&context, replace] { context.exit_code = Change(context, *replace, BuildReplace); });

  AddMassCancel(*group, context);

  auto only = std::make_shared<std::string>();
  command = AddCommand(*group, "list", "List the account's open orders");
  command->add_option("--symbol", *only, "Only those in it");
  command->callback([&context, only] { context.exit_code = List(context, *only); });

  auto status = std::make_shared<Arguments>();
  AddOrderCommand(*group, "status", "Show an order", status)->callback([&context, status] {
    context.exit_code = Status(context, *status);
  });
}

}  // namespace quorumbook::qb
