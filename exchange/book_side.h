// One side of a symbol's book, of the orders of OrderTable.
#pragma once

#include "exchange/order_queues.h"
#include "exchange/order_table.h"
#include "exchange/price_levels.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// What all books of a shard share.
struct BookMemory {
  OrderTable orders;
  LevelMemory levels;
};

class BookSide : public OrderQueues<OrderTable> {
 public:
  // REQUIRES: `memory` outlives the side.
  BookSide(Side side, BookMemory* memory)
      : OrderQueues(side, &memory->orders, &memory->levels), orders_(memory->orders) {}

  // Puts an order at the end of the queue of its price.
  // REQUIRES: it is open, with something left, and in no queue.
  void Append(OrderHandle handle) { OrderQueues::Append(handle, orders_[handle].price); }

 private:
  const OrderTable& orders_;
};

}  // namespace quorumbook::exchange
