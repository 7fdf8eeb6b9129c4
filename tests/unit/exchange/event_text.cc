#include "event_text.h"

#include <sstream>
#include <utility>

namespace quorumbook::exchange {

namespace {

constexpr std::pair<Reason, std::string_view> kReasons[] = {
    {Reason::kNone, "none"},
    {Reason::kUnknownSymbol, "unknown symbol"},
    {Reason::kInvalidQuantity, "invalid quantity"},
    {Reason::kInvalidPrice, "invalid price"},
    {Reason::kDuplicateClientOrderId, "duplicate client order id"},
    {Reason::kUnknownOrder, "unknown order"},
    {Reason::kOrderFinished, "order finished"},
    {Reason::kInvalidOrder, "invalid order"},
    {Reason::kSymbolExists, "symbol exists"},
    {Reason::kInvalidSymbol, "invalid symbol"},
    {Reason::kTooManySymbols, "too many symbols"},
    {Reason::kTooManyOrders, "too many orders"},
    {Reason::kInvalidClientOrderId, "invalid client order id"},
    {Reason::kSymbolDelisted, "symbol delisted"},
    {Reason::kWrongPhase, "wrong phase"},
    {Reason::kSymbolBusy, "symbol busy"},
    {Reason::kPriceOutsideBand, "price outside band"},
    {Reason::kNoReferencePrice, "no reference price"},
    {Reason::kNoProtection, "no protection"},
    {Reason::kWouldTrade, "would trade"},
    {Reason::kInvalidStopPrice, "invalid stop price"},
    {Reason::kStopTriggered, "stop triggered"},
    {Reason::kInvalidTrail, "invalid trail"},
    {Reason::kInvalidDisplay, "invalid display"},
    {Reason::kInvalidMinimum, "invalid minimum"},
    {Reason::kInvalidExpiry, "invalid expiry"},
    {Reason::kExpiryPassed, "expiry passed"},
    {Reason::kTooManyTrailingStops, "too many trailing stops"},
    {Reason::kTooManyAllOrNone, "too many all or none"},
    {Reason::kInvalidRules, "invalid rules"},
    {Reason::kPhaseUnchanged, "phase unchanged"},
    {Reason::kInvalidSelection, "invalid selection"},
    {Reason::kRequested, "requested"},
    {Reason::kUnfilledRemainder, "unfilled remainder"},
    {Reason::kNotFillable, "not fillable"},
    {Reason::kFillLimit, "fill limit"},
    {Reason::kReplacedBelowExecuted, "replaced below executed"},
    {Reason::kExpired, "expired"},
    {Reason::kDayOver, "day over"},
    {Reason::kSelfTradePrevented, "self trade prevented"},
    {Reason::kMinimumNotMet, "minimum not met"},
    {Reason::kMassCanceled, "mass canceled"},
    {Reason::kKillSwitch, "kill switch"},
    {Reason::kDisconnected, "disconnected"},
    {Reason::kDelisted, "delisted"},
    {Reason::kProtectionReached, "protection reached"},
    {Reason::kUnknownAsset, "unknown asset"},
    {Reason::kInvalidAsset, "invalid asset"},
    {Reason::kAssetExists, "asset exists"},
    {Reason::kTooManyAssets, "too many assets"},
    {Reason::kUnknownAccount, "unknown account"},
    {Reason::kInvalidAccount, "invalid account"},
    {Reason::kTooManyAccounts, "too many accounts"},
    {Reason::kInvalidAmount, "invalid amount"},
    {Reason::kAmountLimit, "amount limit"},
    {Reason::kInsufficientBalance, "insufficient balance"},
    {Reason::kNotionalTooLarge, "notional too large"},
    {Reason::kAccountBlocked, "account blocked"},
    {Reason::kOrderQuantityLimit, "order quantity limit"},
    {Reason::kOpenOrderLimit, "open order limit"},
    {Reason::kNotionalLimit, "notional limit"},
    {Reason::kPositionLimit, "position limit"},
    {Reason::kTooManyDisplays, "too many displays"},
    {Reason::kTooManyStops, "too many stops"},
};

}  // namespace

std::string_view ToText(Reason reason) {
  for (const auto& [value, text] : kReasons) {
    if (value == reason) return text;
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
