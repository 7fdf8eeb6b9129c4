#include "exchange/auction.h"

#include <algorithm>
#include <cstddef>

namespace quorumbook::exchange {
namespace {

// The best prices found so far: from `low` to `high` volume and surplus are equal but for the sign.
struct Best {
  Quantity volume = 0;
  Quantity surplus_size = 0;
  Quantity surplus_low = 0;  // at `low`; never smaller than at `high`
  Quantity surplus_high = 0;
  Price low = 0, high = 0;

  // REQUIRES: prices ascend from call to call.
  void Offer(Price from, Price to, Quantity bought, Quantity sold) {
    const Quantity at = std::min(bought, sold);
    const Quantity surplus = bought - sold;
    const Quantity size = surplus < 0 ? -surplus : surplus;
    const bool better = at > volume || (at == volume && size < surplus_size);
    if (at == 0 || (!better && (at < volume || size > surplus_size))) return;
    if (better) {
      volume = at;
      surplus_size = size;
      surplus_low = surplus;
      low = from;
    }
    surplus_high = surplus;
    high = to;
  }

  Price Choose(Price reference) const {
    if (surplus_high > 0) return high;
    if (surplus_low < 0) return low;
    if (reference == 0) return low + (high - low) / 2;
    return std::clamp(reference, low, high);
  }
};

// The levels of a side, at most `limit`, that reach the best of the other. REQUIRES: none is empty.
std::vector<AuctionLevel> Crossing(const BookSide& side, const BookSide& other, size_t limit) {
  const PriceKey worst = side.KeyOf(other.PriceOf(other.best_key()));
  std::vector<AuctionLevel> levels;
  side.ForEachLevel([&](const Level& level) {
    if (level.key > worst || levels.size() == limit) return false;
    levels.push_back({side.PriceOf(level.key), level.quantity});
    return true;
  });
  return levels;
}

}  // namespace

// What is bought falls after each bid, what is sold grows at each ask: between such prices both
// stand still, so that it is enough to look at each stretch between them.
AuctionInfo FindAuctionPrice(const std::vector<AuctionLevel>& bids,
                             const std::vector<AuctionLevel>& asks, Price reference) {
  Best best;
  if (bids.empty() || asks.empty()) return {};
  const Price highest = bids.front().price;
  Price price = asks.front().price;
  size_t bids_left = bids.size();  // those at `price` or above
  Quantity bought = 0;
  for (const AuctionLevel& bid : bids) bought += bid.quantity;
  Quantity sold = 0;
  size_t next_ask = 0;
  while (price <= highest) {
    while (bids_left > 0 && bids[bids_left - 1].price < price) {
      bought -= bids[--bids_left].quantity;
    }
    while (next_ask < asks.size() && asks[next_ask].price <= price) {
      sold += asks[next_ask++].quantity;
    }
    Price last = bids[bids_left - 1].price;  // of the stretch that begins at `price`
    if (next_ask < asks.size()) last = std::min(last, asks[next_ask].price - 1);
    best.Offer(price, last, bought, sold);
    price = last + 1;
  }
  if (best.volume == 0) return {};
  const Price chosen = best.Choose(reference);
  // The surplus of the stretch that the price is in.
  Quantity surplus = 0;
  for (const AuctionLevel& bid : bids) surplus += bid.price >= chosen ? bid.quantity : 0;
  for (const AuctionLevel& ask : asks) surplus -= ask.price <= chosen ? ask.quantity : 0;
  return {.price = chosen, .volume = best.volume, .surplus = surplus};
}

std::optional<AuctionInfo> FindAuctionPrice(const BookSide& bids, const BookSide& asks,
                                            Price reference, size_t most) {
  if (bids.empty() || asks.empty()) return AuctionInfo();
  const std::vector<AuctionLevel> buys = Crossing(bids, asks, most + 1);
  const std::vector<AuctionLevel> sells = Crossing(asks, bids, most + 1);
  if (buys.size() > most || sells.size() > most) return std::nullopt;
  return FindAuctionPrice(buys, sells, reference);
}

}  // namespace quorumbook::exchange
