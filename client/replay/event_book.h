// A book made from nothing but the exchange's execution reports.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "client/replay/lobster_files.h"
#include "client/replay/shadow_book.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

// Sees the orders of one account; other accounts' orders would leave it wrong.
class EventBook {
 public:
  // How the best levels stand to a row of a recording.
  enum class Match : uint8_t {
    kExact,
    kEdgeDiffers,  // only at prices worse than all that the row before shows
    kInnerDiffers,
  };

  // Applies one report of the command that is being executed. An order is in the book only after
  // EndCommand. False, and nothing changes, when the report contradicts what was reported earlier.
  bool Apply(const v1::ExecutionReport& report);
  // All reports of a command were applied: what is left of its order rests.
  void EndCommand();

  // `before` is the row that precedes `row`: what it shows is known, what lies beyond is not.
  Match Compare(const BookRow& before, const BookRow& row) const;
  // The best levels, for messages to people: "asks 22395x100 22399x100, bids ...".
  std::string Describe(size_t levels) const;

 private:
  struct Order {
    v1::Side side = v1::BUY;
    int64_t price = 0;
    int64_t quantity = 0;
  };
  using Levels = std::map<int64_t, int64_t>;  // rank to quantity

  const Levels& levels(v1::Side side) const { return side == v1::BUY ? bids_ : asks_; }
  Levels& mutable_levels(v1::Side side) { return side == v1::BUY ? bids_ : asks_; }
  bool Trade(const v1::ExecutionReport& report);
  void Take(absl::flat_hash_map<uint64_t, Order>::iterator order, int64_t quantity);
  Match CompareSide(v1::Side side, const BookRow& before, const BookRow& row) const;

  Levels bids_;
  Levels asks_;
  absl::flat_hash_map<uint64_t, Order> orders_;  // by client order id
  std::optional<uint64_t> incoming_id_;          // of the command that is being executed
  Order incoming_;
};

}  // namespace quorumbook::replay
