#include <iostream>
#include <memory>

#include "client/qb/commands.h"
#include "client/qb/render.h"
#include "client/qb/table.h"

namespace quorumbook::qb {
namespace {

struct AddArguments {
  std::string name;
  std::string tick_size;
  std::string lot_size;
};

int AddSymbol(const Context& context, const AddArguments& arguments) {
  absl::StatusOr<v1::Decimal> tick_size = ParseSize(arguments.tick_size, "--tick-size");
  if (!tick_size.ok()) return ReportError(context, tick_size.status());
  absl::StatusOr<v1::Decimal> lot_size = ParseSize(arguments.lot_size, "--lot-size");
  if (!lot_size.ok()) return ReportError(context, lot_size.status());
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  v1::AddSymbol request;
  request.set_name(arguments.name);
  *request.mutable_tick_size() = *tick_size;
  *request.mutable_lot_size() = *lot_size;
  absl::StatusOr<v1::Symbol> symbol = (*client)->AddSymbol(request);
  if (!symbol.ok()) {
    const int exit_code = symbol.status().code() == absl::StatusCode::kInvalidArgument
                              ? kExitRejected
                              : ExitCodeOf(symbol.status());
    return ReportError(context.json, symbol.status(), exit_code);
  }
  if (context.json) {
    PrintJson(SymbolJson(*symbol));
  } else {
    std::cout << "symbol " << symbol->name() << " is on shard " << symbol->shard() << " (id "
              << symbol->id() << ", tick " << FromUnits(1, symbol->tick_size()) << ", lot "
              << FromUnits(1, symbol->lot_size()) << ")\n";
  }
  return kExitOk;
}

int ListSymbols(const Context& context) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<std::vector<v1::Symbol>> symbols = (*client)->ListSymbols();
  if (!symbols.ok()) return ReportError(context, symbols.status());
  Json json = {{"symbols", Json::array()}};
  Table table({{"SYMBOL"},
               {"ID", Table::kRight},
               {"SHARD", Table::kRight},
               {"TICK", Table::kRight},
               {"LOT", Table::kRight}});
  for (const v1::Symbol& symbol : *symbols) {
    json["symbols"].push_back(SymbolJson(symbol));
    table.AddRow({symbol.name(), std::to_string(symbol.id()), std::to_string(symbol.shard()),
                  FromUnits(1, symbol.tick_size()), FromUnits(1, symbol.lot_size())});
  }
  if (context.json) {
    PrintJson(json);
  } else {
    table.Print(std::cout);
  }
  return kExitOk;
}

}  // namespace

void AddSymbolCommands(CLI::App& app, Context& context) {
  CLI::App* group = AddGroup(app, "symbol", "Add and list symbols");
  CLI::App* add = AddCommand(*group, "add", "Add a symbol; does nothing if it is there already");
  auto arguments = std::make_shared<AddArguments>();
  add->add_option("NAME", arguments->name, "1 to 16 printable ASCII characters without spaces")
      ->required();
  add->add_option("--tick-size", arguments->tick_size, "Smallest step of a price, e.g. 0.01")
      ->required();
  add->add_option("--lot-size", arguments->lot_size, "Smallest step of a quantity, e.g. 1")
      ->required();
  add->callback([&context, arguments] { context.exit_code = AddSymbol(context, *arguments); });

  CLI::App* list = AddCommand(*group, "list", "List the symbols of all shards");
  list->callback([&context] { context.exit_code = ListSymbols(context); });
}

}  // namespace quorumbook::qb
