// Work on many orders: mass cancels, disconnections, delistings, expiry; and what goes on from one
// batch to the next.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "exchange/market.h"

namespace quorumbook::exchange {

void Market::BeginBatch(const CommandContext& context) {
  Begin(context, CommandKind::kNone);
  BeginStep();
  while (!by_expiry_.empty() && by_expiry_.begin()->first.first <= context.time && !Exhausted()) {
    CancelOpen(by_expiry_.begin()->second, Reason::kExpired);
  }
  if (has_work()) Work(context);
}

void Market::Work(const CommandContext& context) {
  Begin(context, CommandKind::kNone);
  const size_t start = task_.events->size();
  // Jobs leave something for others, and take turns: none holds up all the rest. Once enough was
  // counted they wait for the next batch: no command of this one is to ask each of them in vain.
  step_end_ = start + (awake_.empty() ? kMaxStepEvents : kMaxStepEvents / 2);
  for (size_t turns = jobs_.size(); turns > 0 && !Exhausted() && !counted_enough(); --turns) {
    Job job = jobs_.front();
    jobs_.pop_front();
    task_.kind = job.command;
    if (!Step(&job)) jobs_.push_back(job);
  }
  task_.kind = CommandKind::kNone;
  step_end_ = start + kMaxStepEvents;
  if (!awake_.empty()) RunAwake();
}

std::optional<Time> Market::NextDeadline(Time now) const {
  if (has_work()) return now;
  if (by_expiry_.empty()) return std::nullopt;
  return std::max(now, by_expiry_.begin()->first.first);
}

bool Market::Start(Job job) {
  BeginStep();
  if (Step(&job)) return true;
  Postpone(job);
  return false;
}

void Market::Postpone(const Job& job) {
  const auto same = std::ranges::find_if(jobs_, [&](const Job& other) {
    return other.kind == job.kind && other.command == job.command && other.account == job.account &&
           other.symbol == job.symbol && other.side == job.side;
  });
  if (same == jobs_.end()) {
    jobs_.push_back(job);
  } else {
    same->up_to = std::max(same->up_to, job.up_to);
    same->from = SymbolId();
  }
}

bool Market::Step(Job* job) {
  switch (job->kind) {
    case JobKind::kCancelAccount:
      return StepCancelAccount(job);
    case JobKind::kCancelSymbol:
      return StepCancelSymbol(*job);
    case JobKind::kSettlePhase:
      return StepSettlePhase(job);
  }
  return true;
}

// The first of each list are cancelled until one is too new, as those after it are. So lists are
// passed in vain, which is counted, only where all orders came after the last one that is to go.
bool Market::StepCancelAccount(Job* progress) {
  const Job& job = *progress;
  AccountOrders::Key from{job.account, std::max(job.symbol, job.from), job.side};
  while (const AccountOrders::List* const list = account_orders_.ListFrom(from)) {
    from = list->key;
    if (job.symbol != SymbolId() && from.symbol != job.symbol) break;
    if (job.side != Side{} && from.side != job.side) break;
    if (memory_.orders[list->first].id > job.up_to) {
      progress->from = from.symbol;
      if (++counted_ >= kMaxBatchCounts) return false;
      from = AccountOrders::After(from);
    } else if (Exhausted()) {
      return false;
    } else {
      CancelOpen(list->first, job.reason);
    }
  }
  return true;
}

bool Market::StepCancelSymbol(const Job& job) {
  Symbol& symbol = *symbols_.Find(job.symbol);
  for (const BookSide* side : {&symbol.bids(), &symbol.asks()}) {
    while (!side->empty()) {
      if (Exhausted()) return false;
      CancelOpen(side->best().first, job.reason);
    }
  }
  while (!symbol.parked.empty()) {
    if (Exhausted()) return false;
    OrderHandle first = kNullHandle;
    symbol.parked.ForEach([&](OrderHandle handle) {
      first = handle;
      return false;
    });
    CancelOpen(first, job.reason);
  }
  symbol.info.busy = false;
  symbol.Refresh();
  return true;
}

void Market::Execute(const CommandContext& context, const MassCancel& command) {
  Begin(context, CommandKind::kMassCancel);
  const Symbol* const symbol = symbols_.Find(command.symbol);
  if (command.symbol != SymbolId() && symbol == nullptr) {
    return Reject(Reason::kUnknownSymbol, command.symbol);
  }
  if (command.symbol == SymbolId() && command.side != Side{}) {
    return Reject(Reason::kInvalidSelection, command.symbol);
  }
  const AccountId account = command.account == AccountId() ? context.account : command.account;
  const size_t before = context.events->size();
  const bool all = Start({.kind = JobKind::kCancelAccount,
                          .command = CommandKind::kMassCancel,
                          .reason = Reason::kMassCanceled,
                          .side = command.side,
                          .symbol = command.symbol,
                          .account = account,
                          .up_to = OrderId(counters_.last_order_id)});
  Event& event = Emit(EventType::kMassCanceled);
  event.account = account;
  event.symbol = command.symbol;
  event.side = command.side;
  event.quantity = static_cast<Quantity>(context.events->size() - 1 - before);
  event.leaves = all ? 0 : 1;
}

void Market::Disconnect(const CommandContext& context, AccountId account, OrderId up_to,
                        bool later) {
  Begin(context, CommandKind::kNone);
  const Job job{.kind = JobKind::kCancelAccount,
                .command = CommandKind::kNone,
                .reason = Reason::kDisconnected,
                .account = account,
                .up_to = up_to};
  if (later) {
    Postpone(job);
  } else {
    Start(job);
  }
}

}  // namespace quorumbook::exchange
