#include "server/order_codec.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <utility>

namespace quorumbook::server {
namespace {

using exchange::AccountId;
using exchange::AssetId;
using exchange::ClientOrderId;
using exchange::SymbolId;

// Enums are equal number by number, so that one is the other's cast.
template <typename A, typename B>
constexpr bool Equal(A a, B b) {
  return static_cast<int>(a) == static_cast<int>(b);
}
static_assert(Equal(v1::BUY, exchange::Side::kBuy) && Equal(v1::SELL, exchange::Side::kSell));
static_assert(Equal(v1::LIMIT, exchange::OrderType::kLimit));
static_assert(Equal(v1::MARKET, exchange::OrderType::kMarket));
static_assert(Equal(v1::STOP, exchange::OrderType::kStop));
static_assert(Equal(v1::STOP_LIMIT, exchange::OrderType::kStopLimit));
static_assert(Equal(v1::TRAILING_STOP, exchange::OrderType::kTrailingStop));
static_assert(Equal(v1::GOOD_TILL_CANCEL, exchange::TimeInForce::kGoodTillCancel));
static_assert(Equal(v1::IMMEDIATE_OR_CANCEL, exchange::TimeInForce::kImmediateOrCancel));
static_assert(Equal(v1::FILL_OR_KILL, exchange::TimeInForce::kFillOrKill));
static_assert(Equal(v1::DAY, exchange::TimeInForce::kDay));
static_assert(Equal(v1::GOOD_TILL_DATE, exchange::TimeInForce::kGoodTillTime));
static_assert(Equal(v1::SELF_TRADE_ALLOWED, exchange::SelfTrade::kAllow));
static_assert(Equal(v1::CANCEL_TAKER, exchange::SelfTrade::kCancelTaker));
static_assert(Equal(v1::CANCEL_MAKER, exchange::SelfTrade::kCancelMaker));
static_assert(Equal(v1::CANCEL_BOTH, exchange::SelfTrade::kCancelBoth));
static_assert(Equal(v1::DECREMENT, exchange::SelfTrade::kDecrement));
static_assert(Equal(v1::PRE_OPEN, exchange::Phase::kPreOpen));
static_assert(Equal(v1::OPENING_AUCTION, exchange::Phase::kOpeningAuction));
static_assert(Equal(v1::CONTINUOUS, exchange::Phase::kContinuous));
static_assert(Equal(v1::HALT, exchange::Phase::kHalt));
static_assert(Equal(v1::CLOSING_AUCTION, exchange::Phase::kClosingAuction));
static_assert(Equal(v1::CLOSED, exchange::Phase::kClosed));

// Ids that no shard gives: of names that are not there, where 0 would mean "none" or "all".
constexpr SymbolId kNoSuchSymbol{std::numeric_limits<uint32_t>::max()};
constexpr AssetId kNoSuchAsset{std::numeric_limits<uint32_t>::max()};

absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError(std::string(what));
}

SymbolId FindSymbol(const NameDirectory& names, const std::string& name) {
  if (name.empty()) return SymbolId();
  const SymbolId id = names.symbols.Find(name);
  return id == SymbolId() ? kNoSuchSymbol : id;
}

AssetId FindAsset(const NameDirectory& names, const std::string& name) {
  if (name.empty()) return AssetId();
  const AssetId id = names.assets.Find(name);
  return id == AssetId() ? kNoSuchAsset : id;
}

bool FitsInt8(int32_t value) {
  return value >= std::numeric_limits<int8_t>::min() && value <= std::numeric_limits<int8_t>::max();
}

exchange::Decimal GetDecimal(const v1::Decimal& decimal) {
  return {decimal.mantissa(), static_cast<int8_t>(decimal.exponent())};
}

absl::Status CheckEnums(const v1::NewOrder& order) {
  if (order.side() != v1::BUY && order.side() != v1::SELL) {
    return Malformed("side is neither BUY nor SELL");
  }
  if (order.type() < v1::LIMIT || order.type() > v1::TRAILING_STOP) {
    return Malformed("type is none of LIMIT, MARKET, STOP, STOP_LIMIT, TRAILING_STOP");
  }
  if (order.time_in_force() < v1::GOOD_TILL_CANCEL || order.time_in_force() > v1::GOOD_TILL_DATE) {
    return Malformed(
        "time_in_force is none of GOOD_TILL_CANCEL, IMMEDIATE_OR_CANCEL, FILL_OR_KILL, DAY, "
        "GOOD_TILL_DATE");
  }
  if (order.self_trade_prevention() < v1::SELF_TRADE_ALLOWED ||
      order.self_trade_prevention() > v1::DECREMENT) {
    return Malformed(
        "self_trade_prevention is none of SELF_TRADE_ALLOWED, CANCEL_TAKER, CANCEL_MAKER, "
        "CANCEL_BOTH, DECREMENT");
  }
  return absl::OkStatus();
}

absl::StatusOr<exchange::Command> GetNewOrder(const v1::NewOrder& order,
                                              const NameDirectory& names) {
  if (absl::Status valid = CheckEnums(order); !valid.ok()) return valid;
  const exchange::NewOrder plain{FindSymbol(names, order.symbol()),
                                 ClientOrderId(order.client_order_id()),
                                 static_cast<exchange::Side>(order.side()),
                                 static_cast<exchange::OrderType>(order.type()),
                                 static_cast<exchange::TimeInForce>(order.time_in_force()),
                                 order.price(),
                                 order.quantity(),
                                 static_cast<exchange::SelfTrade>(order.self_trade_prevention()),
                                 order.post_only()};
  const exchange::OrderTerms terms{
      order.stop_price(), order.trail(),      order.display_quantity(), order.minimum_quantity(),
      order.protection(), order.expires_ns(), order.all_or_none()};
  if (terms == exchange::OrderTerms()) return plain;
  return exchange::SpecialOrder{plain, terms};
}

exchange::SymbolRules GetRules(const v1::SymbolRules& rules) {
  return {rules.min_quantity(),    rules.max_quantity(), rules.static_band_bp(),
          rules.dynamic_band_bp(), rules.protection(),   rules.maker_fee_bp(),
          rules.taker_fee_bp()};
}

bool IsPhase(v1::Phase phase) { return phase >= v1::PRE_OPEN && phase <= v1::CLOSED; }

absl::StatusOr<exchange::Command> GetAddSymbol(const v1::AddSymbol& symbol,
                                               const NameDirectory& names) {
  if (symbol.name().size() > exchange::kMaxSymbolName) {
    return Malformed(fmt::format("name is longer than {} bytes", exchange::kMaxSymbolName));
  }
  if (!FitsInt8(symbol.tick_size().exponent()) || !FitsInt8(symbol.lot_size().exponent())) {
    return Malformed("the exponent of tick_size or lot_size is out of range");
  }
  const bool default_phase = symbol.phase() == v1::PHASE_UNSPECIFIED;
  if (!default_phase && !IsPhase(symbol.phase())) return Malformed("phase is none of Phase's");
  return exchange::AddSymbol{
      symbol.name(),
      GetDecimal(symbol.tick_size()),
      GetDecimal(symbol.lot_size()),
      FindAsset(names, symbol.base()),
      FindAsset(names, symbol.quote()),
      GetRules(symbol.rules()),
      default_phase ? exchange::Phase::kContinuous : static_cast<exchange::Phase>(symbol.phase())};
}

absl::StatusOr<exchange::Command> GetMassCancel(const v1::MassCancel& command,
                                                const NameDirectory& names) {
  if (command.side() < v1::SIDE_UNSPECIFIED || command.side() > v1::SELL) {
    return Malformed("side is neither BUY nor SELL nor left out");
  }
  return exchange::MassCancel{AccountId(command.account()), FindSymbol(names, command.symbol()),
                              static_cast<exchange::Side>(command.side())};
}

absl::StatusOr<exchange::Command> GetSetPhase(const v1::SetPhase& command,
                                              const NameDirectory& names) {
  if (!IsPhase(command.phase())) return Malformed("phase is none of Phase's");
  return exchange::SetPhase{FindSymbol(names, command.symbol()),
                            static_cast<exchange::Phase>(command.phase()),
                            command.reference_price()};
}

absl::StatusOr<exchange::Command> GetAddAsset(const v1::AddAsset& asset) {
  if (asset.name().size() > exchange::kMaxAssetName) {
    return Malformed(fmt::format("name is longer than {} bytes", exchange::kMaxAssetName));
  }
  if (!FitsInt8(asset.exponent())) return Malformed("exponent is out of range");
  return exchange::AddAsset{asset.name(), static_cast<int8_t>(asset.exponent())};
}

exchange::SetAccountLimits GetSetAccountLimits(const v1::SetAccountLimits& command) {
  const v1::AccountLimits& limits = command.limits();
  return {AccountId(command.account()),
          {limits.max_order_quantity(), limits.max_notional(), limits.max_open_orders()}};
}

absl::StatusOr<exchange::Command> GetCommand(const v1::Command& command,
                                             const NameDirectory& names) {
  switch (command.kind_case()) {
    case v1::Command::kNewOrder:
      return GetNewOrder(command.new_order(), names);
    case v1::Command::kCancelOrder:
      return exchange::CancelOrder{FindSymbol(names, command.cancel_order().symbol()),
                                   ClientOrderId(command.cancel_order().client_order_id())};
    case v1::Command::kReduceOrder:
      return exchange::ReduceOrder{FindSymbol(names, command.reduce_order().symbol()),
                                   ClientOrderId(command.reduce_order().client_order_id()),
                                   command.reduce_order().quantity()};
    case v1::Command::kReplaceOrder:
      return exchange::ReplaceOrder{FindSymbol(names, command.replace_order().symbol()),
                                    ClientOrderId(command.replace_order().client_order_id()),
                                    command.replace_order().price(),
                                    command.replace_order().quantity()};
    case v1::Command::kMassCancel:
      return GetMassCancel(command.mass_cancel(), names);
    case v1::Command::kAddSymbol:
      return GetAddSymbol(command.add_symbol(), names);
    case v1::Command::kSetSymbolRules:
      return exchange::SetSymbolRules{FindSymbol(names, command.set_symbol_rules().symbol()),
                                      GetRules(command.set_symbol_rules().rules())};
    case v1::Command::kSetPhase:
      return GetSetPhase(command.set_phase(), names);
    case v1::Command::kDelistSymbol:
      return exchange::DelistSymbol{FindSymbol(names, command.delist_symbol().symbol())};
    case v1::Command::kAddAsset:
      return GetAddAsset(command.add_asset());
    case v1::Command::kDeposit:
      return exchange::Deposit{AccountId(command.deposit().account()),
                               FindAsset(names, command.deposit().asset()),
                               command.deposit().amount()};
    case v1::Command::kWithdraw:
      return exchange::Withdraw{AccountId(command.withdraw().account()),
                                FindAsset(names, command.withdraw().asset()),
                                command.withdraw().amount()};
    case v1::Command::kSetAccountLimits:
      return GetSetAccountLimits(command.set_account_limits());
    case v1::Command::kSetPositionLimit:
      return exchange::SetPositionLimit{AccountId(command.set_position_limit().account()),
                                        FindAsset(names, command.set_position_limit().asset()),
                                        command.set_position_limit().limit()};
    case v1::Command::kSetKillSwitch:
      return exchange::SetKillSwitch{AccountId(command.set_kill_switch().account()),
                                     command.set_kill_switch().engaged()};
    case v1::Command::KIND_NOT_SET:
      break;
  }
  return Malformed("holds no command that this version knows");
}

}  // namespace

absl::StatusOr<exchange::SessionCommands> FromProto(const v1::CommandBatch& batch,
                                                    const NameDirectory& names) {
  exchange::SessionCommands commands{
      exchange::SessionId(batch.session()), batch.first_sequence(), batch.acknowledged(), {}};
  if (batch.commands_size() == 0) return Malformed("the batch has no commands");
  commands.commands.reserve(static_cast<size_t>(batch.commands_size()));
  for (int i = 0; i < batch.commands_size(); ++i) {
    absl::StatusOr<exchange::Command> command = GetCommand(batch.commands(i), names);
    if (!command.ok()) {
      return Malformed(fmt::format("commands[{}]: {}", i, std::string(command.status().message())));
    }
    commands.commands.push_back(*std::move(command));
  }
  return commands;
}

}  // namespace quorumbook::server
