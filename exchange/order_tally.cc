#include "exchange/order_tally.h"

#include "common/bytes.h"
#include "common/check.h"
#include "exchange/command_codec.h"

namespace quorumbook::exchange {
namespace {

constexpr size_t kTypeOffset = 2;  // in a command that enters an order, after its kind and side

// Moves `rest` beyond its first command. Returns the type of the order that it enters, 0 if none.
size_t TakeOrderType(std::string_view* rest) {
  QB_CHECK(rest->size() > kTypeOffset);
  const auto kind = static_cast<CommandKind>(rest->front());
  const bool enters = kind == CommandKind::kNewOrder || kind == CommandKind::kSpecialOrder;
  const auto type = enters ? static_cast<uint8_t>((*rest)[kTypeOffset]) : uint8_t{0};
  size_t size = kind == CommandKind::kNewOrder ? kNewOrderBytes : kCancelOrderBytes;
  if (kind != CommandKind::kNewOrder && kind != CommandKind::kCancelOrder) [[unlikely]] {
    ByteReader reader(*rest);
    QB_CHECK(ReadCommand(&reader, [](const auto&) {}));
    size = rest->size() - reader.remaining();
  }
  rest->remove_prefix(size);
  return type;
}

}  // namespace

// Walks over the bytes once more and reads no more of them than it needs: to check them whole again
// would cost more than to match the orders does.
void OrderTally::Count(std::string_view batch, const ApplyResult& result) {
  if (result.commands.empty()) return;
  ByteReader reader(batch);
  reader.GetBytes(kBatchHeaderBytes);
  for (const GroupResult& group : result.groups) {
    GroupView head;
    QB_CHECK(ReadGroupHead(&reader, &head));
    std::string_view rest = batch.substr(batch.size() - reader.remaining());
    for (uint32_t i = 0; i < head.command_count; ++i) {
      const size_t type = TakeOrderType(&rest);
      if (type == 0 || i >= group.command_count) continue;
      const CommandResult& command = result.commands[group.first_command + i];
      if (command.repeated) continue;
      const EventType first = result.events[command.first_event].type;
      ++(first == EventType::kCommandRejected ? rejected : accepted).at(type);
    }
    reader.GetBytes(reader.remaining() - rest.size());
  }
}

}  // namespace quorumbook::exchange
