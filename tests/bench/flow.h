// The flow of orders that the engine benchmark runs: made from a seed, or read from a file.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/types.h"

namespace quorumbook::bench {

struct Operation {
  enum class Kind : uint8_t { kAdd, kIoc, kCancel };
  Kind kind = Kind::kAdd;
  exchange::Side side = exchange::Side::kBuy;
  // Which order of the flow this is, counting from 1; for a cancel, the order that it names; 0 when
  // no earlier order has that id.
  uint32_t order = 0;
  uint64_t order_id = 0;
  exchange::Price price = 0;
  exchange::Quantity quantity = 0;
};

// What a flow looks like.
enum class Shape {
  // 55 % limit orders at a geometric distance from the middle (1/16), 35 % cancels of a random live
  // order, 10 % limit orders through the middle.
  kNear,
  // The same, while the middle runs down 40,000 prices and back.
  kCrash,
  // Four prices a side and next to no trades: 60 % new orders, 38 % cancels of a random live order
  // in queues that grow to a hundred thousand, 2 % through the middle.
  kStatic,
  // As kNear, with distances from 1 to 10^9, evenly over the decades.
  kWide,
};

// The same operations for the same arguments, everywhere.
std::vector<Operation> MakeFlow(Shape shape, uint64_t seed, uint64_t count);

// Reads a CSV file with the header op,order_id,side,price,quantity; op is add (limit, good till
// cancel), ioc or cancel, side is buy or sell. An order id is not used twice.
// Errors: kNotFound, kInvalidArgument with the line.
absl::StatusOr<std::vector<Operation>> ReadFlow(const std::string& path);
// Errors: kUnavailable when the file can not be written.
absl::Status WriteFlow(const std::vector<Operation>& flow, const std::string& path);

}  // namespace quorumbook::bench
