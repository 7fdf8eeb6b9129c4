#include "server/order_codec.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <utility>

namespace quorumbook::server {
namespace {

using exchange::ClientOrderId;
using exchange::Event;
using exchange::EventType;

// Enums are equal number by number, so that one is the other's cast.
static_assert(static_cast<int>(v1::BUY) == static_cast<int>(exchange::Side::kBuy));
static_assert(static_cast<int>(v1::SELL) == static_cast<int>(exchange::Side::kSell));
static_assert(static_cast<int>(v1::MARKET) == static_cast<int>(exchange::OrderType::kMarket));
static_assert(static_cast<int>(v1::FILL_OR_KILL) ==
              static_cast<int>(exchange::TimeInForce::kFillOrKill));
static_assert(static_cast<int>(v1::INVALID_CLIENT_ORDER_ID) ==
              static_cast<int>(exchange::Reason::kInvalidClientOrderId));
static_assert(static_cast<int>(v1::REPLACED_BELOW_EXECUTED) ==
              static_cast<int>(exchange::Reason::kReplacedBelowExecuted));
static_assert(static_cast<int>(v1::ORDER_REJECTED) ==
              static_cast<int>(exchange::OrderStatus::kRejected));

absl::Status Malformed(int command, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("commands[{}]: {}", command, what));
}

absl::StatusOr<exchange::Decimal> GetDecimal(const v1::Decimal& decimal) {
  if (decimal.exponent() < std::numeric_limits<int8_t>::min() ||
      decimal.exponent() > std::numeric_limits<int8_t>::max()) {
    return absl::InvalidArgumentError("exponent is out of range");
  }
  return exchange::Decimal{decimal.mantissa(), static_cast<int8_t>(decimal.exponent())};
}

absl::StatusOr<exchange::Command> GetNewOrder(const v1::NewOrder& order,
                                              const SymbolDirectory& symbols) {
  if (order.side() != v1::BUY && order.side() != v1::SELL) {
    return absl::InvalidArgumentError("side is neither BUY nor SELL");
  }
  if (order.type() != v1::LIMIT && order.type() != v1::MARKET) {
    return absl::InvalidArgumentError("type is neither LIMIT nor MARKET");
  }
  if (order.time_in_force() < v1::GOOD_TILL_CANCEL || order.time_in_force() > v1::FILL_OR_KILL) {
    return absl::InvalidArgumentError(
        "time_in_force is none of GOOD_TILL_CANCEL, IMMEDIATE_OR_CANCEL, FILL_OR_KILL");
  }
  return exchange::NewOrder{symbols.Find(order.symbol()),
                            ClientOrderId(order.client_order_id()),
                            static_cast<exchange::Side>(order.side()),
                            static_cast<exchange::OrderType>(order.type()),
                            static_cast<exchange::TimeInForce>(order.time_in_force()),
                            order.price(),
                            order.quantity()};
}

absl::StatusOr<exchange::Command> GetAddSymbol(const v1::AddSymbol& symbol) {
  if (symbol.name().size() > exchange::kMaxSymbolName) {
    return absl::InvalidArgumentError(
        fmt::format("name is longer than {} bytes", exchange::kMaxSymbolName));
  }
  const absl::StatusOr<exchange::Decimal> tick = GetDecimal(symbol.tick_size());
  const absl::StatusOr<exchange::Decimal> lot = GetDecimal(symbol.lot_size());
  if (!tick.ok() || !lot.ok()) {
    return absl::InvalidArgumentError("the exponent of tick_size or lot_size is out of range");
  }
  return exchange::AddSymbol{symbol.name(), *tick, *lot};
}

absl::StatusOr<exchange::Command> GetCommand(const v1::Command& command,
                                             const SymbolDirectory& symbols) {
  switch (command.kind_case()) {
    case v1::Command::kNewOrder:
      return GetNewOrder(command.new_order(), symbols);
    case v1::Command::kCancelOrder:
      return exchange::CancelOrder{symbols.Find(command.cancel_order().symbol()),
                                   ClientOrderId(command.cancel_order().client_order_id())};
    case v1::Command::kReduceOrder:
      return exchange::ReduceOrder{symbols.Find(command.reduce_order().symbol()),
                                   ClientOrderId(command.reduce_order().client_order_id()),
                                   command.reduce_order().quantity()};
    case v1::Command::kReplaceOrder:
      return exchange::ReplaceOrder{symbols.Find(command.replace_order().symbol()),
                                    ClientOrderId(command.replace_order().client_order_id()),
                                    command.replace_order().price(),
                                    command.replace_order().quantity()};
    case v1::Command::kAddSymbol:
      return GetAddSymbol(command.add_symbol());
    case v1::Command::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("holds no command that this version knows");
}

v1::ExecutionReport::ExecType ExecTypeOf(EventType type) {
  switch (type) {
    case EventType::kSymbolAdded:
      return v1::ExecutionReport::SYMBOL_ADDED;
    case EventType::kOrderAccepted:
      return v1::ExecutionReport::NEW;
    case EventType::kTrade:
      return v1::ExecutionReport::TRADE;
    case EventType::kOrderCanceled:
      return v1::ExecutionReport::CANCELED;
    case EventType::kOrderReduced:
    case EventType::kOrderReplaced:
      return v1::ExecutionReport::REPLACED;
    case EventType::kCommandRejected:
      return v1::ExecutionReport::REJECTED;
    default:  // of orders and commands that the protocol does not name
      break;
  }
  return v1::ExecutionReport::EXEC_TYPE_UNSPECIFIED;
}

v1::OrderStatus StatusAfter(const Event& event) {
  switch (event.type) {
    case EventType::kOrderCanceled:
      return v1::ORDER_CANCELED;
    case EventType::kCommandRejected:
      // Of a refused cancel or replace the order, if there is one, stands as it was.
      return event.command == exchange::CommandKind::kNewOrder ? v1::ORDER_REJECTED
                                                               : v1::ORDER_STATUS_UNSPECIFIED;
    case EventType::kSymbolAdded:
      return v1::ORDER_STATUS_UNSPECIFIED;
    default:
      if (event.executed == 0) return v1::ORDER_NEW;
      return event.leaves == 0 ? v1::FILLED : v1::PARTIALLY_FILLED;
  }
}

}  // namespace

absl::StatusOr<exchange::SessionCommands> FromProto(const v1::CommandBatch& batch,
                                                    const SymbolDirectory& symbols) {
  exchange::SessionCommands commands{
      exchange::SessionId(batch.session()), batch.first_sequence(), batch.acknowledged(), {}};
  if (batch.commands_size() == 0) return absl::InvalidArgumentError("the batch has no commands");
  commands.commands.reserve(static_cast<size_t>(batch.commands_size()));
  for (int i = 0; i < batch.commands_size(); ++i) {
    absl::StatusOr<exchange::Command> command = GetCommand(batch.commands(i), symbols);
    if (!command.ok()) return Malformed(i, std::string(command.status().message()));
    commands.commands.push_back(*std::move(command));
  }
  return commands;
}

void ToProto(const Event& event, v1::ExecutionReport* report) {
  report->set_event_sequence(event.sequence);
  report->set_exec_type(ExecTypeOf(event.type));
  report->set_order_status(StatusAfter(event));
  report->set_reason(static_cast<v1::Reason>(event.reason));
  report->set_symbol_id(event.symbol.value());
  report->set_order_id(event.order_id.value());
  report->set_client_order_id(event.client_order_id.value());
  report->set_side(static_cast<v1::Side>(event.side));
  report->set_leaves_quantity(event.leaves);
  report->set_cumulative_quantity(event.executed);
  if (event.type != EventType::kTrade) {
    report->set_price(event.price);
    report->set_quantity(event.quantity);
    return;
  }
  report->set_last_price(event.price);
  report->set_last_quantity(event.quantity);
  report->set_trade_id(event.trade_id);
  report->set_contra_order_id(event.maker_order_id.value());
  report->set_contra_leaves_quantity(event.maker_leaves);
  if (event.maker_account == event.account) {
    report->set_contra_client_order_id(event.maker_client_order_id.value());
  }
}

void ToProto(const exchange::OrderInfo& order, std::string_view symbol, v1::Order* out) {
  out->set_order_id(order.id.value());
  out->set_client_order_id(order.client_order_id.value());
  out->set_account(order.account.value());
  out->set_symbol(std::string(symbol));
  out->set_side(static_cast<v1::Side>(order.side));
  out->set_type(static_cast<v1::OrderType>(order.type));
  out->set_time_in_force(static_cast<v1::TimeInForce>(order.time_in_force));
  out->set_status(static_cast<v1::OrderStatus>(order.status));
  out->set_reason(static_cast<v1::Reason>(order.reason));
  out->set_price(order.price);
  out->set_quantity(order.quantity);
  out->set_leaves_quantity(order.leaves);
  out->set_cumulative_quantity(order.executed);
  out->set_entered_ns(order.entered);
  out->set_changed_ns(order.changed);
}

void ToProto(const exchange::SymbolInfo& symbol, ShardId shard, v1::Symbol* out) {
  out->set_id(symbol.id.value());
  out->set_name(symbol.name);
  out->mutable_tick_size()->set_mantissa(symbol.tick_size.mantissa);
  out->mutable_tick_size()->set_exponent(symbol.tick_size.exponent);
  out->mutable_lot_size()->set_mantissa(symbol.lot_size.mantissa);
  out->mutable_lot_size()->set_exponent(symbol.lot_size.exponent);
  out->set_shard(static_cast<uint32_t>(shard.value()));
}

}  // namespace quorumbook::server
