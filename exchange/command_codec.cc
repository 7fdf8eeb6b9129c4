#include "exchange/command_codec.h"

#include <absl/strings/str_cat.h>

#include <cstring>
#include <utility>
#include <variant>

#include "common/branchless.h"
#include "common/check.h"
#include "common/digest.h"

namespace quorumbook::exchange {
namespace {

// Appends the form of each command and group.
struct Encoder {
  ByteWriter out;

  void Put(const Decimal& decimal) {
    out.Put(decimal.mantissa);
    out.Put(decimal.exponent);
  }
  void PutFlag(bool flag) { out.Put(static_cast<uint8_t>(flag)); }
  void Put(const SymbolRules& rules) {
    out.Put(rules.min_quantity);
    out.Put(rules.max_quantity);
    out.Put(rules.static_band_bp);
    out.Put(rules.dynamic_band_bp);
    out.Put(rules.protection);
    out.Put(rules.maker_fee_bp);
    out.Put(rules.taker_fee_bp);
  }
  void PutFields(const NewOrder& command) {
    out.Put(command.side);
    out.Put(command.type);
    out.Put(command.time_in_force);
    out.Put(command.self_trade);
    PutFlag(command.post_only);
    out.Put(command.symbol.value());
    out.Put(command.client_order_id.value());
    out.Put(command.price);
    out.Put(command.quantity);
  }

  void operator()(const AddSymbol& command) {
    out.Put(CommandKind::kAddSymbol);
    out.PutSized(command.name);
    Put(command.tick_size);
    Put(command.lot_size);
    out.Put(command.base.value());
    out.Put(command.quote.value());
    Put(command.rules);
    out.Put(command.phase);
  }
  void operator()(const NewOrder& command) {
    out.Put(CommandKind::kNewOrder);
    PutFields(command);
  }
  void operator()(const SpecialOrder& command) {
    out.Put(CommandKind::kSpecialOrder);
    PutFields(command.order);
    out.Put(command.terms.stop_price);
    out.Put(command.terms.trail);
    out.Put(command.terms.display);
    out.Put(command.terms.minimum);
    out.Put(command.terms.protection);
    out.Put(command.terms.expires);
    PutFlag(command.terms.all_or_none);
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
  void operator()(const MassCancel& command) {
    out.Put(CommandKind::kMassCancel);
    out.Put(command.account.value());
    out.Put(command.symbol.value());
    out.Put(command.side);
  }
  void operator()(const SetSymbolRules& command) {
    out.Put(CommandKind::kSetSymbolRules);
    out.Put(command.symbol.value());
    Put(command.rules);
  }
  void operator()(const SetPhase& command) {
    out.Put(CommandKind::kSetPhase);
    out.Put(command.symbol.value());
    out.Put(command.phase);
    out.Put(command.reference_price);
  }
  void operator()(const DelistSymbol& command) {
    out.Put(CommandKind::kDelistSymbol);
    out.Put(command.symbol.value());
  }
  void operator()(const AddAsset& command) {
    out.Put(CommandKind::kAddAsset);
    out.PutSized(command.name);
    out.Put(command.exponent);
  }
  void operator()(const Deposit& command) {
    out.Put(CommandKind::kDeposit);
    out.Put(command.account.value());
    out.Put(command.asset.value());
    out.Put(command.amount);
  }
  void operator()(const Withdraw& command) {
    out.Put(CommandKind::kWithdraw);
    out.Put(command.account.value());
    out.Put(command.asset.value());
    out.Put(command.amount);
  }
  void operator()(const SetAccountLimits& command) {
    out.Put(CommandKind::kSetAccountLimits);
    out.Put(command.account.value());
    out.Put(command.limits.max_order_quantity);
    out.Put(command.limits.max_notional);
    out.Put(command.limits.max_open_orders);
  }
  void operator()(const SetPositionLimit& command) {
    out.Put(CommandKind::kSetPositionLimit);
    out.Put(command.account.value());
    out.Put(command.asset.value());
    out.Put(command.limit);
  }
  void operator()(const SetKillSwitch& command) {
    out.Put(CommandKind::kSetKillSwitch);
    out.Put(command.account.value());
    PutFlag(command.engaged);
  }
  void operator()(const OpenSession& group) {
    out.Put(GroupKind::kOpenSession);
    out.Put(group.account.value());
    PutFlag(group.cancel_on_disconnect);
  }
  void operator()(const SessionLost& group) {
    out.Put(GroupKind::kSessionLost);
    out.Put(group.session.value());
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

bool ReadFlag(ByteReader* reader, bool* flag) {
  const auto byte = reader->Get<uint8_t>();
  *flag = byte != 0;
  return reader->ok() && byte <= 1;
}

void Read(ByteReader* reader, Decimal* decimal) {
  decimal->mantissa = reader->Get<int64_t>();
  decimal->exponent = reader->Get<int8_t>();
}

void Read(ByteReader* reader, SymbolRules* rules) {
  rules->min_quantity = reader->Get<Quantity>();
  rules->max_quantity = reader->Get<Quantity>();
  rules->static_band_bp = reader->Get<uint32_t>();
  rules->dynamic_band_bp = reader->Get<uint32_t>();
  rules->protection = reader->Get<Price>();
  rules->maker_fee_bp = reader->Get<uint32_t>();
  rules->taker_fee_bp = reader->Get<uint32_t>();
}

bool IsPhase(Phase phase) { return phase >= Phase::kPreOpen && phase <= Phase::kClosed; }

// `view` is blank.
template <typename Command>
void SetName(const Command& command, CommandView* view) {
  if constexpr (requires { command.client_order_id; }) {
    view->symbol = command.symbol;
    view->id = command.client_order_id;
  } else if constexpr (requires { command.order; }) {
    SetName(command.order, view);
  }
}

// Most commands are new orders and cancels, in no order that could be foreseen: so there is no
// branch between the two. Returns its size; 0 when it is none of them or malformed: ReadCommand
// tells.
size_t ReadUsual(const char* begin, size_t size, CommandView* view) {
  if (size < kCancelOrderBytes) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(begin[i]); };
  const auto is = [&](CommandKind kind) {
    return Opaque(uint32_t{byte(0) == static_cast<uint8_t>(kind)});
  };
  const uint32_t is_new = is(CommandKind::kNewOrder);
  const uint32_t is_cancel = is(CommandKind::kCancelOrder);
  const auto within = [&](size_t i, auto first, auto last) -> uint32_t {
    return static_cast<uint8_t>(byte(i) - static_cast<uint8_t>(first)) <=
           static_cast<uint8_t>(last) - static_cast<uint8_t>(first);
  };
  const uint32_t valid = within(1, Side::kBuy, Side::kSell) &
                         within(2, OrderType::kLimit, OrderType::kTrailingStop) &
                         within(3, TimeInForce::kGoodTillCancel, TimeInForce::kGoodTillTime) &
                         within(4, SelfTrade::kAllow, SelfTrade::kDecrement) &
                         uint32_t{byte(5) <= 1} & uint32_t{size >= kNewOrderBytes};
  if ((is_cancel | (is_new & valid)) == 0) return 0;
  // What it names comes after the kind, or after five more bytes.
  const char* const name = begin + 1 + size_t{5} * is_new;
  uint32_t symbol = 0;
  uint64_t id = 0;
  std::memcpy(&symbol, name, sizeof(symbol));
  std::memcpy(&id, name + sizeof(symbol), sizeof(id));
  view->begin = begin;
  view->id = ClientOrderId(id);
  view->symbol = SymbolId(symbol);
  view->kind = static_cast<CommandKind>(begin[0]);
  return kCancelOrderBytes + (kNewOrderBytes - kCancelOrderBytes) * is_new;
}

bool ReadGroup(ByteReader* reader, std::string_view bytes, GroupView* group,
               std::vector<CommandView>* commands) {
  group->kind = reader->Get<GroupKind>();
  switch (group->kind) {
    case GroupKind::kOpenSession:
      group->account = AccountId(reader->Get<uint64_t>());
      return ReadFlag(reader, &group->cancel_on_disconnect);
    case GroupKind::kCloseSession:
    case GroupKind::kSessionLost:
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
  group->first_command = static_cast<uint32_t>(commands->size());
  std::string_view rest = bytes.substr(begin);
  for (uint32_t i = 0; i < group->command_count; ++i) {
    CommandView view;
    if (const size_t size = ReadUsual(rest.data(), rest.size(), &view); size != 0) [[likely]] {
      rest.remove_prefix(size);
    } else {
      ByteReader unusual(rest);
      view = {.begin = rest.data(), .id = {}, .symbol = {}};
      if (!rest.empty()) view.kind = static_cast<CommandKind>(rest.front());
      if (!ReadCommand(&unusual, [&](const auto& command) { SetName(command, &view); })) {
        reader->GetBytes(reader->remaining() - unusual.remaining());
        return false;
      }
      rest.remove_prefix(rest.size() - unusual.remaining());
    }
    commands->push_back(view);
  }
  group->commands = bytes.substr(begin, bytes.size() - rest.size() - begin);
  reader->GetBytes(group->commands.size());
  return reader->ok();
}

Group ToGroup(const GroupView& view) {
  switch (view.kind) {
    case GroupKind::kOpenSession:
      return OpenSession{view.account, view.cancel_on_disconnect};
    case GroupKind::kCloseSession:
      return CloseSession{view.session};
    case GroupKind::kSessionLost:
      return SessionLost{view.session};
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

bool ReadFields(ByteReader* reader, AddSymbol* command) {
  command->name = reader->GetSized();
  Read(reader, &command->tick_size);
  Read(reader, &command->lot_size);
  command->base = AssetId(reader->Get<uint32_t>());
  command->quote = AssetId(reader->Get<uint32_t>());
  Read(reader, &command->rules);
  command->phase = reader->Get<Phase>();
  return reader->ok() && IsPhase(command->phase);
}

bool ReadFields(ByteReader* reader, SpecialOrder* command) {
  if (!ReadFields(reader, &command->order)) return false;
  command->terms.stop_price = reader->Get<Price>();
  command->terms.trail = reader->Get<Price>();
  command->terms.display = reader->Get<Quantity>();
  command->terms.minimum = reader->Get<Quantity>();
  command->terms.protection = reader->Get<Price>();
  command->terms.expires = reader->Get<Time>();
  return ReadFlag(reader, &command->terms.all_or_none);
}

bool ReadFields(ByteReader* reader, MassCancel* command) {
  command->account = AccountId(reader->Get<uint64_t>());
  command->symbol = SymbolId(reader->Get<uint32_t>());
  command->side = reader->Get<Side>();
  return reader->ok() && command->side <= Side::kSell;
}

bool ReadFields(ByteReader* reader, SetSymbolRules* command) {
  command->symbol = SymbolId(reader->Get<uint32_t>());
  Read(reader, &command->rules);
  return reader->ok();
}

bool ReadFields(ByteReader* reader, SetPhase* command) {
  command->symbol = SymbolId(reader->Get<uint32_t>());
  command->phase = reader->Get<Phase>();
  command->reference_price = reader->Get<Price>();
  return reader->ok() && IsPhase(command->phase);
}

bool ReadFields(ByteReader* reader, DelistSymbol* command) {
  command->symbol = SymbolId(reader->Get<uint32_t>());
  return reader->ok();
}

bool ReadFields(ByteReader* reader, AddAsset* command) {
  command->name = reader->GetSized();
  command->exponent = reader->Get<int8_t>();
  return reader->ok();
}

bool ReadFields(ByteReader* reader, Deposit* command) {
  command->account = AccountId(reader->Get<uint64_t>());
  command->asset = AssetId(reader->Get<uint32_t>());
  command->amount = reader->Get<Amount>();
  return reader->ok();
}

bool ReadFields(ByteReader* reader, Withdraw* command) {
  command->account = AccountId(reader->Get<uint64_t>());
  command->asset = AssetId(reader->Get<uint32_t>());
  command->amount = reader->Get<Amount>();
  return reader->ok();
}

bool ReadFields(ByteReader* reader, SetAccountLimits* command) {
  command->account = AccountId(reader->Get<uint64_t>());
  command->limits.max_order_quantity = reader->Get<Quantity>();
  command->limits.max_notional = reader->Get<Amount>();
  command->limits.max_open_orders = reader->Get<uint64_t>();
  return reader->ok();
}

bool ReadFields(ByteReader* reader, SetPositionLimit* command) {
  command->account = AccountId(reader->Get<uint64_t>());
  command->asset = AssetId(reader->Get<uint32_t>());
  command->limit = reader->Get<Amount>();
  return reader->ok();
}

bool ReadFields(ByteReader* reader, SetKillSwitch* command) {
  command->account = AccountId(reader->Get<uint64_t>());
  return ReadFlag(reader, &command->engaged);
}

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
  view->commands.clear();
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
    if (!ReadGroup(&reader, body, &view->groups.emplace_back(), &view->commands)) {
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
