#include "server/report_codec.h"

#include <string>
#include <utility>

namespace quorumbook::server {
namespace {

using exchange::CommandKind;
using exchange::Event;
using exchange::EventType;
using exchange::Reason;
using v1::ExecutionReport;

template <typename A, typename B>
constexpr bool Equal(A a, B b) {
  return static_cast<int>(a) == static_cast<int>(b);
}
static_assert(Equal(v1::ORDER_REJECTED, exchange::OrderStatus::kRejected));
static_assert(Equal(v1::INVALID_SELECTION, Reason::kInvalidSelection));
static_assert(Equal(v1::PROTECTION_REACHED, Reason::kProtectionReached));
static_assert(Equal(v1::UNKNOWN_ASSET, Reason::kUnknownAsset));
static_assert(Equal(v1::POSITION_LIMIT, Reason::kPositionLimit));
static_assert(Equal(v1::TOO_MANY_STOPS, Reason::kTooManyStops));
static_assert(Equal(v1::Reason_MAX, exchange::kLastReason));

bool IsExpiry(Reason reason) { return reason == Reason::kExpired || reason == Reason::kDayOver; }

ExecutionReport::ExecType ExecTypeOf(const Event& event) {
  switch (event.type) {
    case EventType::kSymbolAdded:
      return ExecutionReport::SYMBOL_ADDED;
    case EventType::kOrderAccepted:
    case EventType::kOrderParked:
      return ExecutionReport::NEW;
    case EventType::kTrade:
      return ExecutionReport::TRADE;
    case EventType::kOrderCanceled:
      return IsExpiry(event.reason) ? ExecutionReport::EXPIRED : ExecutionReport::CANCELED;
    case EventType::kOrderReduced:
      // By its owner; or, unasked for, by what self-trade prevention took off it.
      return event.reason == Reason::kNone ? ExecutionReport::REPLACED : ExecutionReport::RESTATED;
    case EventType::kOrderReplaced:
      return ExecutionReport::REPLACED;
    case EventType::kCommandRejected:
      return ExecutionReport::REJECTED;
    case EventType::kOrderTriggered:
      return ExecutionReport::TRIGGERED;
    case EventType::kOrderDisplayed:
      return ExecutionReport::RESTATED;
    case EventType::kMassCanceled:
      return ExecutionReport::MASS_CANCELED;
    case EventType::kPhaseChanged:
      return ExecutionReport::PHASE_CHANGED;
    case EventType::kUncrossed:
      return ExecutionReport::UNCROSSED;
    case EventType::kRulesChanged:
      return ExecutionReport::RULES_CHANGED;
    case EventType::kSymbolDelisted:
      return ExecutionReport::SYMBOL_DELISTED;
    case EventType::kAssetAdded:
      return ExecutionReport::ASSET_ADDED;
    case EventType::kBalanceChanged:
      return ExecutionReport::BALANCE_CHANGED;
    case EventType::kAccountChanged:
      return ExecutionReport::ACCOUNT_CHANGED;
  }
  return ExecutionReport::EXEC_TYPE_UNSPECIFIED;
}

v1::OrderStatus OpenStatus(const Event& event) {
  return event.executed == 0 ? v1::ORDER_NEW : v1::PARTIALLY_FILLED;
}

v1::OrderStatus StatusAfter(const Event& event) {
  switch (event.type) {
    case EventType::kOrderAccepted:
    case EventType::kOrderParked:
    case EventType::kOrderTriggered:
    case EventType::kOrderDisplayed:
    case EventType::kOrderReduced:
    case EventType::kOrderReplaced:
      return OpenStatus(event);
    case EventType::kTrade:
      return event.leaves == 0 ? v1::FILLED : v1::PARTIALLY_FILLED;
    case EventType::kOrderCanceled:
      return IsExpiry(event.reason) ? v1::ORDER_EXPIRED : v1::ORDER_CANCELED;
    case EventType::kCommandRejected:
      // Of a refused cancel or replace the order, if there is one, stands as it was.
      return event.command == CommandKind::kNewOrder || event.command == CommandKind::kSpecialOrder
                 ? v1::ORDER_REJECTED
                 : v1::ORDER_STATUS_UNSPECIFIED;
    default:
      return v1::ORDER_STATUS_UNSPECIFIED;
  }
}

void FillTrade(const Event& event, ExecutionReport* report) {
  report->set_last_price(event.price);
  report->set_last_quantity(event.quantity);
  report->set_trade_id(event.trade_id);
  report->set_fee(event.fee);
  report->set_contra_order_id(event.maker_order_id.value());
  if (event.maker_account != event.account) return;
  report->set_contra_client_order_id(event.maker_client_order_id.value());
  report->set_contra_leaves_quantity(event.maker_leaves);
  report->set_contra_fee(event.maker_fee);
}

// Fields that have their own meaning in events of this type.
void FillByType(const Event& event, ExecutionReport* report) {
  switch (event.type) {
    case EventType::kTrade:
      return FillTrade(event, report);
    case EventType::kOrderAccepted:
    case EventType::kOrderTriggered:
      report->set_working(true);
      break;
    case EventType::kOrderParked:
      report->set_trigger_price(event.trigger_price());
      break;
    case EventType::kOrderReduced:  // the new total, as a replace has it
      report->set_price(event.price);
      report->set_quantity(event.leaves + event.executed);
      return;
    case EventType::kPhaseChanged:
      report->set_phase(static_cast<v1::Phase>(event.phase()));
      report->set_price(event.price);
      return;
    case EventType::kAssetAdded:
    case EventType::kBalanceChanged:
      report->clear_symbol_id();
      report->set_asset_id(event.asset().value());
      break;
    default:
      break;
  }
  report->set_price(event.price);
  report->set_quantity(event.quantity);
}

}  // namespace

void ToProto(const Event& event, ExecutionReport* report) {
  report->Clear();
  report->set_event_sequence(event.sequence);
  report->set_exec_type(ExecTypeOf(event));
  report->set_order_status(StatusAfter(event));
  report->set_reason(static_cast<v1::Reason>(event.reason));
  report->set_symbol_id(event.symbol.value());
  report->set_account(event.account.value());
  report->set_order_id(event.order_id.value());
  report->set_client_order_id(event.client_order_id.value());
  report->set_side(static_cast<v1::Side>(event.side));
  report->set_leaves_quantity(event.leaves);
  report->set_cumulative_quantity(event.executed);
  FillByType(event, report);
}

void ToMakerProto(const Event& trade, ExecutionReport* report) {
  Event mirrored = trade;
  mirrored.side = trade.side == exchange::Side::kBuy ? exchange::Side::kSell : exchange::Side::kBuy;
  std::swap(mirrored.account, mirrored.maker_account);
  std::swap(mirrored.order_id, mirrored.maker_order_id);
  std::swap(mirrored.client_order_id, mirrored.maker_client_order_id);
  std::swap(mirrored.leaves, mirrored.maker_leaves);
  std::swap(mirrored.executed, mirrored.maker_executed);
  std::swap(mirrored.fee, mirrored.maker_fee);
  ToProto(mirrored, report);
}

void ToProto(const exchange::OrderInfo& order, std::string_view symbol, v1::Order* out) {
  out->set_order_id(order.id.value());
  out->set_client_order_id(order.client_order_id.value());
  out->set_account(order.account.value());
  out->set_symbol(std::string(symbol));
  out->set_side(static_cast<v1::Side>(order.side));
  out->set_type(static_cast<v1::OrderType>(order.type));
  out->set_time_in_force(static_cast<v1::TimeInForce>(order.time_in_force));
  out->set_status(IsExpiry(order.reason) ? v1::ORDER_EXPIRED
                                         : static_cast<v1::OrderStatus>(order.status));
  out->set_reason(static_cast<v1::Reason>(order.reason));
  out->set_price(order.price);
  out->set_quantity(order.quantity);
  out->set_leaves_quantity(order.leaves);
  out->set_cumulative_quantity(order.executed);
  out->set_entered_ns(order.entered);
  out->set_changed_ns(order.changed);
  out->set_self_trade_prevention(static_cast<v1::SelfTradePrevention>(order.self_trade));
  out->set_post_only(order.post_only);
  out->set_stop_price(order.terms.stop_price);
  out->set_trail(order.terms.trail);
  out->set_display_quantity(order.terms.display);
  out->set_minimum_quantity(order.terms.minimum);
  out->set_protection(order.terms.protection);
  out->set_expires_ns(order.terms.expires);
  out->set_all_or_none(order.terms.all_or_none);
  out->set_working(order.leaves > 0 && !order.parked);
  out->set_displayed_quantity(order.displayed);
}

void ToProto(const exchange::AssetInfo& asset, v1::Asset* out) {
  out->set_id(asset.id.value());
  out->set_name(asset.name);
  out->set_exponent(asset.exponent);
  out->set_deposited(asset.deposited);
  out->set_fees(asset.fees);
}

void ToProto(const exchange::AccountInfo& account, const exchange::Exchange& exchange,
             v1::Account* out) {
  out->set_id(account.id.value());
  v1::AccountLimits* limits = out->mutable_limits();
  limits->set_max_order_quantity(account.limits.max_order_quantity);
  limits->set_max_notional(account.limits.max_notional);
  limits->set_max_open_orders(account.limits.max_open_orders);
  out->set_kill_switch(account.blocked);
  out->set_open_orders(account.open_orders);
  for (const exchange::BalanceInfo& balance : account.balances) {
    v1::Balance* item = out->add_balances();
    const exchange::AssetInfo* asset = exchange.FindAsset(balance.asset);
    item->mutable_asset()->set_id(balance.asset.value());
    if (asset != nullptr) {
      item->mutable_asset()->set_name(asset->name);
      item->mutable_asset()->set_exponent(asset->exponent);
    }
    item->set_free(balance.free);
    item->set_held(balance.held);
    item->set_position_limit(balance.position_limit);
  }
}

}  // namespace quorumbook::server
