#include <iostream>
#include <memory>
#include <utility>

#include "client/qb/commands.h"
#include "client/qb/execute.h"
#include "client/qb/render.h"
#include "client/qb/table.h"

namespace quorumbook::qb {
namespace {

struct RuleArguments {
  std::string min_quantity;
  std::string max_quantity;
  std::string protection;
  uint32_t static_band_bp = 0;
  uint32_t dynamic_band_bp = 0;
  uint32_t maker_fee_bp = 0;
  uint32_t taker_fee_bp = 0;
};

struct Arguments {
  std::string name;
  std::string tick_size;
  std::string lot_size;
  std::string base;
  std::string quote;
  std::string phase;
  std::string reference_price;
  RuleArguments rules;
};

const char* const kPhases[] = {"pre-open", "opening-auction", "continuous",
                               "halt",     "closing-auction", "closed"};

v1::Phase PhaseOf(const std::string& name) {
  int number = 0;
  for (const char* phase : kPhases) {
    ++number;
    if (name == phase) return static_cast<v1::Phase>(number);
  }
  return v1::PHASE_UNSPECIFIED;
}

absl::Status ReadUnits(const std::string& text, const v1::Decimal& unit, int64_t max,
                       const char* what, int64_t* out) {
  if (text.empty() || text == "0") return absl::OkStatus();
  absl::StatusOr<int64_t> units = ToUnits(text, unit, max, what);
  if (units.ok()) *out = *units;
  return units.status();
}

absl::StatusOr<v1::SymbolRules> BuildRules(const RuleArguments& arguments, const v1::Decimal& tick,
                                           const v1::Decimal& lot) {
  int64_t min_quantity = 0;
  int64_t max_quantity = 0;
  int64_t protection = 0;
  for (const absl::Status& status :
       {ReadUnits(arguments.min_quantity, lot, kMaxQuantityLots, "--min-quantity", &min_quantity),
        ReadUnits(arguments.max_quantity, lot, kMaxQuantityLots, "--max-quantity", &max_quantity),
        ReadUnits(arguments.protection, tick, kMaxPriceTicks, "--protection", &protection)}) {
    if (!status.ok()) return status;
  }
  v1::SymbolRules rules;
  rules.set_min_quantity(min_quantity);
  rules.set_max_quantity(max_quantity);
  rules.set_protection(protection);
  rules.set_static_band_bp(arguments.static_band_bp);
  rules.set_dynamic_band_bp(arguments.dynamic_band_bp);
  rules.set_maker_fee_bp(arguments.maker_fee_bp);
  rules.set_taker_fee_bp(arguments.taker_fee_bp);
  return rules;
}

int PrintSymbol(const Context& context, const v1::Symbol& symbol) {
  if (context.json) {
    PrintJson(SymbolJson(symbol));
    return kExitOk;
  }
  std::cout << "symbol " << symbol.name() << " is on shard " << symbol.shard() << " (id "
            << symbol.id() << ", tick " << FromUnits(1, symbol.tick_size()) << ", lot "
            << FromUnits(1, symbol.lot_size()) << ", " << Name(symbol.phase()) << ")\n";
  return kExitOk;
}

int AddSymbol(const Context& context, const Arguments& arguments) {
  absl::StatusOr<v1::Decimal> tick_size = ParseSize(arguments.tick_size, "--tick-size");
  if (!tick_size.ok()) return ReportError(context, tick_size.status());
  absl::StatusOr<v1::Decimal> lot_size = ParseSize(arguments.lot_size, "--lot-size");
  if (!lot_size.ok()) return ReportError(context, lot_size.status());
  absl::StatusOr<v1::SymbolRules> rules = BuildRules(arguments.rules, *tick_size, *lot_size);
  if (!rules.ok()) return ReportError(context, rules.status());
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  v1::AddSymbol request;
  request.set_name(arguments.name);
  *request.mutable_tick_size() = *tick_size;
  *request.mutable_lot_size() = *lot_size;
  request.set_base(arguments.base);
  request.set_quote(arguments.quote);
  *request.mutable_rules() = *rules;
  request.set_phase(PhaseOf(arguments.phase));
  absl::StatusOr<v1::Symbol> added = (*client)->AddSymbol(request);
  if (!added.ok()) {
    const int exit_code = added.status().code() == absl::StatusCode::kInvalidArgument
                              ? kExitRejected
                              : ExitCodeOf(added.status());
    return ReportError(context.json, added.status(), exit_code);
  }
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.name);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  return PrintSymbol(context, *symbol);
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
               {"LOT", Table::kRight},
               {"ASSETS"},
               {"PHASE"}});
  for (const v1::Symbol& symbol : *symbols) {
    json["symbols"].push_back(SymbolJson(symbol));
    table.AddRow({symbol.name(), std::to_string(symbol.id()), std::to_string(symbol.shard()),
                  FromUnits(1, symbol.tick_size()), FromUnits(1, symbol.lot_size()),
                  symbol.base().empty() ? "-" : symbol.base() + "/" + symbol.quote(),
                  symbol.delisted() ? "delisted" : Name(symbol.phase())});
  }
  if (context.json) {
    PrintJson(json);
  } else {
    table.Print(std::cout);
  }
  return kExitOk;
}

// Makes a command of the arguments, for the symbol that they name.
using Build = absl::StatusOr<v1::Command> (*)(const Arguments&, const v1::Symbol&);

int Change(const Context& context, const Arguments& arguments, Build build) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::Symbol> symbol = (*client)->FindSymbol(arguments.name);
  if (!symbol.ok()) return ReportError(context, symbol.status());
  absl::StatusOr<v1::Command> command = build(arguments, *symbol);
  if (!command.ok()) return ReportError(context, command.status());
  return Operate(context, **client, symbol->shard(), *std::move(command),
                 "ask with `qb symbol list`", {symbol->tick_size(), symbol->lot_size()});
}

absl::StatusOr<v1::Command> BuildSetPhase(const Arguments& arguments, const v1::Symbol& symbol) {
  int64_t reference = 0;
  absl::Status read = ReadUnits(arguments.reference_price, symbol.tick_size(), kMaxPriceTicks,
                                "--reference-price", &reference);
  if (!read.ok()) return read;
  v1::Command command;
  command.mutable_set_phase()->set_symbol(symbol.name());
  command.mutable_set_phase()->set_phase(PhaseOf(arguments.phase));
  command.mutable_set_phase()->set_reference_price(reference);
  return command;
}

absl::StatusOr<v1::Command> BuildSetRules(const Arguments& arguments, const v1::Symbol& symbol) {
  absl::StatusOr<v1::SymbolRules> rules =
      BuildRules(arguments.rules, symbol.tick_size(), symbol.lot_size());
  if (!rules.ok()) return rules.status();
  v1::Command command;
  command.mutable_set_symbol_rules()->set_symbol(symbol.name());
  *command.mutable_set_symbol_rules()->mutable_rules() = *rules;
  return command;
}

absl::StatusOr<v1::Command> BuildDelist(const Arguments&, const v1::Symbol& symbol) {
  v1::Command command;
  command.mutable_delist_symbol()->set_symbol(symbol.name());
  return command;
}

void AddRuleOptions(CLI::App* command, RuleArguments& rules) {
  const CLI::Range bp(0, 10'000);
  command->add_option("--min-quantity", rules.min_quantity, "Of an order");
  command->add_option("--max-quantity", rules.max_quantity, "Of an order");
  command->add_option("--protection", rules.protection,
                      "How far from the best price a market order or stop may trade");
  command
      ->add_option("--static-band-bp", rules.static_band_bp,
                   "How far from the reference price an order may be, in 1/10,000")
      ->check(bp);
  command
      ->add_option("--dynamic-band-bp", rules.dynamic_band_bp,
                   "How far from the last trade an order may be, in 1/10,000")
      ->check(bp);
  command->add_option("--maker-fee-bp", rules.maker_fee_bp, "Of what a maker receives")->check(bp);
  command->add_option("--taker-fee-bp", rules.taker_fee_bp, "Of what a taker receives")->check(bp);
}

void AddAdd(CLI::App& group, Context& context) {
  CLI::App* add = AddCommand(group, "add", "Add a symbol; does nothing if it is there already");
  auto arguments = std::make_shared<Arguments>();
  add->add_option("NAME", arguments->name, "1 to 16 printable ASCII characters without spaces")
      ->required();
  add->add_option("--tick-size", arguments->tick_size, "Smallest step of a price, e.g. 0.01")
      ->required();
  add->add_option("--lot-size", arguments->lot_size, "Smallest step of a quantity, e.g. 1")
      ->required();
  CLI::Option* base = add->add_option("--base", arguments->base, "Asset that is traded");
  CLI::Option* quote = add->add_option("--quote", arguments->quote, "Asset that it is paid with");
  base->needs(quote);
  quote->needs(base);
  arguments->phase = "continuous";
  add->add_option("--phase", arguments->phase, "That it begins in")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kPhases), std::end(kPhases))))
      ->capture_default_str();
  AddRuleOptions(add, arguments->rules);
  add->callback([&context, arguments] { context.exit_code = AddSymbol(context, *arguments); });
}

// A command about the symbol NAME.
CLI::App* AddChange(CLI::App& group, Context& context, const std::string& name,
                    const std::string& description, const std::shared_ptr<Arguments>& arguments,
                    Build build) {
  CLI::App* command = AddCommand(group, name, description);
  command->add_option("NAME", arguments->name)->required();
  command->callback(
      [&context, arguments, build] { context.exit_code = Change(context, *arguments, build); });
  return command;
}

}  // namespace

void AddSymbolCommands(CLI::App& app, Context& context) {
  CLI::App* group = AddGroup(app, "symbol", "Add, list and govern symbols");
  AddAdd(*group, context);
  AddCommand(*group, "list", "List the symbols of all shards")->callback([&context] {
    context.exit_code = ListSymbols(context);
  });

  auto phase = std::make_shared<Arguments>();
  CLI::App* command =
      AddChange(*group, context, "phase", "Bring a symbol into a phase", phase, BuildSetPhase);
  command->add_option("PHASE", phase->phase)
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kPhases), std::end(kPhases))));
  command->add_option("--reference-price", phase->reference_price,
                      "Of price bands and auctions (default: as it was)");

  auto halt = std::make_shared<Arguments>();
  halt->phase = "halt";
  AddChange(*group, context, "halt", "Stop trading: orders may be cancelled, nothing else", halt,
            BuildSetPhase);
  auto resume = std::make_shared<Arguments>();
  resume->phase = "continuous";
  AddChange(*group, context, "resume", "Go on trading", resume, BuildSetPhase);

  auto rules = std::make_shared<Arguments>();
  command = AddChange(*group, context, "rules",
                      "Set the rules of a symbol; what is left out is none", rules, BuildSetRules);
  AddRuleOptions(command, rules->rules);

  auto delist = std::make_shared<Arguments>();
  AddChange(*group, context, "delist", "Cancel all orders of a symbol and take none any more",
            delist, BuildDelist);
}

}  // namespace quorumbook::qb
