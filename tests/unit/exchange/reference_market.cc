#include "reference_market.h"

#include <algorithm>

namespace quorumbook::exchange {
namespace {

bool Valid(Quantity quantity) { return quantity >= 1 && quantity <= kMaxQuantity; }
bool ValidPrice(Price price) { return price >= 1 && price <= kMaxPrice; }
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
  time_ = time;
  events_.clear();
  std::visit([this](const auto& c) { Run(c); }, command);
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

void ReferenceMarket::Run(const AddSymbol& command) {  // valid ones only: goldens have the rest
  for (size_t i = 0; i < markets_.size(); ++i) {
    if (markets_[i].added.name != command.name) continue;
    if (markets_[i].added != command) return Reject(Reason::kSymbolExists, Blank());
    Emit(EventType::kSymbolAdded).symbol = SymbolId(static_cast<uint32_t>(i + 1));
    return;
  }
  markets_.push_back({.added = command, .bids = {}, .asks = {}, .trades = {}});
  Emit(EventType::kSymbolAdded).symbol = SymbolId(static_cast<uint32_t>(markets_.size()));
}

void ReferenceMarket::Run(const NewOrder& command) {
  Event as;
  as.side = command.side;
  as.symbol = command.symbol;
  as.client_order_id = command.client_order_id;
  as.price = command.price;
  as.quantity = command.quantity;
  const bool market = command.type == OrderType::kMarket;
  const bool rests = command.time_in_force == TimeInForce::kGoodTillCancel;
  if (command.client_order_id.value() == 0) return Reject(Reason::kInvalidClientOrderId, as);
  if (Market(command.symbol) == nullptr) return Reject(Reason::kUnknownSymbol, as);
  if (market && rests) return Reject(Reason::kInvalidOrder, as);
  if (market && command.price != 0) return Reject(Reason::kInvalidOrder, as);
  if (!Valid(command.quantity)) return Reject(Reason::kInvalidQuantity, as);
  if (!market && !ValidPrice(command.price)) return Reject(Reason::kInvalidPrice, as);
  const Name name{account_, command.symbol, command.client_order_id};
  const auto existing = orders_.find(name);
  if (existing != orders_.end()) {
    if (IsOpen(existing->second)) return Reject(Reason::kDuplicateClientOrderId, as);
    finished_.erase(finished_when_.at(name));
    finished_when_.erase(name);
  }

  OrderInfo& order = orders_[name];
  order = OrderInfo();
  order.id = OrderId(++last_order_id_);
  order.client_order_id = command.client_order_id;
  order.account = account_;
  order.symbol = command.symbol;
  order.side = command.side;
  order.type = command.type;
  order.time_in_force = command.time_in_force;
  order.price = command.price;
  order.quantity = order.leaves = command.quantity;
  order.entered = order.changed = time_;
  EmitOrder(EventType::kOrderAccepted, order, order.quantity);
  if (order.time_in_force == TimeInForce::kFillOrKill && !CanFill(order)) {
    return Cancel(&order, Reason::kNotFillable);
  }
  Match(&order);
}

void ReferenceMarket::Run(const CancelOrder& command) {
  Event as = Blank();
  as.symbol = command.symbol;
  as.client_order_id = command.client_order_id;
  if (command.client_order_id.value() == 0) return Reject(Reason::kInvalidClientOrderId, as);
  OrderInfo* order = Open(command.symbol, command.client_order_id, as);
  if (order == nullptr) return;
  Leave(*order);
  Cancel(order, Reason::kRequested);
}

void ReferenceMarket::Run(const ReduceOrder& command) {
  Event as = Blank();
  as.symbol = command.symbol;
  as.client_order_id = command.client_order_id;
  as.quantity = command.quantity;
  if (command.client_order_id.value() == 0) return Reject(Reason::kInvalidClientOrderId, as);
  if (!Valid(command.quantity)) return Reject(Reason::kInvalidQuantity, as);
  OrderInfo* order = Open(command.symbol, command.client_order_id, as);
  if (order == nullptr) return;
  if (command.quantity >= order->leaves) {
    Leave(*order);
    return Cancel(order, Reason::kRequested);
  }
  order->quantity -= command.quantity;
  order->leaves -= command.quantity;
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
  if (!Valid(command.quantity)) return Reject(Reason::kInvalidQuantity, as);
  if (!ValidPrice(command.price)) return Reject(Reason::kInvalidPrice, as);
  OrderInfo* order = Open(command.symbol, command.client_order_id, as);
  if (order == nullptr) return;
  if (command.quantity <= order->executed) {
    Leave(*order);
    return Cancel(order, Reason::kReplacedBelowExecuted);
  }
  const bool keeps = command.price == order->price && command.quantity <= order->quantity;
  if (!keeps) Leave(*order);
  order->price = command.price;
  order->quantity = command.quantity;
  order->leaves = command.quantity - order->executed;
  order->changed = time_;
  EmitOrder(EventType::kOrderReplaced, *order, order->quantity);
  if (!keeps) Match(order);
}

std::map<Price, std::list<ReferenceMarket::Name>>& ReferenceMarket::SideOf(const OrderInfo& order) {
  SymbolMarket* market = Market(order.symbol);
  return order.side == Side::kBuy ? market->bids : market->asks;
}

OrderInfo* ReferenceMarket::BestMaker(const OrderInfo& taker) {
  SymbolMarket* market = Market(taker.symbol);
  if (taker.side == Side::kBuy) {
    if (market->asks.empty()) return nullptr;
    const auto& [price, queue] = *market->asks.begin();
    if (taker.type == OrderType::kLimit && price > taker.price) return nullptr;
    return &orders_.at(queue.front());
  }
  if (market->bids.empty()) return nullptr;
  const auto& [price, queue] = *market->bids.rbegin();
  if (taker.type == OrderType::kLimit && price < taker.price) return nullptr;
  return &orders_.at(queue.front());
}

bool ReferenceMarket::CanFill(const OrderInfo& taker) {
  Quantity available = 0;
  uint32_t fills = 0;
  const auto add = [&](const auto& level) {
    const auto& [price, queue] = level;
    const bool crosses = taker.type == OrderType::kMarket ||
                         (taker.side == Side::kBuy ? price <= taker.price : price >= taker.price);
    for (const Name& name : queue) {
      if (!crosses || available >= taker.quantity) return;
      available += orders_.at(name).leaves;
      ++fills;
    }
  };
  SymbolMarket* market = Market(taker.symbol);
  if (taker.side == Side::kBuy) std::for_each(market->asks.begin(), market->asks.end(), add);
  if (taker.side == Side::kSell) std::for_each(market->bids.rbegin(), market->bids.rend(), add);
  return available >= taker.quantity && fills <= kMaxFillsPerCommand;
}

void ReferenceMarket::Match(OrderInfo* taker) {
  uint32_t fills = 0;
  while (OrderInfo* maker = taker->leaves > 0 ? BestMaker(*taker) : nullptr) {
    if (fills++ == kMaxFillsPerCommand) return Cancel(taker, Reason::kFillLimit);
    const Quantity quantity = std::min(taker->leaves, maker->leaves);
    for (OrderInfo* order : {taker, maker}) {
      order->leaves -= quantity;
      order->executed += quantity;
      order->changed = time_;
      order->status = OrderStatus::kPartiallyFilled;
    }
    SymbolMarket* market = Market(taker->symbol);
    Event& event = EmitOrder(EventType::kTrade, *taker, quantity);
    event.price = maker->price;
    event.trade_id = market->trades.size() + 1;
    event.maker_account = maker->account;
    event.maker_order_id = maker->id;
    event.maker_client_order_id = maker->client_order_id;
    event.maker_leaves = maker->leaves;
    market->trades.push_back(
        {event.trade_id, event.sequence, time_, taker->side, maker->price, quantity});
    if (maker->leaves == 0) {
      Leave(*maker);
      Finish(maker, OrderStatus::kFilled, Reason::kNone);
    }
  }
  if (taker->leaves == 0) return Finish(taker, OrderStatus::kFilled, Reason::kNone);
  if (taker->time_in_force != TimeInForce::kGoodTillCancel) {
    return Cancel(taker, Reason::kUnfilledRemainder);
  }
  SideOf(*taker)[taker->price].push_back({taker->account, taker->symbol, taker->client_order_id});
}

void ReferenceMarket::Leave(const OrderInfo& order) {
  auto& side = SideOf(order);
  side[order.price].remove({order.account, order.symbol, order.client_order_id});
  if (side[order.price].empty()) side.erase(order.price);
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

std::vector<OrderInfo> ReferenceMarket::GetOrders(SymbolId symbol, Side side) const {
  const SymbolMarket& market = markets_.at(symbol.value() - 1);
  std::vector<OrderInfo> infos;
  const auto add = [&](const auto& level) {
    for (const Name& name : level.second) infos.push_back(orders_.at(name));
  };
  if (side == Side::kSell) std::for_each(market.asks.begin(), market.asks.end(), add);
  if (side == Side::kBuy) std::for_each(market.bids.rbegin(), market.bids.rend(), add);
  return infos;
}

std::vector<LevelInfo> ReferenceMarket::GetLevels(SymbolId symbol, Side side) const {
  std::vector<LevelInfo> levels;
  for (const OrderInfo& order : GetOrders(symbol, side)) {
    if (levels.empty() || levels.back().price != order.price) levels.push_back({order.price, 0, 0});
    levels.back().quantity += order.leaves;
    ++levels.back().orders;
  }
  return levels;
}

const OrderInfo* ReferenceMarket::FindOrder(const OrderName& name) const {
  const auto it = orders_.find({name.account, name.symbol, name.id});
  return it == orders_.end() ? nullptr : &it->second;
}

MarketSummary ReferenceMarket::Summary(SymbolId symbol) const {
  MarketSummary summary;
  const std::deque<TradeInfo>& trades = markets_.at(symbol.value() - 1).trades;
  if (!trades.empty()) {
    summary.open = summary.high = summary.low = trades.front().price;
    summary.last = trades.back().price;
  }
  summary.trades = trades.size();
  for (const TradeInfo& trade : trades) {
    summary.high = std::max(summary.high, trade.price);
    summary.low = std::min(summary.low, trade.price);
    summary.volume += static_cast<uint64_t>(trade.quantity);
    summary.notional +=
        Uint128{static_cast<uint64_t>(trade.price)} * static_cast<uint64_t>(trade.quantity);
  }
  const std::vector<LevelInfo> bids = GetLevels(symbol, Side::kBuy);
  const std::vector<LevelInfo> asks = GetLevels(symbol, Side::kSell);
  if (!bids.empty()) {
    summary.best_bid = bids[0].price;
    summary.best_bid_quantity = bids[0].quantity;
  }
  if (!asks.empty()) {
    summary.best_ask = asks[0].price;
    summary.best_ask_quantity = asks[0].quantity;
  }
  return summary;
}

std::vector<TradeInfo> ReferenceMarket::RecentTrades(SymbolId symbol) const {
  const std::deque<TradeInfo>& trades = markets_.at(symbol.value() - 1).trades;
  const size_t count = std::min<size_t>(trades.size(), kMaxRecentTrades);
  return {trades.end() - static_cast<std::ptrdiff_t>(count), trades.end()};
}

size_t ReferenceMarket::open_orders() const { return orders_.size() - finished_.size(); }

}  // namespace quorumbook::exchange
