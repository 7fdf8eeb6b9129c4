// What is wrong with an order by itself, whatever the state of its market.
#pragma once

#include "exchange/command.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

inline bool IsValidQuantity(Quantity quantity) { return quantity > 0 && quantity <= kMaxQuantity; }
inline bool IsValidPrice(Price price) { return price > 0 && price <= kMaxPrice; }

// Waits for a trigger price before it is anything else.
inline bool IsStop(OrderType type) { return type >= OrderType::kStop; }
// Takes any price when it trades, within its protection; never rests in continuous trading.
inline bool IsMarketLike(OrderType type) {
  return type == OrderType::kMarket || type == OrderType::kStop || type == OrderType::kTrailingStop;
}
// Whether what does not trade at once may stay.
inline bool Rests(TimeInForce time_in_force) {
  return time_in_force != TimeInForce::kImmediateOrCancel &&
         time_in_force != TimeInForce::kFillOrKill;
}
// A limit order that rests until it is cancelled or trades at once, or a market order; no terms.
inline bool IsPlain(const NewOrder& order) {
  return order.type <= OrderType::kMarket && order.time_in_force <= TimeInForce::kFillOrKill &&
         !order.post_only;
}

// Whether an iceberg would have to show itself too often. A display of 0 shows all at once.
inline bool TooManyDisplays(Quantity quantity, Quantity display) {
  return display != 0 && (quantity - 1) / display >= Quantity{kMaxDisplays};
}

// The first of: kInvalidOrder, kInvalidQuantity, kInvalidPrice, kInvalidStopPrice, kInvalidTrail,
// kInvalidDisplay, kTooManyDisplays, kInvalidMinimum, kInvalidExpiry, kExpiryPassed; kNone when
// there is nothing. `now` is the time of the batch.
Reason CheckForm(const NewOrder& order, const OrderTerms& terms, Time now);

}  // namespace quorumbook::exchange
