#include "client/replay/lobster_planner.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace quorumbook::replay {

namespace {

v1::Command TakeCommand(const std::string& symbol, const ShadowBook::Taken& taken) {
  v1::Command command;
  if (taken.whole) {
    command.mutable_cancel_order()->set_symbol(symbol);
    command.mutable_cancel_order()->set_client_order_id(taken.id);
  } else {
    command.mutable_reduce_order()->set_symbol(symbol);
    command.mutable_reduce_order()->set_client_order_id(taken.id);
    command.mutable_reduce_order()->set_quantity(taken.quantity);
  }
  return command;
}

}  // namespace

LobsterPlanner::LobsterPlanner(std::string symbol, Emit emit)
    : symbol_(std::move(symbol)), emit_(std::move(emit)) {}

absl::Status LobsterPlanner::Add(const LobsterStep& step) {
  const LobsterMessage& message = step.message;
  CountMessage(message);
  if (row_ == nullptr) {  // row 0 is the book after message 0, which is thereby in it
    row_ = step.row;
    return AlignBothSides(*step.row);
  }
  const bool continues = ContinuesGroup(message);
  if (message.type == LobsterType::kHiddenExecution) {
    return continues ? absl::OkStatus() : FlushGroup();
  }
  if (continues) {
    group_.push_back(step);
    return absl::OkStatus();
  }
  if (absl::Status status = FlushGroup(); !status.ok()) return status;
  if (message.type == LobsterType::kVisibleExecution) {
    group_.push_back(step);
    return absl::OkStatus();
  }
  return message.visible() ? PlanMessage(step) : absl::OkStatus();
}

void LobsterPlanner::CountMessage(const LobsterMessage& message) {
  ++counts_.messages;
  if (message.type == LobsterType::kHiddenExecution) ++counts_.hidden_executions;
  if (message.type == LobsterType::kCross) ++counts_.skipped_crosses;
  if (message.type == LobsterType::kHalt) ++counts_.skipped_halts;
}

absl::Status LobsterPlanner::Finish() { return FlushGroup(); }

absl::Status LobsterPlanner::PlanMessage(const LobsterStep& step) {
  std::vector<v1::Command> commands = step.message.type == LobsterType::kNew
                                          ? NewOrderCommands(step.message)
                                          : CancelCommands(step.message);
  PlannedStep last;
  last.checks.push_back({step.line, 0, row_, step.row});
  if (!commands.empty()) {
    last.command = std::move(commands.back());
    commands.pop_back();
  }
  for (v1::Command& command : commands) {
    if (absl::Status status = EmitCommand(std::move(command)); !status.ok()) return status;
  }
  if (absl::Status status = emit_(std::move(last)); !status.ok()) return status;
  row_ = step.row;
  return AlignBothSides(*step.row);
}

std::vector<v1::Command> LobsterPlanner::NewOrderCommands(const LobsterMessage& message) {
  ShadowBook::Order order{message.order_id, message.quantity, false};
  if (book_.IsOpen(order.id)) order = {next_synthetic_id_++, message.quantity, true};
  Place(message.side, order, message.price);
  return {MakeOrder(message.side, v1::GOOD_TILL_CANCEL, order.id, message.price, order.quantity)};
}

std::vector<v1::Command> LobsterPlanner::CancelCommands(const LobsterMessage& message) {
  std::vector<v1::Command> commands;
  int64_t missing = message.quantity;
  if (book_.IsOpen(message.order_id)) {
    const ShadowBook::Taken taken = book_.Take(message.order_id, missing);
    missing -= taken.quantity;
    commands.push_back(TakeCommand(symbol_, taken));
  } else {
    ++counts_.unknown_orders;
  }
  for (const auto& taken : book_.TakeAtPrice(message.side, message.price, missing)) {
    commands.push_back(TakeCommand(symbol_, taken));
  }
  return commands;
}

bool LobsterPlanner::ContinuesGroup(const LobsterMessage& message) const {
  if (group_.empty()) return false;
  const LobsterMessage& first = group_.front().message;
  return (message.type == LobsterType::kVisibleExecution ||
          message.type == LobsterType::kHiddenExecution) &&
         message.time_ns == first.time_ns && message.side == first.side;
}

absl::Status LobsterPlanner::FlushGroup() {
  if (group_.empty()) return absl::OkStatus();
  if (absl::Status status = PrepareSweep(); !status.ok()) return status;

  PlannedStep step;
  step.group = Recorded();
  int64_t quantity = 0;
  for (const LobsterStep& execution : group_) {
    const LobsterMessage& message = execution.message;
    quantity += message.quantity;
    step.checks.push_back({execution.line, quantity, row_, execution.row});
    row_ = execution.row;
    if (!book_.IsOpen(message.order_id) && !filled_.contains(message.order_id)) {
      ++counts_.unknown_orders;
      step.group->unknown = true;
    }
  }
  const LobsterMessage& last = group_.back().message;
  const v1::Side incoming = OtherSide(last.side);
  step.command = MakeOrder(incoming, v1::IMMEDIATE_OR_CANCEL, next_ioc_id_++, last.price, quantity);
  for (const auto& fill : book_.Match(incoming, last.price, &quantity)) {
    step.group->synthetic |= fill.synthetic;
    if (fill.whole && !fill.synthetic) filled_.insert(fill.id);
  }
  group_.clear();
  if (absl::Status status = emit_(std::move(step)); !status.ok()) return status;
  return AlignBothSides(*row_);
}

absl::Status LobsterPlanner::PrepareSweep() {
  const v1::Side side = group_.front().message.side;
  const std::vector<BookLevel>& shown = row_->side(side);
  if (shown.size() < row_->depth) return absl::OkStatus();  // all of the side is in view already
  int64_t known = shown.empty() ? kBestRank : RankOf(side, shown.back().price);
  for (size_t i = 0; i + 1 < group_.size(); ++i) {
    auto reached = Align(side, known, *group_[i].row);
    if (!reached.ok()) return reached.status();
    known = *reached;
  }
  return absl::OkStatus();
}

IocGroup LobsterPlanner::Recorded() const {
  IocGroup group;
  group.line = group_.front().line;
  for (const LobsterStep& execution : group_) {
    const LobsterMessage& message = execution.message;
    const bool goes_on = !group.recorded.empty() &&
                         group.recorded.back().maker_id == message.order_id &&
                         group.recorded.back().price == message.price;
    if (goes_on) {
      group.recorded.back().quantity += message.quantity;
    } else {
      group.recorded.push_back({next_ioc_id_, message.order_id, message.price, message.quantity});
    }
  }
  return group;
}

absl::StatusOr<int64_t> LobsterPlanner::Align(v1::Side side, int64_t known, const BookRow& row) {
  const ShadowBook::Levels& levels = book_.levels(side);
  auto held = levels.upper_bound(known);
  // Steps over `held` first: what SetLevel does to a level may end it.
  const auto take_next = [&] {
    const std::pair<int64_t, int64_t> level{held->first, held->second.quantity};
    ++held;
    return level;
  };
  const auto clear_before = [&](int64_t rank) -> absl::Status {
    while (held != levels.end() && held->first < rank) {
      const auto [gone, quantity] = take_next();
      absl::Status status = SetLevel(side, PriceOf(side, gone), quantity, 0);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  };
  for (const BookLevel& level : row.side(side)) {
    const int64_t rank = RankOf(side, level.price);
    if (rank <= known) continue;
    known = rank;
    if (absl::Status status = clear_before(rank); !status.ok()) return status;
    const bool here = held != levels.end() && held->first == rank;
    const int64_t quantity = here ? take_next().second : 0;
    absl::Status status = SetLevel(side, level.price, quantity, level.quantity);
    if (!status.ok()) return status;
  }
  if (row.side(side).size() < row.depth) {
    known = kWorstRank;
    if (absl::Status status = clear_before(kWorstRank); !status.ok()) return status;
  }
  return known;
}

absl::Status LobsterPlanner::AlignBothSides(const BookRow& row) {
  for (v1::Side side : {v1::SELL, v1::BUY}) {
    auto known = Align(side, kBestRank, row);
    if (!known.ok()) return known.status();
  }
  return absl::OkStatus();
}

absl::Status LobsterPlanner::SetLevel(v1::Side side, int64_t price, int64_t held, int64_t shown) {
  if (held == shown) return absl::OkStatus();
  for (const auto& taken : book_.TakeAtPrice(side, price, held)) {
    ++counts_.window_removals;
    if (absl::Status status = EmitCommand(TakeCommand(symbol_, taken)); !status.ok()) return status;
  }
  if (shown == 0) return absl::OkStatus();
  const ShadowBook::Order order{next_synthetic_id_++, shown, true};
  ++counts_.synthetic_added;
  Place(side, order, price);
  return EmitCommand(MakeOrder(side, v1::GOOD_TILL_CANCEL, order.id, price, order.quantity));
}

void LobsterPlanner::Place(v1::Side side, const ShadowBook::Order& order, int64_t price) {
  ShadowBook::Order rest = order;
  for (const auto& fill : book_.Match(side, price, &rest.quantity)) {
    if (fill.whole && !fill.synthetic) filled_.insert(fill.id);
  }
  if (rest.quantity > 0) book_.Add(side, rest, price);
}

v1::Command LobsterPlanner::MakeOrder(v1::Side side, v1::TimeInForce time_in_force, uint64_t id,
                                      int64_t price, int64_t quantity) const {
  v1::Command command;
  v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol(symbol_);
  order.set_client_order_id(id);
  order.set_side(side);
  order.set_type(v1::LIMIT);
  order.set_time_in_force(time_in_force);
  order.set_price(price);
  order.set_quantity(quantity);
  return command;
}

absl::Status LobsterPlanner::EmitCommand(v1::Command command) {
  PlannedStep step;
  step.command = std::move(command);
  return emit_(std::move(step));
}

}  // namespace quorumbook::replay
