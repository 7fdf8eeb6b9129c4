// Reading the binary form of batches straight from the log: docs/formats/commands.md.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
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

enum class GroupKind : uint8_t {
  kOpenSession = 1,
  kCloseSession = 2,
  kSessionCommands = 3,
  kSessionLost = 4,
};

// A group whose commands are still encoded.
struct GroupView {
  GroupKind kind = GroupKind::kSessionCommands;
  AccountId account;                  // of kOpenSession
  bool cancel_on_disconnect = false;  // likewise
  SessionId session;                  // of the others
  uint64_t first_sequence = 0;
  uint64_t acknowledged = 0;
  uint32_t first_command = 0;  // of this group, among those of the batch
  uint32_t command_count = 0;
  std::string_view commands;
};

// One command, still encoded, and which order of its account it names; zeros when it names none.
struct CommandView {
  const char* begin = nullptr;  // of its bytes in the batch
  ClientOrderId id;
  SymbolId symbol;
  CommandKind kind = CommandKind::kNone;
};

// What a batch says, checked whole, its commands included.
struct BatchView {
  Time time = 0;
  std::vector<GroupView> groups;  // they point into the bytes of the batch
  std::vector<CommandView> commands;
};

// `view` is a buffer to be reused; after an error its content means nothing.
// Errors: those of DecodeBatch.
absl::Status ReadBatch(std::string_view bytes, BatchView* view);

// Reads the fields of one command, each overload those of its kind. False when they are malformed.
bool ReadFields(ByteReader* reader, AddSymbol* command);
bool ReadFields(ByteReader* reader, SpecialOrder* command);
bool ReadFields(ByteReader* reader, MassCancel* command);
bool ReadFields(ByteReader* reader, SetSymbolRules* command);
bool ReadFields(ByteReader* reader, SetPhase* command);
bool ReadFields(ByteReader* reader, DelistSymbol* command);
bool ReadFields(ByteReader* reader, AddAsset* command);
bool ReadFields(ByteReader* reader, Deposit* command);
bool ReadFields(ByteReader* reader, Withdraw* command);
bool ReadFields(ByteReader* reader, SetAccountLimits* command);
bool ReadFields(ByteReader* reader, SetPositionLimit* command);
bool ReadFields(ByteReader* reader, SetKillSwitch* command);

// Those on the path of every order.
inline bool ReadFields(ByteReader* reader, NewOrder* command) {
  uint8_t post_only = 0;
  uint32_t symbol = 0;
  uint64_t id = 0;
  const bool whole =
      reader->GetAll(&command->side, &command->type, &command->time_in_force, &command->self_trade,
                     &post_only, &symbol, &id, &command->price, &command->quantity);
  command->post_only = post_only != 0;
  command->symbol = SymbolId(symbol);
  command->client_order_id = ClientOrderId(id);
  return whole && command->side >= Side::kBuy && command->side <= Side::kSell &&
         command->type >= OrderType::kLimit && command->type <= OrderType::kTrailingStop &&
         command->time_in_force >= TimeInForce::kGoodTillCancel &&
         command->time_in_force <= TimeInForce::kGoodTillTime &&
         command->self_trade <= SelfTrade::kDecrement && post_only <= 1;
}
// Reads the name of an order, then the rest.
template <typename Command, typename... Rest>
bool ReadNamed(ByteReader* reader, Command* command, Rest*... rest) {
  uint32_t symbol = 0;
  uint64_t id = 0;
  const bool whole = reader->GetAll(&symbol, &id, rest...);
  command->symbol = SymbolId(symbol);
  command->client_order_id = ClientOrderId(id);
  return whole;
}
inline bool ReadFields(ByteReader* reader, CancelOrder* command) {
  return ReadNamed(reader, command);
}
inline bool ReadFields(ByteReader* reader, ReduceOrder* command) {
  return ReadNamed(reader, command, &command->quantity);
}
inline bool ReadFields(ByteReader* reader, ReplaceOrder* command) {
  return ReadNamed(reader, command, &command->price, &command->quantity);
}

template <typename Kind, typename Visitor>
bool ReadCommandOf(ByteReader* reader, Visitor&& visit) {
  Kind command;
  if (!ReadFields(reader, &command)) return false;
  visit(command);
  return true;
}

// A new order of a batch that was checked. REQUIRES: `begin` is that of such a command.
inline NewOrder LoadNewOrder(const char* begin) {
  NewOrder order;
  uint32_t symbol = 0;
  uint64_t id = 0;
  // In one piece, as they are read: processors wait for what was written in smaller ones.
  static_assert(offsetof(NewOrder, time_in_force) == offsetof(NewOrder, side) + 2);
  std::memcpy(reinterpret_cast<char*>(&order) + offsetof(NewOrder, side), begin + 1, 3);
  std::memcpy(&order.self_trade, begin + 4, 1);
  order.post_only = begin[5] != 0;
  std::memcpy(&symbol, begin + 6, sizeof(symbol));
  std::memcpy(&id, begin + 10, sizeof(id));
  std::memcpy(&order.price, begin + 18, sizeof(order.price));
  std::memcpy(&order.quantity, begin + 26, sizeof(order.quantity));
  order.symbol = SymbolId(symbol);
  order.client_order_id = ClientOrderId(id);
  return order;
}
// The same of a SpecialOrder, which begins with the order that it extends.
inline OrderType LoadOrderType(const char* begin) { return static_cast<OrderType>(begin[2]); }
inline constexpr size_t kNewOrderBytes = 34;
inline constexpr size_t kCancelOrderBytes = 13;

// Reads one command and calls `visit` with it: an AddSymbol, a NewOrder, and so on. False, and
// nothing is visited, when the bytes are malformed or at their end.
template <typename Visitor>
bool ReadCommand(ByteReader* reader, Visitor&& visit) {
  switch (reader->Get<CommandKind>()) {
    case CommandKind::kNone:
      return false;
    case CommandKind::kAddSymbol:
      return ReadCommandOf<AddSymbol>(reader, visit);
    case CommandKind::kNewOrder:
      return ReadCommandOf<NewOrder>(reader, visit);
    case CommandKind::kCancelOrder:
      return ReadCommandOf<CancelOrder>(reader, visit);
    case CommandKind::kReduceOrder:
      return ReadCommandOf<ReduceOrder>(reader, visit);
    case CommandKind::kReplaceOrder:
      return ReadCommandOf<ReplaceOrder>(reader, visit);
    case CommandKind::kSpecialOrder:
      return ReadCommandOf<SpecialOrder>(reader, visit);
    case CommandKind::kMassCancel:
      return ReadCommandOf<MassCancel>(reader, visit);
    case CommandKind::kSetSymbolRules:
      return ReadCommandOf<SetSymbolRules>(reader, visit);
    case CommandKind::kSetPhase:
      return ReadCommandOf<SetPhase>(reader, visit);
    case CommandKind::kDelistSymbol:
      return ReadCommandOf<DelistSymbol>(reader, visit);
    case CommandKind::kAddAsset:
      return ReadCommandOf<AddAsset>(reader, visit);
    case CommandKind::kDeposit:
      return ReadCommandOf<Deposit>(reader, visit);
    case CommandKind::kWithdraw:
      return ReadCommandOf<Withdraw>(reader, visit);
    case CommandKind::kSetAccountLimits:
      return ReadCommandOf<SetAccountLimits>(reader, visit);
    case CommandKind::kSetPositionLimit:
      return ReadCommandOf<SetPositionLimit>(reader, visit);
    case CommandKind::kSetKillSwitch:
      return ReadCommandOf<SetKillSwitch>(reader, visit);
  }
  return false;
}

}  // namespace quorumbook::exchange
