#include "feed_book.h"

#include <algorithm>

namespace quorumbook::exchange {

void FeedBook::Apply(const Event& event) {
  switch (event.type) {
    case EventType::kOrderAccepted:
    case EventType::kOrderTriggered:
      return Add(event);
    case EventType::kTrade:
      if (!IsFirst(event.maker_order_id)) ++out_of_turn_;
      if (uncrossing_.contains(event.symbol) && !IsFirst(event.order_id)) ++out_of_turn_;
      Fill(event.order_id, event.quantity);
      return Fill(event.maker_order_id, event.quantity);
    case EventType::kOrderCanceled:
      return Remove(event.order_id);
    case EventType::kOrderReduced:
      return Shrink(event.order_id, event.leaves);
    case EventType::kOrderReplaced:
      return Replace(event);
    case EventType::kOrderDisplayed:
      return Display(event);
    case EventType::kPhaseChanged:  // whatever trades before kUncrossed does so in an auction
      uncrossing_.insert(event.symbol);
      return;
    case EventType::kUncrossed:
      uncrossing_.erase(event.symbol);
      return;
    default:
      return;
  }
}

void FeedBook::Add(const Event& event) {
  std::list<Entry>& queue = sides_[{event.symbol, event.side}][event.price];
  queue.push_back({event.order_id, event.price, event.leaves, event.leaves});
  places_[event.order_id] = {event.symbol, event.side, event.price, std::prev(queue.end())};
}

void FeedBook::Remove(OrderId id) {
  const auto it = places_.find(id);
  if (it == places_.end()) return;
  const Place& place = it->second;
  Queues& queues = sides_[{place.symbol, place.side}];
  queues[place.price].erase(place.entry);
  if (queues[place.price].empty()) queues.erase(place.price);
  places_.erase(it);
}

bool FeedBook::IsFirst(OrderId id) const {
  const Place& place = places_.at(id);
  const Queues& queues = sides_.at({place.symbol, place.side});
  const auto& best = place.side == Side::kBuy ? *queues.rbegin() : *queues.begin();
  return place.price == best.first && best.second.front().id == id;
}

void FeedBook::Fill(OrderId id, Quantity quantity) {
  Entry& entry = *places_.at(id).entry;
  entry.leaves -= quantity;
  entry.shown -= quantity;
  if (entry.leaves == 0) Remove(id);
}

void FeedBook::Shrink(OrderId id, Quantity leaves) {
  const auto it = places_.find(id);
  if (it == places_.end()) return;
  Entry& entry = *it->second.entry;
  entry.leaves = leaves;
  entry.shown = std::min(entry.shown, leaves);
}

void FeedBook::Replace(const Event& event) {
  const auto it = places_.find(event.order_id);
  if (it == places_.end()) return;
  if (event.price == it->second.price && event.leaves <= it->second.entry->leaves) {
    return Shrink(event.order_id, event.leaves);
  }
  Remove(event.order_id);
  Add(event);
}

void FeedBook::Display(const Event& event) {
  const Place& place = places_.at(event.order_id);
  std::list<Entry>& queue = sides_[{place.symbol, place.side}][place.price];
  queue.splice(queue.end(), queue, place.entry);
  place.entry->shown = event.quantity;
}

std::vector<FeedBook::Entry> FeedBook::Orders(SymbolId symbol, Side side) const {
  std::vector<Entry> orders;
  const auto it = sides_.find({symbol, side});
  if (it == sides_.end()) return orders;
  const auto add = [&](const auto& level) {
    orders.insert(orders.end(), level.second.begin(), level.second.end());
  };
  if (side == Side::kSell) std::for_each(it->second.begin(), it->second.end(), add);
  if (side == Side::kBuy) std::for_each(it->second.rbegin(), it->second.rend(), add);
  return orders;
}

}  // namespace quorumbook::exchange
