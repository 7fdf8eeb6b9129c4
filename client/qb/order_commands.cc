#include <absl/strings/str_cat.h>

#include <iostream>
#include <memory>
#include <random>

#include "client/qb/commands.h"
#include "client/qb/render.h"

namespace quorumbook::qb {
namespace {

struct Arguments {
  std::string symbol;
  std::string side;
  std::string quantity;
  std::string price;
  std::string type = "limit";
  std::string time_in_force;
  uint64_t id = 0;
};

// 63 bits, so that every JSON reader holds it in a signed integer.
uint64_t RandomId() {
  std::random_device device;
  return std::uniform_int_distribution<uint64_t>(1, INT64_MAX)(device);
}

absl::StatusOr<v1::TimeInForce> ChooseTimeInForce(const Arguments& arguments) {
  const bool market = arguments.type == "market";
  const std::string& name = arguments.time_in_force;
  if (name.empty()) return market ? v1::IMMEDIATE_OR_CANCEL : v1::GOOD_TILL_CANCEL;
  if (name == "ioc") return v1::IMMEDIATE_OR_CANCEL;
  if (name == "fok") return v1::FILL_OR_KILL;
  if (!market) return v1::GOOD_TILL_CANCEL;
  return absl::InvalidArgumentError("a market order can not rest: use --tif ioc or --tif fok");
}

absl::StatusOr<v1::Command> BuildNewOrder(const Arguments& arguments, const v1::Symbol& symbol) {
  v1::Command command;
  v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol(symbol.name());
  order.set_client_order_id(arguments.id);
  order.set_side(arguments.side == "buy" ? v1::BUY : v1::SELL);
  order.set_type(arguments.type == "market" ? v1::MARKET : v1::LIMIT);
  absl::StatusOr<v1::TimeInForce> time_in_force = ChooseTimeInForce(arguments);
  if (!time_in_force.ok()) return time_in_force.status();
  order.set_time_in_force(*time_in_force);
  absl::StatusOr<int64_t> quantity =
      ToUnits(arguments.quantity, symbol.lot_size(), kMaxQuantityLots, "quantity");
  if (!quantity.ok()) return quantity.status();
  order.set_quantity(*quantity);
  if (order.type() == v1::MARKET) return command;
  absl::StatusOr<int64_t> price =
      ToUnits(arguments.price, symbol.tick_size(), kMaxPriceTicks, "price");
  if (!price.ok()) return price.status();
  order.set_price(*price);
  return command;
}

bool Rejected(const v1::CommandResult& result) {
  for (const v1::ExecutionReport& report : result.reports()) {
    if (report.exec_type() == v1::ExecutionReport::REJECTED) return true;
  }
  return false;
}

void PrintReport(const v1::ExecutionReport& report, const v1::Symbol& symbol) {
  const auto quantity = [&](int64_t lots) { return QuantityText(lots, symbol); };
  std::cout << "  " << Name(report.exec_type());
  if (report.exec_type() == v1::ExecutionReport::TRADE) {
    std::cout << ' ' << quantity(report.last_quantity()) << " at "
              << PriceText(report.last_price(), symbol) << " with order "
              << report.contra_order_id() << ", " << quantity(report.leaves_quantity()) << " left";
  } else if (report.exec_type() != v1::ExecutionReport::REJECTED) {
    std::cout << ": " << Name(report.order_status()) << ", " << quantity(report.leaves_quantity())
              << " open, " << quantity(report.cumulative_quantity()) << " executed";
  }
  if (report.reason() != v1::REASON_NONE) {
    std::cout << " (" << Name(report.reason()) << ": " << Explain(report.reason()) << ')';
  }
  std::cout << '\n';
}

int PrintResult(const Context& context, const OrderSession& session, uint64_t id,
                const v1::Symbol& symbol, const v1::CommandResult& result) {
  const bool rejected = Rejected(result);
  if (context.json) {
    Json json = {{"result", rejected ? "rejected" : "accepted"},
                 {"symbol", symbol.name()},
                 {"client_order_id", id},
                 {"account", session.account()},
                 {"shard", session.shard()},
                 {"reports", Json::array()}};
    for (const auto& report : result.reports()) {
      json["reports"].push_back(ReportJson(report, symbol));
    }
    PrintJson(json);
  } else {
    std::cout << "order " << id << " on " << symbol.name() << (rejected ? ": rejected" : "")
              << '\n';
    for (const auto& report : result.reports()) PrintReport(report, symbol);
  }
  return rejected ? kExitRejected : kExitOk;
}

int Execute(const Context& context, Client& client, const v1::Symbol& symbol, uint64_t id,
            v1::Command command) {
  SessionOptions options;
  options.timeout = context.timeout;
  auto session = client.OpenSession(symbol.name(), context.account, options);
  if (!session.ok()) return ReportError(context, session.status());
  absl::StatusOr<v1::CommandResult> result = (*session)->Execute(std::move(command));
  if (!result.ok()) {
    const absl::Status error(
        result.status().code(),
        absl::StrCat(result.status().message(), "; whether it was executed is not known: ask with ",
                     "`qb order status ", symbol.name(), " ", id, "`"));
    return ReportError(context, error);
  }
  return PrintResult(context, **session, id, symbol, *result);
}

int Submit(const Context& context, Arguments arguments) {
  if (arguments.type == "market" && !arguments.price.empty()) {
    return ReportError(context, absl::InvalidArgumentError("a market order has no price"));
  }
  if (arguments.type == "limit" && arguments.price.empty()) {
    return ReportError(context, absl::InvalidArgumentError(
                                    "a limit order needs a price; for the best there is, use "
                                    "--type market"));
  }
  if (arguments.id == 0) arguments.id = RandomId();
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.symbol);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  absl::StatusOr<v1::Command> command = BuildNewOrder(arguments, *symbol);
  if (!command.ok()) return ReportError(context, command.status());
  return Execute(context, **client, *symbol, arguments.id, *std::move(command));
}

using Build = absl::StatusOr<v1::Command> (*)(const Arguments&, const v1::Symbol&);

int Change(const Context& context, const Arguments& arguments, Build build) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.symbol);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  absl::StatusOr<v1::Command> command = build(arguments, *symbol);
  if (!command.ok()) return ReportError(context, command.status());
  return Execute(context, **client, *symbol, arguments.id, *std::move(command));
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
  absl::StatusOr<int64_t> price =
      ToUnits(arguments.price, symbol.tick_size(), kMaxPriceTicks, "price");
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
            << (order->type() == v1::MARKET ? "market" : PriceText(order->price(), *symbol)) << ' '
            << Name(order->time_in_force()) << "\n  "
            << QuantityText(order->leaves_quantity(), *symbol) << " open, "
            << QuantityText(order->cumulative_quantity(), *symbol) << " executed\n  entered "
            << FormatTime(order->entered_ns()) << ", changed " << FormatTime(order->changed_ns())
            << '\n';
  return kExitOk;
}

using ArgumentsPointer = std::shared_ptr<Arguments>;

void AddSubmit(CLI::App& group, Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* submit = AddCommand(group, "submit", "Send an order and wait for what becomes of it");
  submit->add_option("SYMBOL", arguments->symbol)->required();
  submit->add_option("SIDE", arguments->side, "buy or sell")
      ->required()
      ->check(CLI::IsMember({"buy", "sell"}));
  submit->add_option("QUANTITY", arguments->quantity, "A multiple of the lot size")->required();
  submit->add_option("PRICE", arguments->price, "A multiple of the tick size; none for market");
  submit->add_option("--type", arguments->type, "limit or market")
      ->check(CLI::IsMember({"limit", "market"}))
      ->capture_default_str();
  submit
      ->add_option("--tif", arguments->time_in_force,
                   "gtc rests (default of limit), ioc cancels what does not trade at once (default "
                   "of market), fok trades whole or not at all")
      ->check(CLI::IsMember({"gtc", "ioc", "fok"}));
  submit->add_option("--id", arguments->id, "Client order id (default: random, printed)")
      ->check(CLI::Range(uint64_t{1}, UINT64_MAX));
  submit->callback([&context, arguments] { context.exit_code = Submit(context, *arguments); });
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
  command->add_option("--price", replace->price)->required();
  command->add_option("--quantity", replace->quantity, "The new total, what is executed included")
      ->required();
  command->callback(
      [&context, replace] { context.exit_code = Change(context, *replace, BuildReplace); });

  auto status = std::make_shared<Arguments>();
  AddOrderCommand(*group, "status", "Show an order", status)->callback([&context, status] {
    context.exit_code = Status(context, *status);
  });
}

}  // namespace quorumbook::qb
