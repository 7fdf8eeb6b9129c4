// Assets, and what accounts have of them.
#include <absl/strings/str_cat.h>

#include <iostream>
#include <memory>
#include <utility>

#include "client/qb/commands.h"
#include "client/qb/execute.h"
#include "client/qb/render.h"
#include "client/qb/table.h"

namespace quorumbook::qb {
namespace {

constexpr int64_t kMaxAmountUnits = 4'000'000'000'000'000'000;

struct Arguments {
  std::string asset;
  std::string amount;
  int32_t decimals = 0;
  uint32_t shard = 0;
  bool fees = false;
  std::string state;
  int64_t max_order_quantity = 0;
  int64_t max_notional = 0;
  uint64_t max_open_orders = 0;
};
using ArgumentsPointer = std::shared_ptr<Arguments>;

// One command for every shard: assets, limits and kill switches are each shard's own.
int OperateAll(const Context& context, Client& client, uint32_t shard, const v1::Command& command,
               const std::string& unknown) {
  if (shard != 0) return Operate(context, client, shard, command, unknown);
  Json json = {{"result", "accepted"}, {"shards", Json::array()}};
  for (const uint32_t each : client.Shards()) {
    absl::StatusOr<v1::CommandResult> result = Execute(context, client, each, command, unknown);
    if (!result.ok()) return ReportError(context, result.status());
    if (Rejected(*result)) return PrintOperation(context, each, *result);
    json["shards"].push_back(each);
    if (!context.json) PrintOperation(context, each, *result);
  }
  if (context.json) PrintJson(json);
  return kExitOk;
}

int AddAsset(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  v1::Command command;
  command.mutable_add_asset()->set_name(arguments.asset);
  command.mutable_add_asset()->set_exponent(-arguments.decimals);
  return OperateAll(context, **client, arguments.shard, command, "ask with `qb asset list`");
}

int ListAssets(const Context& context) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  Json json = {{"assets", Json::array()}};
  Table table({{"ASSET"},
               {"SHARD", Table::kRight},
               {"DECIMALS", Table::kRight},
               {"DEPOSITED", Table::kRight},
               {"FEES", Table::kRight}});
  for (const uint32_t shard : (*client)->Shards()) {
    absl::StatusOr<std::vector<v1::Asset>> assets = (*client)->ListAssets(shard);
    if (!assets.ok()) return ReportError(context, assets.status());
    for (const v1::Asset& asset : *assets) {
      const std::string deposited = AmountText(asset.deposited(), asset.exponent());
      const std::string fees = AmountText(asset.fees(), asset.exponent());
      json["assets"].push_back({{"name", asset.name()},
                                {"id", asset.id()},
                                {"shard", shard},
                                {"decimals", -asset.exponent()},
                                {"deposited", deposited},
                                {"fees", fees}});
      table.AddRow({asset.name(), std::to_string(shard), std::to_string(-asset.exponent()),
                    deposited, fees});
    }
  }
  if (context.json) {
    PrintJson(json);
  } else {
    table.Print(std::cout);
  }
  return kExitOk;
}

// What is not there has nothing: an account that nobody used yet is no error.
absl::StatusOr<v1::Account> ReadAccount(Client& client, uint32_t shard, uint64_t id) {
  absl::StatusOr<v1::Account> account = client.GetAccount(shard, id);
  if (!absl::IsNotFound(account.status())) return account;
  v1::Account none;
  none.set_id(id);
  return none;
}

Json AccountJson(const v1::Account& account, uint32_t shard) {
  Json json = {{"shard", shard},
               {"kill_switch", account.kill_switch()},
               {"open_orders", account.open_orders()},
               {"limits",
                {{"max_order_quantity", account.limits().max_order_quantity()},
                 {"max_notional", account.limits().max_notional()},
                 {"max_open_orders", account.limits().max_open_orders()}}},
               {"balances", Json::array()}};
  for (const v1::Balance& balance : account.balances()) {
    const v1::Asset& asset = balance.asset();
    const Json limit = balance.position_limit() == 0
                           ? Json(nullptr)
                           : Json(AmountText(balance.position_limit(), asset.exponent()));
    json["balances"].push_back({{"asset", asset.name()},
                                {"free", AmountText(balance.free(), asset.exponent())},
                                {"held", AmountText(balance.held(), asset.exponent())},
                                {"position_limit", limit}});
  }
  return json;
}

int ShowAccount(const Context& context) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  Json json = {{"account", context.account}, {"shards", Json::array()}};
  Table table({{"ASSET"},
               {"SHARD", Table::kRight},
               {"FREE", Table::kRight},
               {"HELD", Table::kRight},
               {"LIMIT", Table::kRight}});
  std::string notes;
  for (const uint32_t shard : (*client)->Shards()) {
    absl::StatusOr<v1::Account> account = ReadAccount(**client, shard, context.account);
    if (!account.ok()) return ReportError(context, account.status());
    Json item = AccountJson(*account, shard);
    for (const Json& balance : item["balances"]) {
      const Json& limit = balance["position_limit"];
      table.AddRow({balance["asset"], std::to_string(shard), balance["free"], balance["held"],
                    limit.is_null() ? "-" : limit.get<std::string>()});
    }
    if (account->kill_switch()) {
      absl::StrAppend(&notes, "shard ", shard, ": the kill switch is engaged\n");
    }
    json["shards"].push_back(std::move(item));
  }
  if (context.json) {
    PrintJson(json);
  } else {
    table.Print(std::cout);
    std::cout << notes;
  }
  return kExitOk;
}

absl::StatusOr<v1::Decimal> UnitOf(Client& client, uint32_t shard, const std::string& name) {
  absl::StatusOr<std::vector<v1::Asset>> assets = client.ListAssets(shard);
  if (!assets.ok()) return assets.status();
  for (const v1::Asset& asset : *assets) {
    if (asset.name() != name) continue;
    v1::Decimal unit;
    unit.set_mantissa(1);
    unit.set_exponent(asset.exponent());
    return unit;
  }
  return absl::NotFoundError(absl::StrCat("shard ", shard, " has no asset '", name,
                                          "'; list those there are with `qb asset list`"));
}

// Makes a command about `amount` units of an asset.
using Build = v1::Command (*)(const Context&, const Arguments&, int64_t amount);

int Move(const Context& context, const Arguments& arguments, Build build) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<uint32_t> shard = ChooseShard(**client, arguments.shard);
  if (!shard.ok()) return ReportError(context, shard.status());
  absl::StatusOr<v1::Decimal> unit = UnitOf(**client, *shard, arguments.asset);
  if (!unit.ok()) return ReportError(context, unit.status());
  absl::StatusOr<int64_t> amount = 0;
  if (arguments.amount != "0") amount = ToUnits(arguments.amount, *unit, kMaxAmountUnits, "amount");
  if (!amount.ok()) return ReportError(context, amount.status());
  return Operate(context, **client, *shard, build(context, arguments, *amount),
                 "ask with `qb account show`, and do not repeat it before", {{}, *unit});
}

v1::Command BuildDeposit(const Context& context, const Arguments& arguments, int64_t amount) {
  v1::Command command;
  command.mutable_deposit()->set_account(context.account);
  command.mutable_deposit()->set_asset(arguments.asset);
  command.mutable_deposit()->set_amount(amount);
  return command;
}

v1::Command BuildWithdraw(const Context& context, const Arguments& arguments, int64_t amount) {
  v1::Command command;
  command.mutable_withdraw()->set_account(arguments.fees ? 0 : context.account);
  command.mutable_withdraw()->set_asset(arguments.asset);
  command.mutable_withdraw()->set_amount(amount);
  return command;
}

v1::Command BuildPositionLimit(const Context& context, const Arguments& arguments, int64_t amount) {
  v1::Command command;
  command.mutable_set_position_limit()->set_account(context.account);
  command.mutable_set_position_limit()->set_asset(arguments.asset);
  command.mutable_set_position_limit()->set_limit(amount);
  return command;
}

int SetLimits(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  v1::Command command;
  command.mutable_set_account_limits()->set_account(context.account);
  v1::AccountLimits& limits = *command.mutable_set_account_limits()->mutable_limits();
  limits.set_max_order_quantity(arguments.max_order_quantity);
  limits.set_max_notional(arguments.max_notional);
  limits.set_max_open_orders(arguments.max_open_orders);
  return OperateAll(context, **client, arguments.shard, command, "ask with `qb account show`");
}

int SetKillSwitch(const Context& context, const Arguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  v1::Command command;
  command.mutable_set_kill_switch()->set_account(context.account);
  command.mutable_set_kill_switch()->set_engaged(arguments.state == "on");
  return OperateAll(context, **client, arguments.shard, command, "ask with `qb account show`");
}

CLI::App* AddMove(CLI::App& group, Context& context, const std::string& name,
                  const std::string& description, const ArgumentsPointer& arguments, Build build) {
  CLI::App* command = AddCommand(group, name, description);
  command->add_option("ASSET", arguments->asset)->required();
  command->add_option("AMOUNT", arguments->amount, "In whole assets, e.g. 12.5")->required();
  command->add_option("--shard", arguments->shard, "Needed when the cluster has several");
  command->callback(
      [&context, arguments, build] { context.exit_code = Move(context, *arguments, build); });
  return command;
}

}  // namespace

void AddAssetCommands(CLI::App& app, Context& context) {
  CLI::App* group = AddGroup(app, "asset", "Add and list assets");
  auto add = std::make_shared<Arguments>();
  CLI::App* command =
      AddCommand(*group, "add", "Add an asset; does nothing if it is there already");
  command->add_option("NAME", add->asset, "1 to 16 printable ASCII characters without spaces")
      ->required();
  command->add_option("--decimals", add->decimals, "It is counted in units of 10^-decimals")
      ->required()
      ->check(CLI::Range(0, 18));
  command->add_option("--shard", add->shard, "Default: every shard");
  command->callback([&context, add] { context.exit_code = AddAsset(context, *add); });
  AddCommand(*group, "list", "List assets, what was deposited and what fees were collected")
      ->callback([&context] { context.exit_code = ListAssets(context); });
}

void AddAccountCommands(CLI::App& app, Context& context) {
  CLI::App* group = AddGroup(app, "account", "Balances and limits of --account");
  AddCommand(*group, "show", "Show balances, limits and the kill switch")->callback([&context] {
    context.exit_code = ShowAccount(context);
  });
  AddMove(*group, context, "deposit", "Add to the free balance", std::make_shared<Arguments>(),
          BuildDeposit);
  auto withdraw = std::make_shared<Arguments>();
  AddMove(*group, context, "withdraw", "Take off the free balance", withdraw, BuildWithdraw)
      ->add_flag("--fees", withdraw->fees, "Off the fees collected, not off the account");
  AddMove(*group, context, "position-limit", "How much of an asset the account may have; 0: any",
          std::make_shared<Arguments>(), BuildPositionLimit);

  auto limits = std::make_shared<Arguments>();
  CLI::App* command =
      AddCommand(*group, "limits", "Set limits of later orders; what is left out is none");
  command->add_option("--max-order-quantity", limits->max_order_quantity, "Lots")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--max-notional", limits->max_notional,
                   "Price times quantity of an order, in units of the quote asset")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--max-open-orders", limits->max_open_orders);
  command->add_option("--shard", limits->shard, "Default: every shard");
  command->callback([&context, limits] { context.exit_code = SetLimits(context, *limits); });

  auto kill = std::make_shared<Arguments>();
  command = AddCommand(*group, "kill-switch",
                       "on: cancel the account's orders and refuse new ones, until off");
  command->add_option("STATE", kill->state)->required()->check(CLI::IsMember({"on", "off"}));
  command->add_option("--shard", kill->shard, "Default: every shard");
  command->callback([&context, kill] { context.exit_code = SetKillSwitch(context, *kill); });
}

}  // namespace quorumbook::qb
