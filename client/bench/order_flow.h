// The orders that a benchmark sends: which share of them adds to the book, cancels and trades.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::bench {

// In percent; 100 together.
struct OrderMix {
  uint32_t add = 45;
  uint32_t cancel = 45;
  uint32_t cross = 10;
};

// "add=45,cancel=45,cross=10"; what is left out is 0. kInvalidArgument says what is wrong.
absl::StatusOr<OrderMix> ParseMix(const std::string& text);

// The commands of one connection: the same ones for the same arguments, without looking at
// answers. No command of it is refused as long as the book has room, however many flows share the
// symbols:
// - an add rests at one of 100 prices a side, all of them behind the price at which flows trade;
// - a cancel names the oldest add that is still open (without one, an add takes its place);
// - crosses are in pairs: one lot rests at the trading price, then one is bought there. Only these
//   orders trade, and what one flow bought of another's it left behind itself before.
class OrderFlow {
 public:
  // Client order ids count from `first_id`. REQUIRES: symbols, one at least; the mix is 100 %.
  OrderFlow(const OrderMix& mix, std::vector<std::string> symbols, uint64_t seed,
            uint64_t first_id);

  v1::Command Next();
  v1::Command NextAdd();

  uint64_t open_adds() const { return added_ - cancelled_; }

 private:
  v1::Command NextCancel();
  v1::Command NextCross();
  uint32_t Random(uint32_t bound);  // below `bound`
  const std::string& SymbolOf(uint64_t number) const { return symbols_[number % symbols_.size()]; }
  // Adds and crosses take turns at the ids, so that an add's number gives its id and symbol.
  uint64_t IdOfAdd(uint64_t number) const { return first_id_ + 2 * number; }
  uint64_t IdOfCross(uint64_t number) const { return first_id_ + 2 * number + 1; }

  const OrderMix mix_;
  const std::vector<std::string> symbols_;
  const uint64_t first_id_;
  uint64_t random_state_;
  uint64_t added_ = 0;
  uint64_t cancelled_ = 0;
  uint64_t crosses_ = 0;
};

}  // namespace quorumbook::bench
