#include "client/bench/order_flow.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/check.h"

namespace quorumbook::bench {

constexpr int64_t kTradingPrice = 10'000;  // ticks
constexpr uint32_t kLevels = 100;
constexpr uint32_t kMaxLots = 100;

absl::StatusOr<OrderMix> ParseMix(const std::string& text) {
  OrderMix mix{.add = 0, .cancel = 0, .cross = 0};
  uint64_t sum = 0;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<std::string> pair = absl::StrSplit(part, '=');
    uint32_t* share = pair[0] == "add"      ? &mix.add
                      : pair[0] == "cancel" ? &mix.cancel
                      : pair[0] == "cross"  ? &mix.cross
                                            : nullptr;
    if (share == nullptr || pair.size() != 2 || !absl::SimpleAtoi(pair[1], share) || *share > 100) {
      return absl::InvalidArgumentError(absl::StrCat("'", part,
                                                     "' is not a share of the mix; write e.g. ",
                                                     "add=45,cancel=45,cross=10, in percent"));
    }
    sum += *share;
  }
  if (sum != 100 || mix.add + mix.cancel + mix.cross != 100) {
    return absl::InvalidArgumentError(
        absl::StrCat("the shares of the mix '", text, "' are ", sum, " percent, not 100"));
  }
  return mix;
}

OrderFlow::OrderFlow(const OrderMix& mix, std::vector<std::string> symbols, uint64_t seed,
                     uint64_t first_id)
    : mix_(mix), symbols_(std::move(symbols)), first_id_(first_id), random_state_(seed) {
  QB_CHECK(!symbols_.empty());
  QB_CHECK(mix_.add + mix_.cancel + mix_.cross == 100);
}

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). The
// standard library's distributions differ between its implementations.
uint32_t OrderFlow::Random(uint32_t bound) {
  uint64_t z = random_state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<uint32_t>(((z ^ (z >> 31)) >> 32) * bound >> 32);
}

v1::Command OrderFlow::Next() {
  const uint32_t percent = Random(100);
  if (percent < mix_.add) return NextAdd();
  if (percent < mix_.add + mix_.cancel) return open_adds() > 0 ? NextCancel() : NextAdd();
  return NextCross();
}

v1::Command OrderFlow::NextAdd() {
  const bool buy = Random(2) == 0;
  const int64_t distance = 1 + Random(kLevels);
  v1::Command command;
  v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol(SymbolOf(added_));
  order.set_client_order_id(IdOfAdd(added_));
  order.set_side(buy ? v1::BUY : v1::SELL);
  order.set_type(v1::LIMIT);
  order.set_time_in_force(v1::GOOD_TILL_CANCEL);
  order.set_price(buy ? kTradingPrice - distance : kTradingPrice + distance);
  order.set_quantity(1 + Random(kMaxLots));
  ++added_;
  return command;
}

v1::Command OrderFlow::NextCancel() {
  v1::Command command;
  command.mutable_cancel_order()->set_symbol(SymbolOf(cancelled_));
  command.mutable_cancel_order()->set_client_order_id(IdOfAdd(cancelled_));
  ++cancelled_;
  return command;
}

v1::Command OrderFlow::NextCross() {
  const bool rests = crosses_ % 2 == 0;
  v1::Command command;
  v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol(SymbolOf(crosses_ / 2));
  order.set_client_order_id(IdOfCross(crosses_));
  order.set_side(rests ? v1::SELL : v1::BUY);
  order.set_type(v1::LIMIT);
  order.set_time_in_force(rests ? v1::GOOD_TILL_CANCEL : v1::IMMEDIATE_OR_CANCEL);
  order.set_price(kTradingPrice);
  order.set_quantity(1);
  ++crosses_;
  return command;
}

}  // namespace quorumbook::bench
