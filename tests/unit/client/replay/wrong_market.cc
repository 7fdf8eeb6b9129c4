#include "tests/unit/client/replay/wrong_market.h"

#include <algorithm>
#include <limits>

#include "client/replay/shadow_book.h"

namespace quorumbook::replay {

namespace {

using Report = v1::ExecutionReport;

}  // namespace

v1::CommandResult LastInFirstOutMarket::Execute(const v1::Command& command) {
  v1::CommandResult result;
  if (command.has_new_order()) {
    New(command.new_order(), &result);
  } else if (command.has_reduce_order()) {
    Take(command.reduce_order().client_order_id(), command.reduce_order().quantity(), &result);
  } else {
    Take(command.cancel_order().client_order_id(), std::numeric_limits<int64_t>::max(), &result);
  }
  return result;
}

void LastInFirstOutMarket::New(const v1::NewOrder& request, v1::CommandResult* result) {
  const v1::Side other = OtherSide(request.side());
  auto& resting = other == v1::BUY ? bids_ : asks_;
  int64_t quantity = request.quantity();
  Report* accepted = result->add_reports();
  accepted->set_exec_type(Report::NEW);
  accepted->set_client_order_id(request.client_order_id());
  accepted->set_side(request.side());
  accepted->set_price(request.price());
  accepted->set_leaves_quantity(quantity);
  while (quantity > 0 && !resting.empty() &&
         resting.begin()->first <= RankOf(other, request.price())) {
    auto level = resting.begin();
    Order& maker = level->second.back();
    const int64_t traded = std::min(quantity, maker.quantity);
    Report* trade = result->add_reports();
    trade->set_exec_type(Report::TRADE);
    trade->set_client_order_id(request.client_order_id());
    trade->set_contra_client_order_id(maker.id);
    trade->set_last_price(PriceOf(other, level->first));
    trade->set_last_quantity(traded);
    quantity -= traded;
    maker.quantity -= traded;
    if (maker.quantity == 0) {
      places_.erase(maker.id);
      level->second.pop_back();
      if (level->second.empty()) resting.erase(level);
    }
  }
  if (quantity == 0) return;
  if (request.time_in_force() == v1::IMMEDIATE_OR_CANCEL) {
    Report* canceled = result->add_reports();
    canceled->set_exec_type(Report::CANCELED);
    canceled->set_client_order_id(request.client_order_id());
    return;
  }
  auto& own = request.side() == v1::BUY ? bids_ : asks_;
  const int64_t rank = RankOf(request.side(), request.price());
  own[rank].push_back({request.client_order_id(), quantity});
  places_[request.client_order_id()] = {request.side(), rank};
}

void LastInFirstOutMarket::Take(uint64_t id, int64_t quantity, v1::CommandResult* result) {
  Report* report = result->add_reports();
  report->set_client_order_id(id);
  auto place = places_.find(id);
  if (place == places_.end()) {
    report->set_exec_type(Report::REJECTED);
    report->set_reason(v1::UNKNOWN_ORDER);
    return;
  }
  const auto [side, rank] = place->second;
  auto& levels = side == v1::BUY ? bids_ : asks_;
  std::vector<Order>& orders = levels[rank];
  auto order = std::find_if(orders.begin(), orders.end(),
                            [id = id](const Order& candidate) { return candidate.id == id; });
  if (quantity < order->quantity) {
    order->quantity -= quantity;
    report->set_exec_type(Report::REPLACED);
    report->set_side(side);
    report->set_price(PriceOf(side, rank));
    report->set_leaves_quantity(order->quantity);
    return;
  }
  report->set_exec_type(Report::CANCELED);
  orders.erase(order);
  if (orders.empty()) levels.erase(rank);
  places_.erase(place);
}

}  // namespace quorumbook::replay
