#include "tests/sim/model.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <variant>

#include "common/check.h"

namespace quorumbook::sim {
namespace {

using exchange::Event;
using exchange::EventType;
using exchange::Reason;
using exchange::SessionStatus;

// The fields that simulated clients rely on.
bool SameEvent(const Event& a, const Event& b) {
  return a.sequence == b.sequence && a.type == b.type && a.command == b.command &&
         a.reason == b.reason && a.symbol == b.symbol && a.account == b.account &&
         a.order_id == b.order_id && a.client_order_id == b.client_order_id && a.price == b.price &&
         a.quantity == b.quantity && a.leaves == b.leaves && a.executed == b.executed &&
         a.trade_id == b.trade_id && a.maker_order_id == b.maker_order_id &&
         a.maker_leaves == b.maker_leaves;
}

std::string ToString(const Event& event) {
  return absl::StrCat("event ", event.sequence, " type ", static_cast<int>(event.type), " reason ",
                      static_cast<int>(event.reason), " order ", event.order_id.value(), " client ",
                      event.client_order_id.value(), " price ", event.price, " quantity ",
                      event.quantity, " leaves ", event.leaves, " executed ", event.executed,
                      " trade ", event.trade_id);
}

std::string ToString(const exchange::GroupResult& group) {
  return absl::StrCat("status ", static_cast<int>(group.status), " session ", group.session.value(),
                      " expecting ", group.expected_sequence, " with ", group.command_count,
                      " commands");
}

}  // namespace

std::optional<std::string> Model::Execute(const exchange::Batch& batch,
                                          const exchange::ApplyResult& result) {
  if (result.groups.size() != batch.groups.size()) return "groups are missing in the result";
  for (size_t i = 0; i < batch.groups.size(); ++i) {
    Outcome wanted;
    std::visit(
        [&](const auto& group) {
          if constexpr (requires { Run(group, &wanted); }) {
            Run(group, &wanted);
          } else {
            QB_CHECK(false && "simulated clients do not send this");
          }
        },
        batch.groups[i]);
    const exchange::GroupResult& got = result.groups[i];
    wanted.group.command_count = static_cast<uint32_t>(wanted.commands.size());
    if (wanted.group.status != got.status || wanted.group.session != got.session ||
        wanted.group.expected_sequence != got.expected_sequence ||
        wanted.group.command_count != got.command_count) {
      return absl::StrCat("a group has ", ToString(got), ", expected ", ToString(wanted.group));
    }
    for (size_t j = 0; j < wanted.commands.size(); ++j) {
      const exchange::CommandResult& want = wanted.commands[j];
      const exchange::CommandResult& have = result.commands[got.first_command + j];
      if (want.sequence != have.sequence || want.repeated != have.repeated ||
          want.event_count != have.event_count) {
        return absl::StrCat("command ", have.sequence, " of session ", got.session.value(),
                            have.repeated ? " is repeated" : " is executed", " with ",
                            have.event_count, " events; expected ", want.sequence,
                            want.repeated ? " repeated" : " executed", " with ", want.event_count);
      }
      for (size_t k = 0; k < want.event_count; ++k) {
        const Event& expected = wanted.events[want.first_event + k];
        const Event& event = result.events[have.first_event + k];
        if (!SameEvent(expected, event)) {
          return absl::StrCat(ToString(event), "; expected ", ToString(expected));
        }
      }
    }
  }
  return std::nullopt;
}

void Model::Run(const exchange::OpenSession& group, Outcome* outcome) {
  outcome->group.session = exchange::SessionId(++last_session_);
  outcome->group.expected_sequence = 1;
  sessions_[last_session_].account = group.account;
}

void Model::Run(const exchange::CloseSession& group, Outcome* outcome) {
  outcome->group.session = group.session;
  if (sessions_.erase(group.session.value()) == 0) outcome->group.status = SessionStatus::kUnknown;
}

void Model::Run(const exchange::SessionCommands& group, Outcome* outcome) {
  outcome->group.session = group.session;
  const auto found = sessions_.find(group.session.value());
  if (found == sessions_.end()) {
    outcome->group.status = SessionStatus::kUnknown;
    return;
  }
  Session& session = found->second;
  session.acknowledged =
      std::max(session.acknowledged, std::min(group.acknowledged, session.next - 1));
  session.results.erase(session.results.begin(), session.results.upper_bound(session.acknowledged));
  if (group.first_sequence > session.next) {
    outcome->group.status = SessionStatus::kGap;
  } else if (group.first_sequence <= session.acknowledged) {
    outcome->group.status = SessionStatus::kForgotten;
  }
  uint64_t sequence = group.first_sequence;
  for (const exchange::Command& command : group.commands) {
    if (outcome->group.status != SessionStatus::kOk) break;
    const bool repeated = sequence < session.next;
    if (!repeated) {
      account_ = session.account;
      events_.clear();
      std::visit(
          [this](const auto& one) {
            if constexpr (requires { Run(one); }) {
              Run(one);
            } else {
              QB_CHECK(false && "simulated clients do not send this");
            }
          },
          command);
      session.results[sequence] = events_;
      ++session.next;
    }
    const std::vector<Event>& events = session.results[sequence];
    outcome->commands.push_back({.sequence = sequence,
                                 .first_event = static_cast<uint32_t>(outcome->events.size()),
                                 .event_count = static_cast<uint32_t>(events.size()),
                                 .repeated = repeated});
    outcome->events.insert(outcome->events.end(), events.begin(), events.end());
    ++sequence;
  }
  outcome->group.expected_sequence = session.next;
}

Event& Model::Emit(EventType type) {
  Event& event = events_.emplace_back();
  event.sequence = ++last_sequence_;
  event.type = type;
  event.command = kind_;
  event.account = account_;
  return event;
}

Event& Model::EmitOrder(EventType type, const Order& order, exchange::Quantity quantity) {
  Event& event = Emit(type);
  event.symbol = order.symbol;
  event.order_id = order.id;
  event.client_order_id = order.client_order_id;
  event.price = order.price;
  event.quantity = quantity;
  event.leaves = order.leaves();
  event.executed = order.executed;
  return event;
}

void Model::Run(const exchange::AddSymbol& command) {
  kind_ = exchange::CommandKind::kAddSymbol;
  auto place = std::find(symbols_.begin(), symbols_.end(), command.name);
  if (place == symbols_.end()) {
    place = symbols_.insert(symbols_.end(), command.name);
    markets_.emplace_back();
  }
  Emit(EventType::kSymbolAdded).symbol =
      exchange::SymbolId(static_cast<uint32_t>(place - symbols_.begin()) + 1);
}

void Model::Run(const exchange::NewOrder& command) {
  kind_ = exchange::CommandKind::kNewOrder;
  const bool known = command.symbol.value() >= 1 && command.symbol.value() <= markets_.size();
  const Name name{uint64_t{command.symbol.value()} << 32 | account_.value(),
                  command.client_order_id.value()};
  Reason reason = known ? Reason::kNone : Reason::kUnknownSymbol;
  const auto taken = by_name_.find(name);
  if (known && taken != by_name_.end() && !taken->second->finished) {
    reason = Reason::kDuplicateClientOrderId;
  }
  if (reason != Reason::kNone) {
    Event& event = Emit(EventType::kCommandRejected);
    event.reason = reason;
    event.symbol = command.symbol;
    event.client_order_id = command.client_order_id;
    event.price = command.price;
    event.quantity = command.quantity;
    return;
  }
  Market& market = markets_[command.symbol.value() - 1];
  Order& order = orders_.emplace_back(Order{.id = exchange::OrderId(++last_order_id_),
                                            .account = account_,
                                            .symbol = command.symbol,
                                            .client_order_id = command.client_order_id,
                                            .side = command.side,
                                            .price = command.price,
                                            .quantity = command.quantity});
  by_name_[name] = &order;
  EmitOrder(EventType::kOrderAccepted, order, order.quantity);
  Match(&market, &order);
  if (order.executed == order.quantity) {
    order.finished = true;
  } else if (command.time_in_force == exchange::TimeInForce::kGoodTillCancel) {
    auto& side = order.side == exchange::Side::kBuy ? market.bids : market.asks;
    side[order.price].push_back(&order);
  } else {
    Cancel(&order, Reason::kUnfilledRemainder);
  }
}

void Model::Match(Market* market, Order* taker) {
  const bool buys = taker->side == exchange::Side::kBuy;
  auto& makers = buys ? market->asks : market->bids;
  while (taker->executed < taker->quantity && !makers.empty()) {
    const auto best = buys ? makers.begin() : std::prev(makers.end());
    if (buys ? best->first > taker->price : best->first < taker->price) return;
    Order& maker = *best->second.front();
    const exchange::Quantity quantity =
        std::min(taker->quantity - taker->executed, maker.quantity - maker.executed);
    taker->executed += quantity;
    maker.executed += quantity;
    maker.finished = maker.executed == maker.quantity;
    if (maker.finished) best->second.pop_front();
    if (best->second.empty()) makers.erase(best);
    Event& event = EmitOrder(EventType::kTrade, *taker, quantity);
    event.price = maker.price;
    event.trade_id = ++market->trades;
    event.maker_order_id = maker.id;
    event.maker_leaves = maker.leaves();
  }
}

void Model::Leave(const Order& order) {
  Market& market = markets_[order.symbol.value() - 1];
  auto& side = order.side == exchange::Side::kBuy ? market.bids : market.asks;
  const auto level = side.find(order.price);
  std::erase_if(level->second, [&](const Order* resting) { return resting == &order; });
  if (level->second.empty()) side.erase(level);
}

void Model::Cancel(Order* order, Reason reason) {
  const exchange::Quantity canceled = order->leaves();
  order->finished = true;
  EmitOrder(EventType::kOrderCanceled, *order, canceled).reason = reason;
}

Model::Order* Model::Open(exchange::SymbolId symbol, exchange::ClientOrderId id,
                          exchange::Quantity quantity) {
  Reason reason = Reason::kNone;
  const auto found = by_name_.find({uint64_t{symbol.value()} << 32 | account_.value(), id.value()});
  if (symbol.value() < 1 || symbol.value() > markets_.size()) {
    reason = Reason::kUnknownSymbol;
  } else if (found == by_name_.end()) {
    reason = Reason::kUnknownOrder;
  } else if (found->second->finished) {
    reason = Reason::kOrderFinished;
  } else {
    return found->second;
  }
  Event& event = Emit(EventType::kCommandRejected);
  event.reason = reason;
  event.symbol = symbol;
  event.client_order_id = id;
  event.quantity = quantity;
  return nullptr;
}

void Model::Run(const exchange::CancelOrder& command) {
  kind_ = exchange::CommandKind::kCancelOrder;
  Order* const order = Open(command.symbol, command.client_order_id, 0);
  if (order == nullptr) return;
  Leave(*order);
  Cancel(order, Reason::kRequested);
}

void Model::Run(const exchange::ReduceOrder& command) {
  kind_ = exchange::CommandKind::kReduceOrder;
  Order* const order = Open(command.symbol, command.client_order_id, command.quantity);
  if (order == nullptr) return;
  if (command.quantity >= order->leaves()) {
    Leave(*order);
    return Cancel(order, Reason::kRequested);
  }
  order->quantity -= command.quantity;
  EmitOrder(EventType::kOrderReduced, *order, command.quantity);
}

}  // namespace quorumbook::sim
