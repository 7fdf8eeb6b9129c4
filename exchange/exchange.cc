#include "exchange/exchange.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "common/check.h"
#include "exchange/snapshot.h"
#include "exchange/state.h"

namespace quorumbook::exchange {

namespace {

// The order that a command is about; one of no symbol when there is none.
template <typename Kind>
OrderName NameOf(AccountId account, const Kind& command) {
  if constexpr (requires { command.client_order_id; }) {
    return {account, command.symbol, command.client_order_id};
  } else if constexpr (requires { command.order; }) {
    return {account, command.order.symbol, command.order.client_order_id};
  } else {
    return {account, SymbolId(), ClientOrderId()};
  }
}

void AnswerRepeat(const Session& session, uint64_t sequence, ApplyResult* result) {
  const size_t first = result->events.size();
  QB_CHECK(DecodeEvents(session.results[sequence - session.acknowledged() - 1], &result->events));
  result->commands.push_back({.sequence = sequence,
                              .first_event = static_cast<uint32_t>(first),
                              .event_count = static_cast<uint32_t>(result->events.size() - first),
                              .repeated = true});
}

}  // namespace

void Exchange::State::Execute(const GroupView& group, ApplyResult* result) {
  GroupResult outcome;
  outcome.first_command = static_cast<uint32_t>(result->commands.size());
  switch (group.kind) {
    case GroupKind::kOpenSession:
      if (group.account == AccountId()) {
        outcome.status = SessionStatus::kInvalid;
      } else {
        const Session& session = replicated.sessions.Open(group.account);
        outcome.session = session.id;
        outcome.expected_sequence = session.next_sequence;
      }
      break;
    case GroupKind::kCloseSession:
      outcome.session = group.session;
      if (!replicated.sessions.Close(group.session)) outcome.status = SessionStatus::kUnknown;
      break;
    case GroupKind::kSessionLost:
      outcome.session = group.session;
      break;
    case GroupKind::kSessionCommands:
      ExecuteCommands(group, result, &outcome);
      break;
  }
  outcome.command_count = static_cast<uint32_t>(result->commands.size()) - outcome.first_command;
  result->groups.push_back(outcome);
}

SessionStatus Exchange::State::CheckSequence(const GroupView& group, const Session& session) {
  if (group.first_sequence > session.next_sequence) return SessionStatus::kGap;
  if (group.first_sequence <= session.acknowledged()) return SessionStatus::kForgotten;
  return SessionStatus::kOk;
}

void Exchange::State::ExecuteCommands(const GroupView& group, ApplyResult* result,
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
  ByteReader reader(group.commands);
  for (uint32_t i = 0; outcome->status == SessionStatus::kOk && i < group.command_count; ++i) {
    const uint64_t sequence = group.first_sequence + i;
    if (i % OrderTable::kPrefetch == 0) Prefetch(*session, reader, group.command_count - i);
    if (result->events.size() >= kMaxBatchEvents) {
      outcome->status = SessionStatus::kBatchFull;
    } else if (sequence < session->next_sequence) {
      QB_CHECK(ReadCommand(&reader, [](const auto&) {}));
      AnswerRepeat(*session, sequence, result);
    } else if (session->results.full()) {
      outcome->status = SessionStatus::kWindowFull;
    } else {
      ExecuteNew(session, &reader, result);
    }
  }
  outcome->expected_sequence = session->next_sequence;
}

void Exchange::State::Prefetch(const Session& session, ByteReader ahead, uint32_t left) const {
  std::array<OrderName, OrderTable::kPrefetch> names;
  const size_t count = std::min<size_t>(left, names.size());
  if (count == 1) return;  // nothing to overlap with
  for (size_t i = 0; i < count; ++i) {
    QB_CHECK(ReadCommand(
        &ahead, [&](const auto& command) { names[i] = NameOf(session.account, command); }));
  }
  replicated.market.orders().Prefetch(std::span(names).first(count));
}

void Exchange::State::ExecuteNew(Session* session, ByteReader* reader, ApplyResult* result) {
  const size_t first = result->events.size();
  const CommandContext context{
      .account = session->account, .time = replicated.time, .events = &result->events};
  QB_CHECK(ReadCommand(reader,
                       [&](const auto& command) { replicated.market.Execute(context, command); }));
  const auto events = std::span<const Event>(result->events).subspan(first);
  replicated.market.AddToHash(replicated.sessions.Append(session, events));
  result->commands.push_back({.sequence = session->next_sequence++,
                              .first_event = static_cast<uint32_t>(first),
                              .event_count = static_cast<uint32_t>(events.size()),
                              .repeated = false});
}

Exchange::Exchange() : state_(std::make_unique<State>()) {}
Exchange::~Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;

absl::Status Exchange::Apply(std::string_view batch, ApplyResult* result) {
  result->Clear();
  if (absl::Status status = ReadBatch(batch, &state_->batch); !status.ok()) return status;
  Time& time = state_->replicated.time;
  time = std::max(time, state_->batch.time);
  result->time = time;
  for (const GroupView& group : state_->batch.groups) state_->Execute(group, result);
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

std::string Exchange::Snapshot() const { return WriteSnapshot(state_->replicated); }

absl::StatusOr<Exchange> Exchange::Restore(std::string_view snapshot) {
  Exchange exchange;
  absl::Status status = ReadSnapshot(snapshot, &exchange.state_->replicated);
  if (!status.ok()) return status;
  return exchange;
}

Digest Exchange::StateDigest() const { return Digest128(Snapshot()); }
Digest Exchange::MarketDigest() const { return DigestOf(state_->replicated.market); }

}  // namespace quorumbook::exchange
