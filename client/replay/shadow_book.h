// The book as a correct price-time exchange has it after the commands planned so far. It lets the
// planner decide what to send next without waiting for replies.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <vector>

#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

// Where a price stands on its side: lower is better, for both sides.
inline int64_t RankOf(v1::Side side, int64_t price) { return side == v1::BUY ? -price : price; }
inline int64_t PriceOf(v1::Side side, int64_t rank) { return side == v1::BUY ? -rank : rank; }
inline constexpr int64_t kBestRank = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kWorstRank = std::numeric_limits<int64_t>::max();
inline v1::Side OtherSide(v1::Side side) { return side == v1::BUY ? v1::SELL : v1::BUY; }

class ShadowBook {
 public:
  struct Order {
    uint64_t id = 0;
    int64_t quantity = 0;
    bool synthetic = false;  // of the replay's own making, not a recorded one
  };
  struct Level {
    int64_t quantity = 0;
    std::list<Order> orders;  // in priority order
  };
  using Levels = std::map<int64_t, Level>;  // by rank

  // What was taken off an order.
  struct Taken {
    uint64_t id = 0;
    int64_t quantity = 0;
    bool whole = false;
    bool synthetic = false;
  };

  // Last at its price. REQUIRES: no open order has this id, quantity > 0.
  void Add(v1::Side side, const Order& order, int64_t price);
  // Executes an incoming order against resting ones no worse than `limit`, first come first served,
  // and takes what it fills off `quantity`.
  std::vector<Taken> Match(v1::Side incoming, int64_t limit, int64_t* quantity);
  // Takes min(quantity, what is left) off an order. REQUIRES: it is open.
  Taken Take(uint64_t id, int64_t quantity);
  // Takes `quantity`, or all there is, off orders at one price of which nothing more is known: off
  // synthetic orders first, then off the others, each in priority order.
  std::vector<Taken> TakeAtPrice(v1::Side side, int64_t price, int64_t quantity);

  bool IsOpen(uint64_t id) const { return places_.contains(id); }

  const Levels& levels(v1::Side side) const { return side == v1::BUY ? bids_ : asks_; }

 private:
  struct Place {
    v1::Side side;
    int64_t rank;
    std::list<Order>::iterator order;
  };

  Levels& mutable_levels(v1::Side side) { return side == v1::BUY ? bids_ : asks_; }

  Levels bids_;
  Levels asks_;
  absl::flat_hash_map<uint64_t, Place> places_;
};

}  // namespace quorumbook::replay
