#include <absl/strings/str_cat.h>

#include "quorumbook/market_data.h"

namespace quorumbook {

template <typename Side>
static void SetLevels(const google::protobuf::RepeatedPtrField<v1::Level>& levels, Side* side) {
  for (const v1::Level& level : levels) {
    if (level.quantity() == 0) {
      side->erase(level.price());
    } else {
      (*side)[level.price()] = level;
    }
  }
}

void MarketBook::Clear() {
  bids_.clear();
  asks_.clear();
  orders_.clear();
  bid_queues_.clear();
  ask_queues_.clear();
}

absl::Status MarketBook::Apply(const v1::MarketDataUpdate& update) {
  if (update.snapshot()) {
    Clear();
    valid_ = true;
  } else if (!valid_) {
    return absl::FailedPreconditionError("an update came before the first snapshot");
  } else if (update.sequence() != sequence_ + 1) {
    valid_ = false;
    return absl::DataLossError(absl::StrCat("update ", update.sequence(), " came after ", sequence_,
                                            ": some are missing; subscribe again"));
  }
  sequence_ = update.sequence();
  event_sequence_ = update.event_sequence();
  SetLevels(update.levels().bids(), &bids_);
  SetLevels(update.levels().asks(), &asks_);
  for (const v1::OrderChange& change : update.orders().changes()) {
    absl::Status applied = Apply(change);
    if (applied.ok()) continue;
    valid_ = false;
    return applied;
  }
  return absl::OkStatus();
}

absl::Status MarketBook::Apply(const v1::OrderChange& change) {
  auto order = orders_.find(change.order_id());
  if (order == orders_.end() && !change.queued()) {
    return absl::DataLossError(absl::StrCat("the book does not have order ", change.order_id(),
                                            ", which changed; subscribe again"));
  }
  if (change.queued() || change.quantity() == 0) {
    if (order != orders_.end()) Remove(order);
    if (change.quantity() == 0) return absl::OkStatus();
    std::list<uint64_t>& queue = queues(change.side())[change.price()];
    queue.push_back(change.order_id());
    orders_[change.order_id()] = {change.side(), change.price(), change.quantity(),
                                  std::prev(queue.end())};
    AddToLevel(change.side(), change.price(), change.quantity(), 1);
    return absl::OkStatus();
  }
  Resting& resting = order->second;
  AddToLevel(resting.side, resting.price, change.quantity() - resting.quantity, 0);
  resting.quantity = change.quantity();
  return absl::OkStatus();
}

void MarketBook::Remove(std::unordered_map<uint64_t, Resting>::iterator order) {
  const Resting& resting = order->second;
  Queues& side = queues(resting.side);
  const auto queue = side.find(resting.price);
  queue->second.erase(resting.place);
  if (queue->second.empty()) side.erase(queue);
  AddToLevel(resting.side, resting.price, -resting.quantity, -1);
  orders_.erase(order);
}

void MarketBook::AddToLevel(v1::Side side, int64_t price, int64_t quantity, int orders) {
  const auto add = [&](auto& levels) {
    v1::Level& level = levels[price];
    level.set_price(price);
    level.set_quantity(level.quantity() + quantity);
    level.set_orders(level.orders() + static_cast<uint32_t>(orders));
    if (level.orders() == 0) levels.erase(price);
  };
  if (side == v1::BUY) {
    add(bids_);
  } else {
    add(asks_);
  }
}

std::vector<MarketBook::Order> MarketBook::OrdersAt(v1::Side side, int64_t price) const {
  std::vector<Order> orders;
  const Queues& queues = side == v1::BUY ? bid_queues_ : ask_queues_;
  const auto queue = queues.find(price);
  if (queue == queues.end()) return orders;
  for (const uint64_t id : queue->second) orders.push_back({id, orders_.at(id).quantity});
  return orders;
}

}  // namespace quorumbook
