// The price at which an auction trades.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "exchange/book_side.h"
#include "exchange/exchange.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// What some price level adds to one side of an auction.
struct AuctionLevel {
  Price price = 0;
  Quantity quantity = 0;
};

// The uncrossing price: of all prices, that at which most trades; of those, that which leaves the
// smallest surplus; of those, the highest if all leave more bought than sold, the lowest if all
// leave more sold than bought (market pressure), else the nearest to the reference price, or
// without one (0) the middle, rounded down. Time linear in the levels.
// REQUIRES: bids from the highest price on, asks from the lowest.
AuctionInfo FindAuctionPrice(const std::vector<AuctionLevel>& bids,
                             const std::vector<AuctionLevel>& asks, Price reference);

// Of a book whose sides may cross. nullopt: on one side the orders of more than `most` prices, all
// of which it would have to look at, reach the other side.
std::optional<AuctionInfo> FindAuctionPrice(const BookSide& bids, const BookSide& asks,
                                            Price reference, size_t most);

}  // namespace quorumbook::exchange
