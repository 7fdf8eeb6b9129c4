// Counts orders by type. The events of an order do not say of which type it is: the command does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exchange/event.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

struct OrderTally {
  // By OrderType.
  using Counts = std::array<uint64_t, static_cast<size_t>(OrderType::kTrailingStop) + 1>;
  Counts accepted{};
  Counts rejected{};

  // Counts the new orders of a batch; those that repeat what was executed before are left out.
  // REQUIRES: Exchange::Apply has taken `batch`, and `result` is what it gave.
  void Count(std::string_view batch, const ApplyResult& result);
};

}  // namespace quorumbook::exchange
