#include "exchange/command_codec.h"

#include <absl/strings/str_cat.h>

#include <utility>
#include <variant>

#include "common/check.h"
#include "common/digest.h"

namespace quorumbook::exchange {
namespace {

// Appends the form of each command and group.
struct Encoder {
  ByteWriter out;

  void operator()(const AddSymbol& command) {
    out.Put(CommandKind::kAddSymbol);
    out.PutSized(command.name);
    out.Put(command.tick_size.mantissa);
    out.Put(command.tick_size.exponent);
    out.Put(command.lot_size.mantissa);
    out.Put(command.lot_size.exponent);
  }
  void operator()(const NewOrder& command) {
    out.Put(CommandKind::kNewOrder);
    out.Put(command.side);
    out.Put(command.type);
    out.Put(command.time_in_force);
    out.Put(command.symbol.value());
    out.Put(command.client_order_id.value());
    out.Put(command.price);
    out.Put(command.quantity);
  }
  void operator()(const CancelOrder& command) {
    out.Put(CommandKind::kCancelOrder);
    out.Put(command.symbol.value());
    out.Put(command.client_order_id.value());
  }
  void operator()(const ReduceOrder& command) {
    out.Put(CommandKind::kReduceOrder);
    out.Put(command.symbol.value());
    out.Put(command.client_order_id.value());
    out.Put(command.quantity);
  }
  void operator()(const ReplaceOrder& command) {
    out.Put(CommandKind::kReplaceOrder);
    out.Put(command.symbol.value());
    out.Put(command.client_order_id.value());
    out.Put(command.price);
    out.Put(command.quantity);
  }
  void operator()(const OpenSession& group) {
    out.Put(GroupKind::kOpenSession);
    out.Put(group.account.value());
  }
  void operator()(const CloseSession& group) {
    out.Put(GroupKind::kCloseSession);
    out.Put(group.session.value());
  }
  void operator()(const SessionCommands& group) {
    QB_CHECK(group.commands.size() <= UINT32_MAX);
    out.Put(GroupKind::kSessionCommands);
    out.Put(group.session.value());
    out.Put(group.first_sequence);
    out.Put(group.acknowledged);
    out.Put(static_cast<uint32_t>(group.commands.size()));
    for (const Command& command : group.commands) std::visit(*this, command);
  }
};

// The checksum covers what stands before it and what follows.
uint64_t BatchChecksum(std::string_view before, std::string_view groups) {
  return Checksum64(groups, Checksum64(before));
}

bool ReadGroup(ByteReader* reader, std::string_view bytes, GroupView* group) {
  group->kind = reader->Get<GroupKind>();
  switch (group->kind) {
    case GroupKind::kOpenSession:
      group->account = AccountId(reader->Get<uint64_t>());
      return reader->ok();
    case GroupKind::kCloseSession:
      group->session = SessionId(reader->Get<uint64_t>());
      return reader->ok();
    case GroupKind::kSessionCommands:
      break;
    default:
      return false;
  }
  group->session = SessionId(reader->Get<uint64_t>());
  group->first_sequence = reader->Get<uint64_t>();
  group->acknowledged = reader->Get<uint64_t>();
  group->command_count = reader->Get<uint32_t>();
  const size_t begin = bytes.size() - reader->remaining();
  for (uint32_t i = 0; i < group->command_count; ++i) {
    if (!ReadCommand(reader, [](const auto&) {})) return false;
  }
  group->commands = bytes.substr(begin, bytes.size() - reader->remaining() - begin);
  return reader->ok();
}

Group ToGroup(const GroupView& view) {
  switch (view.kind) {
    case GroupKind::kOpenSession:
      return OpenSession{view.account};
    case GroupKind::kCloseSession:
      return CloseSession{view.session};
    case GroupKind::kSessionCommands:
      break;
  }
  SessionCommands group{.session = view.session,
                        .first_sequence = view.first_sequence,
                        .acknowledged = view.acknowledged,
                        .commands = {}};
  ByteReader reader(view.commands);
  for (uint32_t i = 0; i < view.command_count; ++i) {
    QB_CHECK(
        ReadCommand(&reader, [&](const auto& command) { group.commands.emplace_back(command); }));
  }
  return group;
}

}  // namespace

std::string EncodeGroup(const Group& group) {
  std::string bytes;
  std::visit(Encoder{ByteWriter(&bytes)}, group);
  return bytes;
}

std::string EncodeBatch(Time time, const std::vector<std::string_view>& groups) {
  QB_CHECK(groups.size() <= UINT32_MAX);
  size_t size = kBatchHeaderBytes;
  for (const std::string_view group : groups) size += group.size();
  std::string bytes;
  bytes.reserve(size);
  ByteWriter out(&bytes);
  out.Put(kBatchMagic);
  out.Put(static_cast<uint32_t>(groups.size()));
  out.Put(time);
  const size_t before = bytes.size();
  out.Put(uint64_t{0});
  for (const std::string_view group : groups) out.PutBytes(group);
  const std::string_view view(bytes);
  const uint64_t checksum = BatchChecksum(view.substr(0, before), view.substr(kBatchHeaderBytes));
  std::memcpy(bytes.data() + before, &checksum, sizeof(checksum));
  return bytes;
}

std::string EncodeBatch(const Batch& batch) {
  std::vector<std::string> encoded;
  encoded.reserve(batch.groups.size());
  for (const Group& group : batch.groups) encoded.push_back(EncodeGroup(group));
  return EncodeBatch(batch.time, std::vector<std::string_view>(encoded.begin(), encoded.end()));
}

absl::Status ReadBatch(std::string_view bytes, BatchView* view) {
  view->groups.clear();
  ByteReader header(bytes);
  const auto magic = header.Get<uint32_t>();
  const auto group_count = header.Get<uint32_t>();
  view->time = header.Get<Time>();
  const size_t before = bytes.size() - header.remaining();
  const auto checksum = header.Get<uint64_t>();
  if (!header.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch of ", bytes.size(), " bytes: shorter than its header"));
  }
  if (magic != kBatchMagic) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch: unknown format or version 0x", absl::Hex(magic)));
  }
  const std::string_view body = bytes.substr(kBatchHeaderBytes);
  if (checksum != BatchChecksum(bytes.substr(0, before), body)) {
    return absl::InvalidArgumentError("batch: wrong checksum");
  }
  ByteReader reader(body);
  for (uint32_t i = 0; i < group_count; ++i) {
    if (!ReadGroup(&reader, body, &view->groups.emplace_back())) {
      return absl::InvalidArgumentError(absl::StrCat("batch: group ", i, " of ", group_count,
                                                     " is malformed, ", reader.remaining(),
                                                     " bytes before the end"));
    }
  }
  if (!reader.AtEnd()) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch: ", reader.remaining(), " bytes after the last group"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Batch> DecodeBatch(std::string_view bytes) {
  BatchView view;
  if (absl::Status status = ReadBatch(bytes, &view); !status.ok()) return status;
  Batch batch{.time = view.time, .groups = {}};
  batch.groups.reserve(view.groups.size());
  for (const GroupView& group : view.groups) batch.groups.push_back(ToGroup(group));
  return batch;
}

}  // namespace quorumbook::exchange
