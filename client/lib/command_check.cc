#include "client/lib/command_check.h"

#include <cstdlib>

namespace quorumbook::client {

// Of the exchange (exchange/types.h); a longer name would be a malformed batch.
constexpr size_t kMaxSymbolName = 16;
constexpr int kMaxSizeExponent = 12;

static absl::Status CheckAddSymbol(const v1::AddSymbol& symbol) {
  if (symbol.name().size() > kMaxSymbolName) {
    return absl::InvalidArgumentError("add_symbol.name is longer than 16 bytes");
  }
  if (std::abs(symbol.tick_size().exponent()) > kMaxSizeExponent) {
    return absl::InvalidArgumentError("add_symbol.tick_size.exponent is outside -12 to 12");
  }
  if (std::abs(symbol.lot_size().exponent()) > kMaxSizeExponent) {
    return absl::InvalidArgumentError("add_symbol.lot_size.exponent is outside -12 to 12");
  }
  return absl::OkStatus();
}

static absl::Status CheckSymbolName(const std::string& symbol) {
  if (symbol.empty()) return absl::InvalidArgumentError("the command's symbol is empty");
  if (symbol.size() <= kMaxSymbolName) return absl::OkStatus();
  return absl::InvalidArgumentError("the command's symbol is longer than 16 bytes");
}

static absl::Status CheckNewOrder(const v1::NewOrder& order) {
  if (order.side() != v1::BUY && order.side() != v1::SELL) {
    return absl::InvalidArgumentError("new_order.side is neither BUY nor SELL");
  }
  if (order.type() != v1::LIMIT && order.type() != v1::MARKET) {
    return absl::InvalidArgumentError("new_order.type is neither LIMIT nor MARKET");
  }
  switch (order.time_in_force()) {
    case v1::GOOD_TILL_CANCEL:
    case v1::IMMEDIATE_OR_CANCEL:
    case v1::FILL_OR_KILL:
      return CheckSymbolName(order.symbol());
    default:
      return absl::InvalidArgumentError(
          "new_order.time_in_force is none of GOOD_TILL_CANCEL, IMMEDIATE_OR_CANCEL, FILL_OR_KILL");
  }
}

absl::Status CheckCommand(const v1::Command& command) {
  switch (command.kind_case()) {
    case v1::Command::KIND_NOT_SET:
      return absl::InvalidArgumentError("command.kind is not set");
    case v1::Command::kNewOrder:
      return CheckNewOrder(command.new_order());
    case v1::Command::kAddSymbol:
      return CheckAddSymbol(command.add_symbol());
    case v1::Command::kCancelOrder:
      return CheckSymbolName(command.cancel_order().symbol());
    case v1::Command::kReduceOrder:
      return CheckSymbolName(command.reduce_order().symbol());
    case v1::Command::kReplaceOrder:
      return CheckSymbolName(command.replace_order().symbol());
  }
  return absl::InvalidArgumentError("command.kind is of a later version");
}

}  // namespace quorumbook::client
