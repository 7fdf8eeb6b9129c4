#include "tests/unit/client/replay/exchange_market.h"

#include <utility>

#include "common/check.h"

namespace quorumbook::replay {

namespace {

constexpr exchange::SessionId kSession(1);  // the first that an exchange opens

exchange::NewOrder ToNewOrder(const v1::NewOrder& order, exchange::SymbolId symbol) {
  return {.symbol = symbol,
          .client_order_id = exchange::ClientOrderId(order.client_order_id()),
          .side = static_cast<exchange::Side>(order.side()),
          .type = static_cast<exchange::OrderType>(order.type()),
          .time_in_force = static_cast<exchange::TimeInForce>(order.time_in_force()),
          .price = order.price(),
          .quantity = order.quantity()};
}

// `market` is the id of the one symbol that there is.
exchange::Command ToCommand(const v1::Command& command, exchange::SymbolId market) {
  using exchange::ClientOrderId;
  const auto id_of = [market](const std::string& symbol) {
    return symbol == ExchangeMarket::kSymbol ? market : exchange::SymbolId();
  };
  if (command.has_new_order()) {
    return ToNewOrder(command.new_order(), id_of(command.new_order().symbol()));
  }
  if (command.has_cancel_order()) {
    return exchange::CancelOrder{id_of(command.cancel_order().symbol()),
                                 ClientOrderId(command.cancel_order().client_order_id())};
  }
  if (command.has_reduce_order()) {
    return exchange::ReduceOrder{id_of(command.reduce_order().symbol()),
                                 ClientOrderId(command.reduce_order().client_order_id()),
                                 command.reduce_order().quantity()};
  }
  QB_CHECK(command.has_replace_order());
  return exchange::ReplaceOrder{id_of(command.replace_order().symbol()),
                                ClientOrderId(command.replace_order().client_order_id()),
                                command.replace_order().price(),
                                command.replace_order().quantity()};
}

v1::ExecutionReport::ExecType ToExecType(exchange::EventType type) {
  switch (type) {
    case exchange::EventType::kSymbolAdded:
      return v1::ExecutionReport::SYMBOL_ADDED;
    case exchange::EventType::kOrderAccepted:
      return v1::ExecutionReport::NEW;
    case exchange::EventType::kTrade:
      return v1::ExecutionReport::TRADE;
    case exchange::EventType::kOrderCanceled:
      return v1::ExecutionReport::CANCELED;
    case exchange::EventType::kOrderReduced:
    case exchange::EventType::kOrderReplaced:
      return v1::ExecutionReport::REPLACED;
    case exchange::EventType::kCommandRejected:
      return v1::ExecutionReport::REJECTED;
    default:  // of what replays do not send
      break;
  }
  return v1::ExecutionReport::EXEC_TYPE_UNSPECIFIED;
}

void ToReport(const exchange::Event& event, v1::ExecutionReport* report) {
  report->set_event_sequence(event.sequence);
  report->set_exec_type(ToExecType(event.type));
  report->set_reason(static_cast<v1::Reason>(event.reason));
  report->set_client_order_id(event.client_order_id.value());
  report->set_side(static_cast<v1::Side>(event.side));
  report->set_quantity(event.quantity);
  report->set_leaves_quantity(event.leaves);
  report->set_cumulative_quantity(event.executed);
  if (event.type == exchange::EventType::kTrade) {
    report->set_last_price(event.price);
    report->set_last_quantity(event.quantity);
    report->set_contra_client_order_id(event.maker_client_order_id.value());
  } else {
    report->set_price(event.price);
  }
}

}  // namespace

ExchangeMarket::ExchangeMarket() {
  exchange::Batch open;
  open.groups.push_back(exchange::OpenSession{exchange::AccountId(1)});
  exchange_.Apply(open, &result_);
  QB_CHECK(result_.groups.at(0).session == kSession);
  Run(exchange::AddSymbol{kSymbol, {1, -2}, {1, 0}});
  symbol_ = exchange_.FindSymbol(kSymbol)->id;
}

void ExchangeMarket::Run(exchange::Command command) {
  exchange::Batch batch;
  batch.groups.push_back(exchange::SessionCommands{.session = kSession,
                                                   .first_sequence = sequence_ + 1,
                                                   .acknowledged = sequence_,
                                                   .commands = {std::move(command)}});
  ++sequence_;
  exchange_.Apply(batch, &result_);
  QB_CHECK(result_.groups.at(0).status == exchange::SessionStatus::kOk);
}

v1::CommandResult ExchangeMarket::Execute(const v1::Command& command) {
  Run(ToCommand(command, symbol_));
  v1::CommandResult result;
  for (const exchange::Event& event : result_.events) ToReport(event, result.add_reports());
  return result;
}

}  // namespace quorumbook::replay
