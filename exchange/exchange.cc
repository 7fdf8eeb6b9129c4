#include "exchange/exchange.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/check.h"
#include "common/digest.h"
#include "exchange/snapshot.h"
#include "exchange/state.h"

namespace quorumbook::exchange {

void Exchange::State::Execute(Time time, ApplyResult* result) {
  replicated.time = std::max(replicated.time, std::min(time, kMaxTime));
  result->time = replicated.time;
  const std::optional<Time> deadline = replicated.market.NextDeadline(replicated.time);
  if (deadline.has_value() && *deadline <= replicated.time) {
    Run(result, [&](const CommandContext& context) { replicated.market.BeginBatch(context); });
  }
  hashed_events_ = 0;
  lookahead_.Start(batch, replicated.sessions, replicated.market.orders());
  for (const GroupView& group : batch.groups) Execute(group, result);
  replicated.market.EndBatch();
  HashNew(*result);
  AddToGroupHash(*result);
}

void Exchange::State::Execute(const GroupView& group, ApplyResult* result) {
  GroupResult outcome;
  outcome.first_command = static_cast<uint32_t>(result->commands.size());
  switch (group.kind) {
    case GroupKind::kOpenSession:
      if (group.account == AccountId()) {
        outcome.status = SessionStatus::kInvalid;
      } else {
        const Session& session =
            replicated.sessions.Open(group.account, group.cancel_on_disconnect);
        outcome.session = session.id;
        outcome.expected_sequence = session.next_sequence;
      }
      break;
    case GroupKind::kCloseSession:
    case GroupKind::kSessionLost:
      outcome.session = group.session;
      if (const std::optional<Disconnected> session =
              replicated.sessions.Disconnect(group.session)) {
        Disconnect(*session, result);
        if (group.kind == GroupKind::kCloseSession) replicated.sessions.Close(group.session);
      } else {
        outcome.status = SessionStatus::kUnknown;
      }
      break;
    case GroupKind::kSessionCommands:
      ExecuteCommands(group, result, &outcome);
      break;
  }
  for (const Disconnected& session : replicated.sessions.TakeDisconnected()) {
    Disconnect(session, result);
  }
  outcome.command_count = static_cast<uint32_t>(result->commands.size()) - outcome.first_command;
  result->groups.push_back(outcome);
}

template <typename Act>
void Exchange::State::Run(ApplyResult* result, Act&& act) {
  act(CommandContext{.account = {}, .time = replicated.time, .events = &result->events});
}

void Exchange::State::Disconnect(const Disconnected& session, ApplyResult* result) {
  if (session.last_order == OrderId()) return;
  Run(result, [&](const CommandContext& context) {
    Market& market = replicated.market;
    const bool later = result->events.size() >= kMaxBatchEvents || market.counted_enough();
    market.Disconnect(context, session.account, session.last_order, later);
  });
}

void Exchange::State::AddToGroupHash(const ApplyResult& result) {
  to_be_hashed_.clear();
  to_be_hashed_.push_back(static_cast<uint64_t>(result.time));
  for (const GroupResult& group : result.groups) {
    to_be_hashed_.push_back(group.session.value());
    to_be_hashed_.push_back(group.expected_sequence);
    to_be_hashed_.push_back(uint64_t{group.command_count} << 8 |
                            static_cast<uint8_t>(group.status));
  }
  const std::string_view bytes(reinterpret_cast<const char*>(to_be_hashed_.data()),
                               to_be_hashed_.size() * sizeof(uint64_t));
  replicated.group_hash = Checksum64(bytes, replicated.group_hash);
}

SessionStatus Exchange::State::CheckSequence(const GroupView& group, const Session& session) {
  if (group.first_sequence > session.next_sequence) return SessionStatus::kGap;
  if (group.first_sequence <= session.acknowledged()) return SessionStatus::kForgotten;
  return SessionStatus::kOk;
}

[[gnu::flatten]] void Exchange::State::ExecuteCommands(const GroupView& group, ApplyResult* result,
                                                       GroupResult* outcome) {
  outcome->session = group.session;
  if (group.first_sequence == 0 || group.command_count == 0) {
    outcome->status = SessionStatus::kInvalid;
    return;
  }
  Session* session = replicated.sessions.Use(group.session);
  if (session == nullptr) {
    outcome->status = SessionStatus::kUnknown;
    return;
  }
  replicated.sessions.Acknowledge(session, group.acknowledged);
  outcome->status = CheckSequence(group, *session);
  kept_commands_ = result->commands.size();
  MeasureRoom(*session, *result);
  const uint64_t last_order = replicated.market.counters().last_order_id;
  for (uint32_t i = 0; outcome->status == SessionStatus::kOk && i < group.command_count; ++i) {
    const uint64_t sequence = group.first_sequence + i;
    const OrderHandle named = lookahead_.Before(group.first_command + i);
    if (result->events.size() >= kMaxBatchEvents) {
      outcome->status = SessionStatus::kBatchFull;
    } else if (sequence < session->next_sequence) {
      AnswerRepeat(*session, sequence, result);
    } else if (Full(session, *result)) {
      outcome->status = SessionStatus::kWindowFull;
    } else if (replicated.market.counted_enough() &&
               Counts(group, batch.commands[group.first_command + i])) {
      outcome->status = SessionStatus::kBatchFull;
    } else {
      ExecuteNew(session, group, i, named, result);
      if (replicated.market.has_work()) {
        Run(result, [&](const CommandContext& context) { replicated.market.Work(context); });
      }
    }
  }
  if (session->cancel_on_disconnect && replicated.market.counters().last_order_id != last_order) {
    session->last_order = OrderId(replicated.market.counters().last_order_id);
  }
  Keep(session, *result);
  outcome->expected_sequence = session->next_sequence;
}

[[gnu::noinline]] bool Exchange::State::Counts(const GroupView& group, const CommandView& view) {
  ByteReader reader({view.begin, group.commands.data() + group.commands.size()});
  bool counts = false;
  QB_CHECK(ReadCommand(&reader, [&](const auto& command) {
    using Read = std::decay_t<decltype(command)>;
    if constexpr (std::is_same_v<Read, NewOrder>) {
      counts = command.time_in_force == TimeInForce::kFillOrKill;
    } else if constexpr (std::is_same_v<Read, SpecialOrder>) {
      counts = command.order.time_in_force == TimeInForce::kFillOrKill ||
               command.terms.minimum != 0 || command.terms.all_or_none;
    }
  }));
  return counts;
}

[[gnu::noinline]] void Exchange::State::AnswerRepeat(const Session& session, uint64_t sequence,
                                                     ApplyResult* result) {
  HashNew(*result);
  const size_t first = result->events.size();
  QB_CHECK(DecodeEvents(session.results[sequence - session.acknowledged() - 1], &result->events));
  AddCommand(sequence, first, /*repeated=*/true, result);
  hashed_events_ = result->events.size();
  kept_commands_ = result->commands.size();
}

void Exchange::State::HashNew(const ApplyResult& result) {
  replicated.market.AddToHash(std::span<const Event>(result.events).subspan(hashed_events_));
  hashed_events_ = result.events.size();
}

void Exchange::State::Keep(Session* session, const ApplyResult& result) {
  replicated.sessions.Append(session, std::span(result.commands).subspan(kept_commands_),
                             result.events);
  kept_commands_ = result.commands.size();
}

void Exchange::State::MeasureRoom(const Session& session, const ApplyResult& result) {
  const ResultWindow& results = session.results;
  room_ = {.sequence = session.next_sequence + results.commands_left(),
           .events = result.events.size() + results.events_left()};
}

bool Exchange::State::Full(Session* session, const ApplyResult& result) {
  if (session->next_sequence < room_.sequence && result.events.size() < room_.events) [[likely]] {
    return false;
  }
  Keep(session, result);
  MeasureRoom(*session, result);
  return session->results.full();
}

void Exchange::State::ExecuteNew(Session* session, const GroupView& group, uint32_t i,
                                 OrderHandle named, ApplyResult* result) {
  const CommandView& view = batch.commands[group.first_command + i];
  const CommandContext context{.account = session->account,
                               .time = replicated.time,
                               .events = &result->events,
                               .named = named};
  const size_t first = result->events.size();
  // What was checked when the batch was read.
  if (view.kind == CommandKind::kNewOrder) {
    replicated.market.Execute(context, LoadNewOrder(view.begin));
  } else if (view.kind == CommandKind::kCancelOrder) {
    replicated.market.Execute(context, CancelOrder{view.symbol, view.id});
  } else {
    ExecuteUnusual(context, {view.begin, group.commands.data() + group.commands.size()});
  }
  AddCommand(session->next_sequence++, first, /*repeated=*/false, result);
  if (view.kind == CommandKind::kNewOrder || view.kind == CommandKind::kSpecialOrder) {
    result->commands.back().order_type = LoadOrderType(view.begin);
  }
}

[[gnu::noinline]] void Exchange::State::ExecuteUnusual(const CommandContext& context,
                                                       std::string_view bytes) {
  ByteReader reader(bytes);
  QB_CHECK(ReadCommand(&reader,
                       [&](const auto& command) { replicated.market.Execute(context, command); }));
}

// Says that the events from `first` on are those of a command.
void Exchange::State::AddCommand(uint64_t sequence, size_t first, bool repeated,
                                 ApplyResult* result) {
  // Field by field in its place: built aside and copied, it would be read back in larger pieces
  // than it was just written in, which processors wait for.
  CommandResult& command = result->commands.emplace_back();
  command.sequence = sequence;
  command.first_event = static_cast<uint32_t>(first);
  command.event_count = static_cast<uint32_t>(result->events.size() - first);
  command.repeated = repeated;
}

Exchange::Exchange() : state_(std::make_unique<State>()) {}
Exchange::~Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;

absl::Status Exchange::Apply(std::string_view batch, ApplyResult* result) {
  result->Clear();
  if (absl::Status status = ReadBatch(batch, &state_->batch); !status.ok()) return status;
  state_->Execute(state_->batch.time, result);
  return absl::OkStatus();
}

void Exchange::Apply(const Batch& batch, ApplyResult* result) {
  QB_CHECK(Apply(EncodeBatch(batch), result).ok());
}

Time Exchange::time() const { return state_->replicated.time; }
uint64_t Exchange::last_sequence() const {
  return state_->replicated.market.counters().last_sequence;
}
uint64_t Exchange::open_orders() const { return state_->replicated.market.orders().open_orders(); }
uint64_t Exchange::sessions() const { return state_->replicated.sessions.size(); }

std::optional<Time> Exchange::NextDeadline() const {
  return state_->replicated.market.NextDeadline(state_->replicated.time);
}

Digest Exchange::RunningDigest() const {
  const ReplicatedState& state = state_->replicated;
  return {.high = state.market.counters().event_hash, .low = state.group_hash};
}

std::string Exchange::Snapshot() const { return WriteSnapshot(state_->replicated); }

absl::StatusOr<Exchange> Exchange::Restore(std::string_view snapshot) {
  Exchange exchange;
  absl::Status status = ReadSnapshot(snapshot, kMaxCount, &exchange.state_->replicated);
  if (!status.ok()) return status;
  return exchange;
}

absl::StatusOr<Exchange> Exchange::RestoreReceived(std::string_view snapshot) {
  Exchange exchange;
  absl::Status status = ReadSnapshot(snapshot, kMaxReceivedCount, &exchange.state_->replicated);
  if (!status.ok()) return status;
  return exchange;
}

Digest Exchange::StateDigest() const { return Digest128(Snapshot()); }
Digest Exchange::MarketDigest() const { return DigestOf(state_->replicated.market); }

}  // namespace quorumbook::exchange
