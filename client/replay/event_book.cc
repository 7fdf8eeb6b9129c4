#include "client/replay/event_book.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace quorumbook::replay {

bool EventBook::Apply(const v1::ExecutionReport& report) {
  const uint64_t id = report.client_order_id();
  switch (report.exec_type()) {
    case v1::ExecutionReport::NEW:
    case v1::ExecutionReport::REPLACED: {
      auto order = orders_.find(id);
      const bool known = order != orders_.end();
      if (known != (report.exec_type() == v1::ExecutionReport::REPLACED)) return false;
      if (known) Take(order, order->second.quantity);
      incoming_id_ = id;
      incoming_ = {report.side(), report.price(), report.leaves_quantity()};
      return true;
    }
    case v1::ExecutionReport::TRADE:
      return Trade(report);
    case v1::ExecutionReport::CANCELED: {
      if (incoming_id_ == id) {
        incoming_id_.reset();
        return true;
      }
      auto order = orders_.find(id);
      if (order == orders_.end()) return false;
      Take(order, order->second.quantity);
      return true;
    }
    default:
      return true;  // refused, or nothing about orders
  }
}

bool EventBook::Trade(const v1::ExecutionReport& report) {
  auto maker = orders_.find(report.contra_client_order_id());
  const int64_t quantity = report.last_quantity();
  if (incoming_id_ != report.client_order_id() || maker == orders_.end() || quantity <= 0 ||
      quantity > incoming_.quantity || quantity > maker->second.quantity ||
      maker->second.price != report.last_price() || maker->second.side == incoming_.side) {
    return false;
  }
  incoming_.quantity -= quantity;
  Take(maker, quantity);
  return true;
}

void EventBook::EndCommand() {
  if (incoming_id_.has_value() && incoming_.quantity > 0) {
    orders_[*incoming_id_] = incoming_;
    mutable_levels(incoming_.side)[RankOf(incoming_.side, incoming_.price)] += incoming_.quantity;
  }
  incoming_id_.reset();
}

void EventBook::Take(absl::flat_hash_map<uint64_t, Order>::iterator order, int64_t quantity) {
  Order& resting = order->second;
  Levels& levels = mutable_levels(resting.side);
  auto level = levels.find(RankOf(resting.side, resting.price));
  level->second -= quantity;
  if (level->second == 0) levels.erase(level);
  resting.quantity -= quantity;
  if (resting.quantity == 0) orders_.erase(order);
}

EventBook::Match EventBook::Compare(const BookRow& before, const BookRow& row) const {
  return std::max(CompareSide(v1::BUY, before, row), CompareSide(v1::SELL, before, row));
}

EventBook::Match EventBook::CompareSide(v1::Side side, const BookRow& before,
                                        const BookRow& row) const {
  const std::vector<BookLevel>& was = before.side(side);
  const bool all_known = was.size() < before.depth;
  const int64_t known = all_known ? kWorstRank : RankOf(side, was.back().price);
  const std::vector<BookLevel>& expected = row.side(side);
  auto held = levels(side).begin();
  for (size_t i = 0; i < row.depth; ++i) {
    const bool none_expected = i >= expected.size();
    const bool none_held = held == levels(side).end();
    if (none_expected && none_held) return Match::kExact;
    const int64_t expected_rank = none_expected ? kWorstRank : RankOf(side, expected[i].price);
    const int64_t held_rank = none_held ? kWorstRank : held->first;
    if (expected_rank != held_rank || expected[i].quantity != held->second) {
      return std::min(expected_rank, held_rank) > known ? Match::kEdgeDiffers
                                                        : Match::kInnerDiffers;
    }
    ++held;
  }
  return Match::kExact;
}

std::string EventBook::Describe(size_t count) const {
  std::string text;
  for (v1::Side side : {v1::SELL, v1::BUY}) {
    absl::StrAppend(&text, side == v1::SELL ? "asks" : ", bids");
    size_t shown = 0;
    for (const auto& [rank, quantity] : levels(side)) {
      if (shown++ == count) break;
      absl::StrAppend(&text, " ", PriceOf(side, rank), "x", quantity);
    }
  }
  return text;
}

}  // namespace quorumbook::replay
