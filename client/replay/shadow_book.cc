#include "client/replay/shadow_book.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/check.h"

namespace quorumbook::replay {

void ShadowBook::Add(v1::Side side, const Order& order, int64_t price) {
  QB_CHECK(order.quantity > 0);
  const int64_t rank = RankOf(side, price);
  Level& level = mutable_levels(side)[rank];
  level.quantity += order.quantity;
  level.orders.push_back(order);
  const bool added =
      places_.emplace(order.id, Place{side, rank, std::prev(level.orders.end())}).second;
  QB_CHECK(added);
}

std::vector<ShadowBook::Taken> ShadowBook::Match(v1::Side incoming, int64_t limit,
                                                 int64_t* quantity) {
  const v1::Side resting = OtherSide(incoming);
  const Levels& levels = this->levels(resting);
  const int64_t worst = RankOf(resting, limit);
  std::vector<Taken> fills;
  while (*quantity > 0 && !levels.empty() && levels.begin()->first <= worst) {
    fills.push_back(Take(levels.begin()->second.orders.front().id, *quantity));
    *quantity -= fills.back().quantity;
  }
  return fills;
}

ShadowBook::Taken ShadowBook::Take(uint64_t id, int64_t quantity) {
  auto found = places_.find(id);
  QB_CHECK(found != places_.end());
  const Place place = found->second;
  Levels& levels = mutable_levels(place.side);
  auto level = levels.find(place.rank);
  Order& order = *place.order;
  Taken taken{id, std::min(quantity, order.quantity), quantity >= order.quantity, order.synthetic};
  level->second.quantity -= taken.quantity;
  order.quantity -= taken.quantity;
  if (taken.whole) {
    places_.erase(found);
    level->second.orders.erase(place.order);
    if (level->second.orders.empty()) levels.erase(level);
  }
  return taken;
}

std::vector<ShadowBook::Taken> ShadowBook::TakeAtPrice(v1::Side side, int64_t price,
                                                       int64_t quantity) {
  auto level = levels(side).find(RankOf(side, price));
  if (level == levels(side).end()) return {};
  std::vector<std::pair<uint64_t, int64_t>> wanted;  // id and how much
  const auto want = [&](const Order& order) {
    const int64_t part = std::min(quantity, order.quantity);
    if (part > 0) wanted.emplace_back(order.id, part);
    quantity -= part;
  };
  const std::list<Order>& orders = level->second.orders;
  for (const Order& order : orders) {
    if (order.synthetic) want(order);
  }
  for (const Order& order : orders) {
    if (!order.synthetic) want(order);
  }

  std::vector<Taken> taken;
  for (const auto& [id, part] : wanted) {
    taken.push_back(Take(id, part));
  }
  return taken;
}

}  // namespace quorumbook::replay
