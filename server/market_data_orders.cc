#include "server/market_data_orders.h"

#include <algorithm>
#include <optional>

namespace quorumbook::server {

using exchange::Event;
using exchange::EventType;
using exchange::OrderInfo;
using exchange::Side;

static bool IsShown(const OrderInfo& order) {
  const bool open = order.status == exchange::OrderStatus::kNew ||
                    order.status == exchange::OrderStatus::kPartiallyFilled;
  return open && !order.parked && order.displayed > 0;
}

static void AddTo(v1::OrderChanges* out, exchange::OrderId id, Side side, exchange::Price price,
                  exchange::Quantity quantity, bool queued) {
  v1::OrderChange* change = out->add_changes();
  change->set_order_id(id.value());
  change->set_side(static_cast<v1::Side>(side));
  change->set_price(price);
  change->set_quantity(quantity);
  change->set_queued(queued);
}

bool OrdersTopic::Snapshot(const exchange::Exchange& exchange, uint32_t,
                           v1::MarketDataUpdate* out) const {
  for (const Side side : {Side::kBuy, Side::kSell}) {
    const std::vector<OrderInfo> orders = exchange.GetOrders(symbol_, side, kMaxBookOrders + 1);
    if (orders.size() > kMaxBookOrders) return false;
    for (const OrderInfo& order : orders) {
      AddTo(out->mutable_orders(), order.id, side, order.price, order.displayed, true);
    }
  }
  return true;
}

void OrdersTopic::Reset(const exchange::Exchange& exchange, uint32_t) {
  shown_.clear();
  for (const Side side : {Side::kBuy, Side::kSell}) {
    // Of a book with more there is no snapshot, and so nobody who would hear of changes.
    for (const OrderInfo& order : exchange.GetOrders(symbol_, side, kMaxBookOrders)) {
      shown_[order.id] = {side, order.price, order.displayed, order.quantity};
    }
  }
}

bool OrdersTopic::Update(const exchange::Exchange& exchange, exchange::Time,
                         const std::vector<const Event*>& events, uint32_t,
                         v1::MarketDataUpdate* out) {
  touched_.clear();
  index_.clear();
  for (const Event* event : events) Touch(*event);
  // Who keeps its place first; then those that were queued, in the order in which they were.
  std::stable_sort(touched_.begin(), touched_.end(),
                   [](const Touched& a, const Touched& b) { return a.queued < b.queued; });
  for (const Touched& touched : touched_) AddChange(exchange, touched, out->mutable_orders());
  return out->orders().changes_size() > 0;
}

OrdersTopic::Touched& OrdersTopic::At(exchange::OrderId id, const exchange::OrderName& name) {
  const auto [it, added] = index_.try_emplace(id, touched_.size());
  if (!added) return touched_[it->second];
  Touched& touched = touched_.emplace_back();
  touched.id = id;
  touched.name = name;
  const auto shown = shown_.find(id);
  if (shown != shown_.end()) {
    touched.price = shown->second.price;
    touched.total = shown->second.total;
  }
  return touched;
}

void OrdersTopic::Touch(const Event& event) {
  if (event.order_id == exchange::OrderId()) return;
  Touched& order = At(event.order_id, {event.account, event.symbol, event.client_order_id});
  switch (event.type) {
    case EventType::kOrderAccepted:
    case EventType::kOrderTriggered:
      order.price = event.price;
      order.total = event.quantity;
      order.queued = event.sequence;
      break;
    case EventType::kOrderReplaced:
      if (event.price != order.price || event.quantity > order.total) order.queued = event.sequence;
      order.price = event.price;
      order.total = event.quantity;
      break;
    case EventType::kOrderDisplayed:
      order.queued = event.sequence;
      break;
    case EventType::kOrderReduced:
      order.total -= event.quantity;
      break;
    case EventType::kTrade:
      At(event.maker_order_id, {event.maker_account, event.symbol, event.maker_client_order_id});
      break;
    default:
      break;
  }
}

void OrdersTopic::AddChange(const exchange::Exchange& exchange, const Touched& touched,
                            v1::OrderChanges* out) {
  const std::optional<OrderInfo> order = exchange.FindOrder(touched.name);
  const auto shown = shown_.find(touched.id);
  const bool was_shown = shown != shown_.end();
  // A client's order id may be used again once its order is finished.
  if (!order || order->id != touched.id || !IsShown(*order)) {
    if (!was_shown) return;  // came and went in this batch
    AddTo(out, touched.id, shown->second.side, shown->second.price, 0, false);
    shown_.erase(shown);
    return;
  }
  const bool queued = !was_shown || touched.queued != 0;
  if (queued || order->displayed != shown->second.quantity) {
    AddTo(out, order->id, order->side, order->price, order->displayed, queued);
  }
  shown_[order->id] = {order->side, order->price, order->displayed, order->quantity};
}

}  // namespace quorumbook::server
