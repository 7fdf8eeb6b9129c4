// An order as the exchange keeps it, open or finished.
#pragma once

#include <cstdint>

#include "exchange/exchange.h"
#include "exchange/price_levels.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// What is out of the ordinary about an order. Plain orders have none, so that one test finds the
// others; what they need besides is in tables of its own.
enum OrderFlag : uint8_t {
  kPostOnlyFlag = 1,
  kTermsFlag = 2,   // while it is open it has an entry in TermsTable
  kParkedFlag = 4,  // open, but in ParkedOrders and not in the book
  kFundedFlag = 8,  // balances stand behind it: it is of a symbol with assets
  kEndsFlag = 16,   // open, and in an index of the orders that time or a phase ends
  // That says nothing special: open, and in the list of its account.
  kListedFlag = 32,
};

// In blocks of 32 bytes, none of which straddles two cache lines: what a search compares and a
// neighbour in the queue changes, what a trade changes, and what only reports speak of.
struct alignas(32) Order {
  ClientOrderId client_order_id;
  AccountId account;
  SymbolId symbol;
  // Neighbours in the queue of its price level, or among the finished orders.
  OrderHandle next = kNullHandle;
  OrderHandle previous = kNullHandle;
  LevelHandle level = kNullHandle;  // of a resting order

  Quantity quantity = 0;  // total
  Quantity executed = 0;
  Price price = 0;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kGoodTillCancel;
  OrderStatus status = OrderStatus::kNew;
  Reason reason = Reason::kNone;  // why it was cancelled
  SelfTrade self_trade = SelfTrade::kAllow;
  uint8_t flags = 0;  // of OrderFlag

  OrderId id;
  Time changed = 0;
  Time entered = 0;
  // Neighbours in the list of its account (AccountOrders).
  OrderHandle older = kNullHandle;
  OrderHandle newer = kNullHandle;

  bool open() const {
    return status == OrderStatus::kNew || status == OrderStatus::kPartiallyFilled;
  }
  OrderName name() const { return {account, symbol, client_order_id}; }
  Quantity unfilled() const { return quantity - executed; }
  Quantity leaves() const { return open() ? unfilled() : 0; }
  // Whether nothing is out of the ordinary about it.
  bool plain() const { return (flags & ~kListedFlag) == 0; }
};
static_assert(sizeof(Order) <= 96, "memory an open order is a promise of the documentation");

inline OrderInfo Describe(const Order& order) {
  return {.id = order.id,
          .client_order_id = order.client_order_id,
          .account = order.account,
          .symbol = order.symbol,
          .side = order.side,
          .type = order.type,
          .time_in_force = order.time_in_force,
          .status = order.status,
          .reason = order.reason,
          .price = order.price,
          .quantity = order.quantity,
          .leaves = order.leaves(),
          .executed = order.executed,
          .entered = order.entered,
          .changed = order.changed,
          .self_trade = order.self_trade};
}

}  // namespace quorumbook::exchange
