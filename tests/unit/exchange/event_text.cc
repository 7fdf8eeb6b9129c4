#include "event_text.h"

#include <sstream>

namespace quorumbook::exchange {

std::string_view ToText(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kUnknownSymbol:
      return "unknown symbol";
    case Reason::kInvalidQuantity:
      return "invalid quantity";
    case Reason::kInvalidPrice:
      return "invalid price";
    case Reason::kDuplicateClientOrderId:
      return "duplicate client order id";
    case Reason::kUnknownOrder:
      return "unknown order";
    case Reason::kOrderFinished:
      return "order finished";
    case Reason::kInvalidOrder:
      return "invalid order";
    case Reason::kSymbolExists:
      return "symbol exists";
    case Reason::kInvalidSymbol:
      return "invalid symbol";
    case Reason::kTooManySymbols:
      return "too many symbols";
    case Reason::kTooManyOrders:
      return "too many orders";
    case Reason::kInvalidClientOrderId:
      return "invalid client order id";
    case Reason::kSymbolDelisted:
      return "symbol delisted";
    case Reason::kWrongPhase:
      return "wrong phase";
    case Reason::kSymbolBusy:
      return "symbol busy";
    case Reason::kPriceOutsideBand:
      return "price outside band";
    case Reason::kNoReferencePrice:
      return "no reference price";
    case Reason::kNoProtection:
      return "no protection";
    case Reason::kWouldTrade:
      return "would trade";
    case Reason::kInvalidStopPrice:
      return "invalid stop price";
    case Reason::kStopTriggered:
      return "stop triggered";
    case Reason::kInvalidTrail:
      return "invalid trail";
    case Reason::kInvalidDisplay:
      return "invalid display";
    case Reason::kInvalidMinimum:
      return "invalid minimum";
    case Reason::kInvalidExpiry:
      return "invalid expiry";
    case Reason::kExpiryPassed:
      return "expiry passed";
    case Reason::kTooManyTrailingStops:
      return "too many trailing stops";
    case Reason::kTooManyAllOrNone:
      return "too many all or none";
    case Reason::kInvalidRules:
      return "invalid rules";
    case Reason::kPhaseUnchanged:
      return "phase unchanged";
    case Reason::kInvalidSelection:
      return "invalid selection";
    case Reason::kRequested:
      return "requested";
    case Reason::kUnfilledRemainder:
      return "unfilled remainder";
    case Reason::kNotFillable:
      return "not fillable";
    case Reason::kFillLimit:
      return "fill limit";
    case Reason::kReplacedBelowExecuted:
      return "replaced below executed";
    case Reason::kExpired:
      return "expired";
    case Reason::kDayOver:
      return "day over";
    case Reason::kSelfTradePrevented:
      return "self trade prevented";
    case Reason::kMinimumNotMet:
      return "minimum not met";
    case Reason::kMassCanceled:
      return "mass canceled";
    case Reason::kKillSwitch:
      return "kill switch";
    case Reason::kDisconnected:
      return "disconnected";
    case Reason::kDelisted:
      return "delisted";
    case Reason::kProtectionReached:
      return "protection reached";
    case Reason::kUnknownAsset:
      return "unknown asset";
    case Reason::kInvalidAsset:
      return "invalid asset";
    case Reason::kAssetExists:
      return "asset exists";
    case Reason::kTooManyAssets:
      return "too many assets";
    case Reason::kUnknownAccount:
      return "unknown account";
    case Reason::kInvalidAccount:
      return "invalid account";
    case Reason::kTooManyAccounts:
      return "too many accounts";
    case Reason::kInvalidAmount:
      return "invalid amount";
    case Reason::kAmountLimit:
      return "amount limit";
    case Reason::kInsufficientBalance:
      return "insufficient balance";
    case Reason::kNotionalTooLarge:
      return "notional too large";
    case Reason::kAccountBlocked:
      return "account blocked";
    case Reason::kOrderQuantityLimit:
      return "order quantity limit";
    case Reason::kOpenOrderLimit:
      return "open order limit";
    case Reason::kNotionalLimit:
      return "notional limit";
    case Reason::kPositionLimit:
      return "position limit";
  }
  return "?";
}

std::string_view ToText(CommandKind kind) {
  switch (kind) {
    case CommandKind::kNone:
      return "exchange";
    case CommandKind::kAddSymbol:
      return "symbol";
    case CommandKind::kNewOrder:
      return "new";
    case CommandKind::kCancelOrder:
      return "cancel";
    case CommandKind::kReduceOrder:
      return "reduce";
    case CommandKind::kReplaceOrder:
      return "replace";
    case CommandKind::kSpecialOrder:
      return "special";
    case CommandKind::kMassCancel:
      return "mass cancel";
    case CommandKind::kSetSymbolRules:
      return "set symbol rules";
    case CommandKind::kSetPhase:
      return "set phase";
    case CommandKind::kDelistSymbol:
      return "delist symbol";
    case CommandKind::kAddAsset:
      return "add asset";
    case CommandKind::kDeposit:
      return "deposit";
    case CommandKind::kWithdraw:
      return "withdraw";
    case CommandKind::kSetAccountLimits:
      return "set account limits";
    case CommandKind::kSetPositionLimit:
      return "set position limit";
    case CommandKind::kSetKillSwitch:
      return "set kill switch";
  }
  return "?";
}

std::string_view ToText(SessionStatus status) {
  switch (status) {
    case SessionStatus::kOk:
      return "ok";
    case SessionStatus::kUnknown:
      return "unknown session";
    case SessionStatus::kGap:
      return "gap";
    case SessionStatus::kForgotten:
      return "forgotten";
    case SessionStatus::kWindowFull:
      return "window full";
    case SessionStatus::kBatchFull:
      return "batch full";
    case SessionStatus::kInvalid:
      return "invalid";
  }
  return "?";
}

std::string_view ToText(OrderStatus status) {
  switch (status) {
    case OrderStatus::kNew:
      return "new";
    case OrderStatus::kPartiallyFilled:
      return "partially filled";
    case OrderStatus::kFilled:
      return "filled";
    case OrderStatus::kCanceled:
      return "canceled";
    case OrderStatus::kRejected:
      return "rejected";
  }
  return "?";
}

std::string_view ToText(Side side) {
  if (side == Side::kBuy) return "buy";
  return side == Side::kSell ? "sell" : "-";
}

std::string_view ToText(Phase phase) {
  switch (phase) {
    case Phase::kPreOpen:
      return "pre-open";
    case Phase::kOpeningAuction:
      return "opening auction";
    case Phase::kContinuous:
      return "continuous";
    case Phase::kHalt:
      return "halt";
    case Phase::kClosingAuction:
      return "closing auction";
    case Phase::kClosed:
      return "closed";
  }
  return "?";
}

namespace {

void PutOrder(std::ostream& out, const Event& event) {
  out << ' ' << event.account << '/' << event.client_order_id << " (order " << event.order_id
      << "): " << ToText(event.side) << ' ';
}

void PutTrade(std::ostream& out, const Event& event) {
  out << " trade " << event.trade_id;
  PutOrder(out, event);
  out << event.quantity << '@' << event.price << " from " << event.maker_account << '/'
      << event.maker_client_order_id << " (order " << event.maker_order_id << "), maker leaves "
      << event.maker_leaves;
  if (event.fee != 0 || event.maker_fee != 0) {
    out << ", fees " << event.fee << " and " << event.maker_fee;
  }
}

void PutRejection(std::ostream& out, const Event& event) {
  out << ' ' << ToText(event.command) << ' ' << event.account << '/' << event.client_order_id
      << " rejected: " << ToText(event.reason);
  if (event.quantity != 0 || event.price != 0) {
    out << " (" << event.quantity << '@' << event.price << ')';
  }
}

// Events that tell of an order what is the same of all. "" for the others.
std::string_view OrderVerb(EventType type) {
  switch (type) {
    case EventType::kOrderAccepted:
      return "accepted";
    case EventType::kOrderCanceled:
      return "canceled";
    case EventType::kOrderReduced:
      return "reduced";
    case EventType::kOrderReplaced:
      return "replaced";
    case EventType::kOrderParked:
      return "parked";
    case EventType::kOrderTriggered:
      return "triggered";
    case EventType::kOrderDisplayed:
      return "shows";
    default:
      return "";
  }
}

void PutOrderEvent(std::ostream& out, const Event& event) {
  out << ' ' << OrderVerb(event.type);
  PutOrder(out, event);
  if (event.type == EventType::kOrderReduced) out << "by ";
  out << event.quantity << (event.type == EventType::kOrderReduced ? " @" : "@") << event.price;
  if (event.type == EventType::kOrderParked && event.trigger_price() != 0) {
    out << " when " << event.trigger_price() << " is traded";
  }
  if (event.reason != Reason::kNone) out << ", " << ToText(event.reason);
}

void PutSymbolEvent(std::ostream& out, const Event& event) {
  out << " symbol " << event.symbol;
  switch (event.type) {
    case EventType::kSymbolAdded:
      out << " added";
      break;
    case EventType::kPhaseChanged:
      out << ": " << ToText(event.phase()) << ", reference " << event.price;
      break;
    case EventType::kUncrossed:
      out << ": uncrossed " << event.quantity << '@' << event.price;
      break;
    case EventType::kRulesChanged:
      out << ": rules changed";
      break;
    default:
      out << " delisted";
      break;
  }
}

void PutAccountEvent(std::ostream& out, const Event& event) {
  switch (event.type) {
    case EventType::kAssetAdded:
      out << " asset " << event.asset() << " added";
      break;
    case EventType::kBalanceChanged:
      out << ' ' << ToText(event.command) << " of account " << event.account << ": "
          << event.quantity << " of asset " << event.asset() << ", free " << event.leaves;
      break;
    case EventType::kAccountChanged:
      out << ' ' << ToText(event.command) << " of account " << event.account;
      break;
    default:
      out << " mass cancel of account " << event.account << ": " << event.quantity
          << (event.leaves == 0 ? "" : ", more to follow");
      break;
  }
}

}  // namespace

std::string ToText(const Event& event) {
  std::ostringstream out;
  out << '#' << event.sequence;
  switch (event.type) {
    case EventType::kCommandRejected:
      PutRejection(out, event);
      return out.str();
    case EventType::kSymbolAdded:
    case EventType::kPhaseChanged:
    case EventType::kUncrossed:
    case EventType::kRulesChanged:
    case EventType::kSymbolDelisted:
      PutSymbolEvent(out, event);
      return out.str();
    case EventType::kAssetAdded:
    case EventType::kBalanceChanged:
    case EventType::kAccountChanged:
    case EventType::kMassCanceled:
      PutAccountEvent(out, event);
      return out.str();
    case EventType::kTrade:
      PutTrade(out, event);
      break;
    default:
      PutOrderEvent(out, event);
      break;
  }
  out << ", leaves " << event.leaves << ", executed " << event.executed;
  return out.str();
}

std::string ToText(const OrderInfo& order) {
  std::ostringstream out;
  out << "order " << order.id << ": " << order.account << '/' << order.client_order_id << ' '
      << ToText(order.side) << ' ' << order.quantity << '@' << order.price << ", "
      << ToText(order.status);
  if (order.reason != Reason::kNone) out << " (" << ToText(order.reason) << ')';
  if (order.parked) out << ", parked";
  if (order.terms.stop_price != 0) out << ", stop " << order.terms.stop_price;
  if (order.displayed != order.leaves && !order.parked) out << ", shows " << order.displayed;
  out << ", leaves " << order.leaves << ", executed " << order.executed << ", entered "
      << order.entered << ", changed " << order.changed;
  return out.str();
}

}  // namespace quorumbook::exchange
