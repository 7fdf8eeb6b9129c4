#include "tests/unit/client/replay/made_market.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>

#include "common/check.h"

namespace quorumbook::replay {

namespace {

constexpr int64_t kMiddle = 10'000;
constexpr uint64_t kPrices = 25;  // a side
constexpr uint64_t kMaxQuantity = 300;

}  // namespace

void MadeMarket::Run(int unseen, int recorded) {
  for (int i = 0; i < unseen; ++i) Step();
  recording_on_ = true;
  // Line 1 shows the book as it is.
  recording_.Add("34200", 5, 0, 1, kMiddle, v1::BUY, Best(v1::SELL), Best(v1::BUY));
  for (int i = 0; i < recorded; ++i) Step();
}

void MadeMarket::Step() {
  ++time_;
  const uint64_t what = Draw(100);
  if (what < 48 || open_.size() < 20) {
    AddOrder();
  } else if (what < 90) {
    CancelOrder();
  } else {
    SweepBook();
  }
}

std::vector<BookLevel> MadeMarket::Best(v1::Side side) const {
  std::vector<BookLevel> levels;
  for (const auto& [rank, quantity] : side == v1::BUY ? bids_ : asks_) {
    if (levels.size() == levels_) break;
    levels.push_back({PriceOf(side, rank), quantity});
  }
  return levels;
}

void MadeMarket::Record(int type, const Order& order, int64_t quantity, int64_t change) {
  auto& levels = order.side == v1::BUY ? bids_ : asks_;
  const auto before = Best(order.side);
  const int64_t rank = RankOf(order.side, order.price);
  levels[rank] += change;
  if (levels[rank] == 0) levels.erase(rank);
  if (!recording_on_ || before == Best(order.side)) return;
  ++visible_messages_;
  recording_.Add(absl::StrCat(34'200 + time_ / 1'000, ".", 1'000 + time_ % 1'000), type, order.id,
                 quantity, order.price, order.side, Best(v1::SELL), Best(v1::BUY));
}

void MadeMarket::AddOrder() {
  Order order;
  order.id = next_id_++;
  order.side = Draw(2) == 0 ? v1::BUY : v1::SELL;
  // The best prices move about, and orders never cross.
  const int64_t best_other = order.side == v1::BUY
                                 ? (asks_.empty() ? kMiddle + 5 : asks_.begin()->first)
                                 : (bids_.empty() ? kMiddle - 5 : -bids_.begin()->first);
  const auto away = static_cast<int64_t>(1 + Draw(kPrices));
  order.price = order.side == v1::BUY ? best_other - away : best_other + away;
  order.quantity = static_cast<int64_t>(1 + Draw(kMaxQuantity));
  v1::Command command;
  command.mutable_new_order()->set_symbol(ExchangeMarket::kSymbol);
  command.mutable_new_order()->set_client_order_id(order.id);
  command.mutable_new_order()->set_side(order.side);
  command.mutable_new_order()->set_type(v1::LIMIT);
  command.mutable_new_order()->set_time_in_force(v1::GOOD_TILL_CANCEL);
  command.mutable_new_order()->set_price(order.price);
  command.mutable_new_order()->set_quantity(order.quantity);
  QB_CHECK(market_.Execute(command).reports_size() == 1);
  open_.push_back(order);
  Record(1, order, order.quantity, order.quantity);
}

void MadeMarket::CancelOrder() {
  const size_t position = Draw(open_.size());
  Order& order = open_[position];
  v1::Command command;
  if (Draw(4) == 0 && order.quantity > 1) {
    const auto off = static_cast<int64_t>(1 + Draw(static_cast<uint64_t>(order.quantity - 1)));
    command.mutable_reduce_order()->set_symbol(ExchangeMarket::kSymbol);
    command.mutable_reduce_order()->set_client_order_id(order.id);
    command.mutable_reduce_order()->set_quantity(off);
    market_.Execute(command);
    order.quantity -= off;
    Record(2, order, off, -off);
    return;
  }
  command.mutable_cancel_order()->set_symbol(ExchangeMarket::kSymbol);
  command.mutable_cancel_order()->set_client_order_id(order.id);
  market_.Execute(command);
  const Order gone = order;
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(position));
  Record(3, gone, gone.quantity, -gone.quantity);
}

void MadeMarket::SweepBook() {
  const v1::Side resting = Draw(2) == 0 ? v1::BUY : v1::SELL;
  const auto& levels = resting == v1::BUY ? bids_ : asks_;
  if (levels.size() < 10) return;
  // Mostly a part of the best level, at times several levels.
  const auto depth = static_cast<std::ptrdiff_t>(Draw(8) == 0 ? Draw(6) : 0);
  const int64_t limit = PriceOf(resting, std::next(levels.begin(), depth)->first);
  v1::Command command;
  command.mutable_new_order()->set_symbol(ExchangeMarket::kSymbol);
  command.mutable_new_order()->set_client_order_id(next_id_++);
  command.mutable_new_order()->set_side(OtherSide(resting));
  command.mutable_new_order()->set_type(v1::LIMIT);
  command.mutable_new_order()->set_time_in_force(v1::IMMEDIATE_OR_CANCEL);
  command.mutable_new_order()->set_price(limit);
  command.mutable_new_order()->set_quantity(
      static_cast<int64_t>(1 + Draw(kMaxQuantity * static_cast<uint64_t>(2 * depth + 1))));
  const v1::CommandResult result = market_.Execute(command);
  for (const v1::ExecutionReport& report : result.reports()) {
    if (report.exec_type() != v1::ExecutionReport::TRADE) continue;
    auto maker = std::find_if(open_.begin(), open_.end(), [&](const Order& order) {
      return order.id == report.contra_client_order_id();
    });
    QB_CHECK(maker != open_.end());
    maker->quantity -= report.last_quantity();
    const Order executed = *maker;
    if (executed.quantity == 0) open_.erase(maker);
    Record(4, executed, report.last_quantity(), -report.last_quantity());
    if (recording_on_ && Draw(5) == 0) {  // a hidden order takes part
      recording_.Add(absl::StrCat(34'200 + time_ / 1'000, ".", 1'000 + time_ % 1'000), 5, 0, 10,
                     executed.price, resting, Best(v1::SELL), Best(v1::BUY));
    }
  }
}

}  // namespace quorumbook::replay
