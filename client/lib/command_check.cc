#include "client/lib/command_check.h"

#include <absl/strings/str_cat.h>

#include <cstdlib>
#include <string>

namespace quorumbook::client {

// Of the exchange (exchange/types.h); a longer name would be a malformed batch.
constexpr size_t kMaxName = 16;
constexpr int kMaxSizeExponent = 12;
constexpr int kMaxAssetExponent = 18;

// Of a symbol or asset that `field` names.
static absl::Status CheckName(const std::string& name, const char* field) {
  if (name.size() <= kMaxName) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " is longer than 16 bytes"));
}

static absl::Status CheckSymbol(const std::string& symbol) {
  if (symbol.empty()) return absl::InvalidArgumentError("the command's symbol is empty");
  return CheckName(symbol, "the command's symbol");
}

static absl::Status CheckAsset(const std::string& asset) {
  if (asset.empty()) return absl::InvalidArgumentError("the command's asset is empty");
  return CheckName(asset, "the command's asset");
}

static absl::Status CheckAddSymbol(const v1::AddSymbol& symbol) {
  for (const auto& [name, field] :
       {std::pair(&symbol.name(), "add_symbol.name"), std::pair(&symbol.base(), "add_symbol.base"),
        std::pair(&symbol.quote(), "add_symbol.quote")}) {
    absl::Status valid = CheckName(*name, field);
    if (!valid.ok()) return valid;
  }
  if (std::abs(symbol.tick_size().exponent()) > kMaxSizeExponent) {
    return absl::InvalidArgumentError("add_symbol.tick_size.exponent is outside -12 to 12");
  }
  if (std::abs(symbol.lot_size().exponent()) > kMaxSizeExponent) {
    return absl::InvalidArgumentError("add_symbol.lot_size.exponent is outside -12 to 12");
  }
  if (symbol.phase() < v1::PHASE_UNSPECIFIED || symbol.phase() > v1::CLOSED) {
    return absl::InvalidArgumentError("add_symbol.phase is none of Phase's");
  }
  return absl::OkStatus();
}

static absl::Status CheckNewOrder(const v1::NewOrder& order) {
  if (order.side() != v1::BUY && order.side() != v1::SELL) {
    return absl::InvalidArgumentError("new_order.side is neither BUY nor SELL");
  }
  if (order.type() < v1::LIMIT || order.type() > v1::TRAILING_STOP) {
    return absl::InvalidArgumentError(
        "new_order.type is none of LIMIT, MARKET, STOP, STOP_LIMIT, TRAILING_STOP");
  }
  if (order.time_in_force() < v1::GOOD_TILL_CANCEL || order.time_in_force() > v1::GOOD_TILL_DATE) {
    return absl::InvalidArgumentError(
        "new_order.time_in_force is none of GOOD_TILL_CANCEL, IMMEDIATE_OR_CANCEL, FILL_OR_KILL, "
        "DAY, GOOD_TILL_DATE");
  }
  if (order.self_trade_prevention() < v1::SELF_TRADE_ALLOWED ||
      order.self_trade_prevention() > v1::DECREMENT) {
    return absl::InvalidArgumentError(
        "new_order.self_trade_prevention is none of SelfTradePrevention's");
  }
  return CheckSymbol(order.symbol());
}

static absl::Status CheckMassCancel(const v1::MassCancel& command) {
  if (command.side() < v1::SIDE_UNSPECIFIED || command.side() > v1::SELL) {
    return absl::InvalidArgumentError("mass_cancel.side is neither BUY nor SELL nor left out");
  }
  return CheckName(command.symbol(), "the command's symbol");
}

static absl::Status CheckSetPhase(const v1::SetPhase& command) {
  if (command.phase() < v1::PRE_OPEN || command.phase() > v1::CLOSED) {
    return absl::InvalidArgumentError("set_phase.phase is none of Phase's");
  }
  return CheckSymbol(command.symbol());
}

static absl::Status CheckAddAsset(const v1::AddAsset& asset) {
  if (std::abs(asset.exponent()) > kMaxAssetExponent) {
    return absl::InvalidArgumentError("add_asset.exponent is outside -18 to 0");
  }
  return CheckName(asset.name(), "add_asset.name");
}

absl::Status CheckCommand(const v1::Command& command) {
  switch (command.kind_case()) {
    case v1::Command::KIND_NOT_SET:
      return absl::InvalidArgumentError("command.kind is not set");
    case v1::Command::kNewOrder:
      return CheckNewOrder(command.new_order());
    case v1::Command::kCancelOrder:
      return CheckSymbol(command.cancel_order().symbol());
    case v1::Command::kReduceOrder:
      return CheckSymbol(command.reduce_order().symbol());
    case v1::Command::kReplaceOrder:
      return CheckSymbol(command.replace_order().symbol());
    case v1::Command::kMassCancel:
      return CheckMassCancel(command.mass_cancel());
    case v1::Command::kAddSymbol:
      return CheckAddSymbol(command.add_symbol());
    case v1::Command::kSetSymbolRules:
      return CheckSymbol(command.set_symbol_rules().symbol());
    case v1::Command::kSetPhase:
      return CheckSetPhase(command.set_phase());
    case v1::Command::kDelistSymbol:
      return CheckSymbol(command.delist_symbol().symbol());
    case v1::Command::kAddAsset:
      return CheckAddAsset(command.add_asset());
    case v1::Command::kDeposit:
      return CheckAsset(command.deposit().asset());
    case v1::Command::kWithdraw:
      return CheckAsset(command.withdraw().asset());
    case v1::Command::kSetPositionLimit:
      return CheckAsset(command.set_position_limit().asset());
    case v1::Command::kSetAccountLimits:
    case v1::Command::kSetKillSwitch:
      return absl::OkStatus();
  }
  return absl::InvalidArgumentError("command.kind is of a later version");
}

}  // namespace quorumbook::client
