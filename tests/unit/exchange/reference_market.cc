#include "reference_market.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "exchange/order_checks.h"

namespace quorumbook::exchange {
namespace {

Event Blank() {
  Event event;
  event.side = Side{};
  return event;
}
bool IsOpen(const OrderInfo& order) { return order.leaves > 0; }

}  // namespace

std::vector<Event> ReferenceMarket::Execute(AccountId account, const Command& command, Time time) {
  account_ = account;
  kind_ = static_cast<CommandKind>(command.index() + 1);
  if (kind_ == CommandKind::kSpecialOrder) kind_ = CommandKind::kNewOrder;
  time_ = time;
  events_.clear();
  std::visit([this](const auto& c) { Run(c); }, command);
  RunParked();
  return events_;
}

std::vector<Event> ReferenceMarket::BeginBatch(Time time) {
  kind_ = CommandKind::kNone;
  time_ = time;
  events_.clear();
  std::vector<std::tuple<Time, OrderId, Name>> due;
  for (const Name& name : timed_) {
    const auto it = orders_.find(name);
    if (it == orders_.end()) continue;
    const OrderInfo& order = it->second;
    const bool timed = IsOpen(order) && order.time_in_force == TimeInForce::kGoodTillTime;
    if (timed && order.terms.expires <= time) due.emplace_back(order.terms.expires, order.id, name);
  }
  std::ranges::sort(due);
  for (const auto& entry : due) CancelQueued(&orders_.at(std::get<2>(entry)), Reason::kExpired);
  RunParked();
  return events_;
}

std::vector<Event> ReferenceMarket::Disconnect(AccountId account, Time time) {
  kind_ = CommandKind::kNone;
  time_ = time;
  events_.clear();
  CancelAll(OrdersOf(account, SymbolId(), Side{}), Reason::kDisconnected);
  return events_;
}

Event& ReferenceMarket::Emit(EventType type) {
  Event event;
  event.sequence = ++last_sequence_;
  event.type = type;
  event.command = kind_;
  event.account = account_;
  event.side = Side{};
  events_.push_back(event);
  return events_.back();
}

Event& ReferenceMarket::EmitOrder(EventType type, const OrderInfo& order, Quantity quantity) {
  Event& event = Emit(type);
  event.account = order.account;
  event.side = order.side;
  event.symbol = order.symbol;
  event.order_id = order.id;
  event.client_order_id = order.client_order_id;
  event.price = order.price;
  event.quantity = quantity;
  event.leaves = order.leaves;
  event.executed = order.executed;
  return event;
}

void ReferenceMarket::Reject(Reason reason, const Event& as) {
  Event& event = Emit(EventType::kCommandRejected);
  event.reason = reason;
  event.side = as.side;
  event.symbol = as.symbol;
  event.client_order_id = as.client_order_id;
  event.price = as.price;
  event.quantity = as.quantity;
}

OrderInfo* ReferenceMarket::Open(SymbolId symbol, ClientOrderId id, const Event& rejection) {
  if (Market(symbol) == nullptr) {
    Reject(Reason::kUnknownSymbol, rejection);
    return nullptr;
  }
  const auto it = orders_.find({account_, symbol, id});
  if (it == orders_.end()) {
    Reject(Reason::kUnknownOrder, rejection);
    return nullptr;
  }
  if (!IsOpen(it->second)) {
    Reject(Reason::kOrderFinished, rejection);
    return nullptr;
  }
  return &it->second;
}

ReferenceMarket::SymbolMarket* ReferenceMarket::Market(SymbolId id) {
  if (id.value() == 0 || id.value() > markets_.size()) return nullptr;
  return &markets_[id.value() - 1];
}
const ReferenceMarket::SymbolMarket* ReferenceMarket::Market(SymbolId id) const {
  return const_cast<ReferenceMarket*>(this)->Market(id);
}

void ReferenceMarket::Run(const CancelOrder& command) {
  Event as = Blank();
  as.symbol = command.symbol;
  as.client_order_id = command.client_order_id;
  if (command.client_order_id.value() == 0) return Reject(Reason::kInvalidClientOrderId, as);
  OrderInfo* order = Open(command.symbol, command.client_order_id, as);
  if (order != nullptr) CancelQueued(order, Reason::kRequested);
}

void ReferenceMarket::Run(const ReduceOrder& command) {
  Event as = Blank();
  as.symbol = command.symbol;
  as.client_order_id = command.client_order_id;
  as.quantity = command.quantity;
  if (command.client_order_id.value() == 0) return Reject(Reason::kInvalidClientOrderId, as);
  if (!IsValidQuantity(command.quantity)) return Reject(Reason::kInvalidQuantity, as);
  OrderInfo* order = Open(command.symbol, command.client_order_id, as);
  if (order == nullptr) return;
  if (command.quantity >= order->leaves) return CancelQueued(order, Reason::kRequested);
  order->quantity -= command.quantity;
  order->leaves -= command.quantity;
  order->displayed = std::min(order->displayed, order->leaves);
  order->changed = time_;
  EmitOrder(EventType::kOrderReduced, *order, command.quantity);
}

void ReferenceMarket::Run(const ReplaceOrder& command) {
  Event as = Blank();
  as.symbol = command.symbol;
  as.client_order_id = command.client_order_id;
  as.price = command.price;
  as.quantity = command.quantity;
  if (command.client_order_id.value() == 0) return Reject(Reason::kInvalidClientOrderId, as);
  if (!IsValidQuantity(command.quantity)) return Reject(Reason::kInvalidQuantity, as);
  if (command.price < 0 || command.price > kMaxPrice) return Reject(Reason::kInvalidPrice, as);
  OrderInfo* order = Open(command.symbol, command.client_order_id, as);
  if (order == nullptr) return;
  if (command.quantity <= order->executed) {
    return CancelQueued(order, Reason::kReplacedBelowExecuted);
  }
  const Reason reason = CheckReplace(*order, command);
  if (reason != Reason::kNone) return Reject(reason, as);
  const bool stop = order->type == OrderType::kStop || order->type == OrderType::kTrailingStop;
  const bool keeps =
      order->parked || (command.price == order->price && command.quantity <= order->quantity);
  if (!keeps) Leave(order);
  if (!stop) order->price = command.price;
  order->quantity = command.quantity;
  order->leaves = command.quantity - order->executed;
  order->displayed = std::min(order->displayed, order->leaves);
  order->changed = time_;
  EmitOrder(EventType::kOrderReplaced, *order, order->quantity);
  if (keeps) return;
  if (Market(order->symbol)->phase == Phase::kContinuous) {
    Match(order);
  } else {
    Rest(order);
  }
}

void ReferenceMarket::Run(const MassCancel& command) {
  Event as = Blank();
  as.symbol = command.symbol;
  const bool all = command.symbol == SymbolId();
  if (!all && Market(command.symbol) == nullptr) return Reject(Reason::kUnknownSymbol, as);
  if (all && command.side != Side{}) return Reject(Reason::kInvalidSelection, as);
  const AccountId account = command.account == AccountId() ? account_ : command.account;
  const std::vector<Name> names = OrdersOf(account, command.symbol, command.side);
  CancelAll(names, Reason::kMassCanceled);
  Event& event = Emit(EventType::kMassCanceled);
  event.account = account;
  event.symbol = command.symbol;
  event.side = command.side;
  event.quantity = static_cast<Quantity>(names.size());
}

void ReferenceMarket::CancelAll(const std::vector<Name>& names, Reason reason) {
  for (const Name& name : names) CancelQueued(&orders_.at(name), reason);
}

std::vector<ReferenceMarket::Name> ReferenceMarket::OrdersOf(AccountId account, SymbolId symbol,
                                                             Side side) {
  const auto wanted = [&](const OrderInfo& order) {
    return IsOpen(order) && order.account == account &&
           (symbol == SymbolId() || order.symbol == symbol) &&
           (side == Side{} || order.side == side);
  };
  std::map<std::tuple<SymbolId, Side, OrderId>, Name> sorted;
  for (const auto& [name, order] : orders_) {
    if (wanted(order)) sorted[{order.symbol, order.side, order.id}] = name;
  }
  std::vector<Name> names;
  for (const auto& entry : sorted) names.push_back(entry.second);
  return names;
}

std::vector<ReferenceMarket::Name> ReferenceMarket::QueuedIn(SymbolId symbol) {
  const SymbolMarket& market = *Market(symbol);
  std::vector<Name> names;
  const auto add = [&](const auto& level) {
    names.insert(names.end(), level.second.begin(), level.second.end());
  };
  std::for_each(market.bids.rbegin(), market.bids.rend(), add);
  std::for_each(market.asks.begin(), market.asks.end(), add);
  const std::vector<Name> parked = ParkedIn(symbol);
  names.insert(names.end(), parked.begin(), parked.end());
  return names;
}

// Stops to buy, to sell, triggered ones, all-or-none orders to buy, to sell.
std::vector<ReferenceMarket::Name> ReferenceMarket::ParkedIn(SymbolId symbol) {
  const SymbolMarket& market = *Market(symbol);
  std::vector<std::tuple<int, Price, OrderId, Name>> sorted;
  for (const Name& name : market.parked) {
    const OrderInfo& order = orders_.at(name);
    const bool buys = order.side == Side::kBuy;
    const auto turn = std::ranges::find(market.triggered, name);
    if (turn != market.triggered.end()) {
      sorted.emplace_back(2, turn - market.triggered.begin(), order.id, name);
    } else if (order.terms.all_or_none) {
      sorted.emplace_back(buys ? 3 : 4, buys ? -order.price : order.price, order.id, name);
    } else {
      const Price stop = order.terms.stop_price;
      sorted.emplace_back(buys ? 0 : 1, buys ? stop : -stop, order.id, name);
    }
  }
  std::ranges::sort(sorted);
  std::vector<Name> names;
  for (const auto& entry : sorted) names.push_back(std::get<3>(entry));
  return names;
}

ReferenceMarket::Side2Queues& ReferenceMarket::SideOf(const OrderInfo& order) {
  SymbolMarket* market = Market(order.symbol);
  return order.side == Side::kBuy ? market->bids : market->asks;
}

void ReferenceMarket::Rest(OrderInfo* order) {
  SideOf(*order)[order->price].push_back({order->account, order->symbol, order->client_order_id});
  if (order->terms.display == 0) return;
  order->displayed = std::min(order->terms.display, order->leaves);
  EmitOrder(EventType::kOrderDisplayed, *order, order->displayed);
}

void ReferenceMarket::Leave(OrderInfo* order) {
  const Name name{order->account, order->symbol, order->client_order_id};
  if (order->parked) {
    SymbolMarket* market = Market(order->symbol);
    std::erase(market->parked, name);
    std::erase(market->triggered, name);
    order->parked = false;
    return;
  }
  auto& side = SideOf(*order);
  side[order->price].remove(name);
  if (side[order->price].empty()) side.erase(order->price);
}

void ReferenceMarket::CancelQueued(OrderInfo* order, Reason reason) {
  Leave(order);
  Cancel(order, reason);
}

void ReferenceMarket::Cancel(OrderInfo* order, Reason reason) {
  const Quantity canceled = order->leaves;
  order->leaves = 0;
  order->changed = time_;
  EmitOrder(EventType::kOrderCanceled, *order, canceled).reason = reason;
  Finish(order, OrderStatus::kCanceled, reason);
}

void ReferenceMarket::Finish(OrderInfo* order, OrderStatus status, Reason reason) {
  order->status = status;
  order->reason = reason;
  order->terms = OrderTerms();
  order->displayed = 0;
  const Name name{order->account, order->symbol, order->client_order_id};
  finished_[++finished_ever_] = name;
  finished_when_[name] = finished_ever_;
  if (finished_.size() > kMaxFinishedOrders) {
    const Name oldest = finished_.begin()->second;
    finished_.erase(finished_.begin());
    finished_when_.erase(oldest);
    orders_.erase(oldest);
  }
}

}  // namespace quorumbook::exchange
