// Reading the binary form of batches straight from the log: docs/formats/commands.md.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

inline constexpr uint32_t kBatchMagic = 0x01424251;  // "QBB", version 1
inline constexpr size_t kBatchHeaderBytes = 24;

enum class GroupKind : uint8_t { kOpenSession = 1, kCloseSession = 2, kSessionCommands = 3 };

// A group whose commands are still encoded.
struct GroupView {
  GroupKind kind = GroupKind::kSessionCommands;
  AccountId account;  // of kOpenSession
  SessionId session;  // of the others
  uint64_t first_sequence = 0;
  uint64_t acknowledged = 0;
  uint32_t command_count = 0;
  std::string_view commands;
};

// What a batch says, checked whole, its commands included.
struct BatchView {
  Time time = 0;
  std::vector<GroupView> groups;  // they point into the bytes of the batch
};

// `view` is a buffer to be reused; after an error its content means nothing.
// Errors: those of DecodeBatch.
absl::Status ReadBatch(std::string_view bytes, BatchView* view);

// Reads one command and calls `visit` with it: an AddSymbol, a NewOrder, and so on. False, and
// nothing is visited, when the bytes are malformed or at their end.
template <typename Visitor>
bool ReadCommand(ByteReader* reader, Visitor&& visit) {
  switch (reader->Get<CommandKind>()) {
    case CommandKind::kAddSymbol: {
      AddSymbol command;
      command.name = reader->GetSized();
      command.tick_size.mantissa = reader->Get<int64_t>();
      command.tick_size.exponent = reader->Get<int8_t>();
      command.lot_size.mantissa = reader->Get<int64_t>();
      command.lot_size.exponent = reader->Get<int8_t>();
      if (!reader->ok()) return false;
      visit(command);
      return true;
    }
    case CommandKind::kNewOrder: {
      NewOrder command;
      command.side = reader->Get<Side>();
      command.type = reader->Get<OrderType>();
      command.time_in_force = reader->Get<TimeInForce>();
      command.symbol = SymbolId(reader->Get<uint32_t>());
      command.client_order_id = ClientOrderId(reader->Get<uint64_t>());
      command.price = reader->Get<Price>();
      command.quantity = reader->Get<Quantity>();
      const bool valid = command.side >= Side::kBuy && command.side <= Side::kSell &&
                         command.type >= OrderType::kLimit && command.type <= OrderType::kMarket &&
                         command.time_in_force >= TimeInForce::kGoodTillCancel &&
                         command.time_in_force <= TimeInForce::kFillOrKill;
      if (!reader->ok() || !valid) return false;
      visit(command);
      return true;
    }
    case CommandKind::kCancelOrder: {
      CancelOrder command;
      command.symbol = SymbolId(reader->Get<uint32_t>());
      command.client_order_id = ClientOrderId(reader->Get<uint64_t>());
      if (!reader->ok()) return false;
      visit(command);
      return true;
    }
    case CommandKind::kReduceOrder: {
      ReduceOrder command;
      command.symbol = SymbolId(reader->Get<uint32_t>());
      command.client_order_id = ClientOrderId(reader->Get<uint64_t>());
      command.quantity = reader->Get<Quantity>();
      if (!reader->ok()) return false;
      visit(command);
      return true;
    }
    case CommandKind::kReplaceOrder: {
      ReplaceOrder command;
      command.symbol = SymbolId(reader->Get<uint32_t>());
      command.client_order_id = ClientOrderId(reader->Get<uint64_t>());
      command.price = reader->Get<Price>();
      command.quantity = reader->Get<Quantity>();
      if (!reader->ok()) return false;
      visit(command);
      return true;
    }
  }
  return false;
}

}  // namespace quorumbook::exchange
