// A limit order book by itself: price-time priority, no accounts, no sessions, no history. What
// Exchange builds its market from, for those who bring the rest themselves (docs/embedding.md).
//
//   OrderBookMemory memory;
//   OrderBook book(&memory);
//   const auto fill = [](const BookFill& f) { ... };
//   const auto bid = book.Add({.side = Side::kBuy, .price = 100, .quantity = 5, .tag = 1}, fill);
//   book.Cancel(bid.id);
//
// An order costs 32 bytes and a level 32 bytes and its entry in a tree. An order is found by its
// id, which says where it is, so that there is no hash table to miss the cache. Adding and
// cancelling at a price that has orders takes constant time; at a new price, or when the last order
// of a price goes, time logarithmic in the number of prices. Nothing allocates once it is warm.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/branchless.h"
#include "exchange/order_queues.h"
#include "exchange/price_levels.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// Names a resting order among those of one memory. 0 is none. Not given again before 2^40 other
// orders rested.
using BookOrderId = uint64_t;

struct BookOrder {
  Side side = Side::kBuy;
  TimeInForce time_in_force = TimeInForce::kGoodTillCancel;
  Price price = 0;
  Quantity quantity = 0;
  uint64_t tag = 0;  // the caller's own; comes back in fills
};

// The incoming order traded with a resting one, at the price of that.
struct BookFill {
  BookOrderId maker = 0;
  uint64_t maker_tag = 0;
  Price price = 0;
  Quantity quantity = 0;
  Quantity maker_left = 0;  // 0: the maker is gone from the book
};

struct BookAdded {
  BookOrderId id = 0;             // 0 when nothing of it rests
  Quantity left = 0;              // what did not trade; it rests, or is dropped when id is 0
  Reason reason = Reason::kNone;  // kInvalidPrice, kInvalidQuantity, kTooManyOrders, kNotFillable
};

// What any number of books keep their orders and levels in. Grows, and never shrinks.
class OrderBookMemory {
 public:
  // `ids_given`: as if so many orders had rested before (for tests: ids start again after 2^40).
  explicit OrderBookMemory(uint64_t ids_given = 0) : last_number_(ids_given) {}
  OrderBookMemory(const OrderBookMemory&) = delete;
  OrderBookMemory& operator=(const OrderBookMemory&) = delete;

  // Open orders of all books; at most kMaxOpenOrders.
  uint64_t orders() const { return open_; }

  // Hints for a caller that knows what it will do next, as one that works through a batch does:
  // ids that will be cancelled or reduced some 16 operations from now, and some 8. An order is
  // likely not in the cache, and its level and its neighbours in the queue, which are written too,
  // can be told only when it is. Wrong ids are harmless: nothing here branches on whether one is.
  void PrefetchOrder(BookOrderId id) const {
    if (!orders_.empty()) orders_.Prefetch(SomeSlot(id));
  }
  void PrefetchNeighbors(BookOrderId id) const {
    if (orders_.empty()) return;
    const uint32_t slot = SomeSlot(id);
    const Resting& order = orders_[slot];
    orders_.Prefetch(orders_.ValidOr(order.next, slot));
    orders_.Prefetch(orders_.ValidOr(order.previous, slot));
    levels_.Prefetch(order.level);
  }

 private:
  friend class OrderBook;
  static constexpr unsigned kSlotBits = 24;
  static_assert(kMaxOpenOrders <= uint64_t{1} << kSlotBits);

  struct Resting {
    Quantity quantity;
    uint64_t tag;
    uint64_t level : kSlotBits;        // LevelHandle
    uint64_t number : 64 - kSlotBits;  // of the id; 0 while the slot is free
    OrderHandle next;
    OrderHandle previous;

    Quantity unfilled() const { return quantity; }
  };
  static_assert(sizeof(Resting) == 32);

  static uint32_t SlotOf(BookOrderId id) {
    return static_cast<uint32_t>(id & ((uint64_t{1} << kSlotBits) - 1));
  }
  BookOrderId IdOf(uint32_t slot) const {
    return static_cast<uint64_t>(orders_[slot].number) << kSlotBits | slot;
  }
  // That of the id, or any other if it is of no order that ever was.
  uint32_t SomeSlot(BookOrderId id) const {
    const uint32_t slot = SlotOf(id);
    return slot & Opaque(-uint32_t{slot < orders_.size()});
  }
  bool Rests(BookOrderId id) const {
    const uint64_t number = id >> kSlotBits;
    return number != 0 && SlotOf(id) < orders_.size() && orders_[SlotOf(id)].number == number;
  }
  uint32_t Open(Quantity quantity, uint64_t tag) {
    const uint32_t slot = orders_.Allocate();
    Resting& order = orders_[slot];
    order.quantity = quantity;
    order.tag = tag;
    order.number = ++last_number_;
    if (order.number == 0) [[unlikely]]
      order.number = ++last_number_;
    ++open_;
    return slot;
  }
  void Free(uint32_t slot) {
    orders_[slot].number = 0;
    orders_.Free(slot);
    --open_;
  }

  Slab<Resting> orders_;
  LevelMemory levels_;
  uint64_t last_number_;  // an id has its lower bits
  uint64_t open_ = 0;
};

class OrderBook {
 public:
  // REQUIRES: `memory` outlives the book.
  explicit OrderBook(OrderBookMemory* memory)
      : memory_(*memory),
        sides_{Queues(Side::kBuy, &memory->orders_, &memory->levels_),
               Queues(Side::kSell, &memory->orders_, &memory->levels_)} {}
  OrderBook(const OrderBook&) = delete;
  OrderBook& operator=(const OrderBook&) = delete;

  // Trades an order with what it crosses and lets the rest of a good-till-cancel order rest.
  // Calls `on_fill(const BookFill&)` for each trade; it must not use the book.
  // An order that is refused has changed nothing, and `reason` says why.
  template <typename OnFill>
  BookAdded Add(const BookOrder& order, OnFill&& on_fill);

  // Takes an order off the book. False when it is not there (any more).
  bool Cancel(BookOrderId id) {
    if (!Has(id)) return false;
    Erase(memory_.SlotOf(id));
    return true;
  }

  // Takes `quantity` off an order, which keeps its priority; all of it when there is no more.
  // False when the order is not there, or quantity <= 0.
  bool Reduce(BookOrderId id, Quantity quantity) {
    if (!Has(id) || quantity <= 0) return false;
    Resting& order = OrderAt(id);
    if (quantity >= order.quantity) {
      Erase(memory_.SlotOf(id));
    } else {
      SideOf(order).Shrink(order, quantity);
      order.quantity -= quantity;
    }
    return true;
  }

  // What an order has left; 0 when it is not there.
  Quantity Left(BookOrderId id) const { return Has(id) ? OrderAt(id).quantity : 0; }

  uint32_t levels(Side side) const { return sides_[IndexOf(side)].levels(); }
  // 0 when there is none.
  Price best_price(Side side) const {
    const Queues& queues = sides_[IndexOf(side)];
    return queues.empty() ? 0 : queues.PriceOf(queues.best_key());
  }
  // Calls `visit(Price, Quantity, uint32_t orders)` from the best price on while it returns true.
  template <typename Visitor>
  void ForEachLevel(Side side, Visitor&& visit) const {
    const Queues& queues = sides_[IndexOf(side)];
    queues.ForEachLevel([&](const Level& level) {
      return visit(queues.PriceOf(level.key), level.quantity, level.orders);
    });
  }

 private:
  using Resting = OrderBookMemory::Resting;
  using Queues = OrderQueues<Slab<Resting>>;

  static uint32_t IndexOf(Side side) { return side == Side::kBuy ? 0 : 1; }
  Resting& OrderAt(BookOrderId id) { return memory_.orders_[memory_.SlotOf(id)]; }
  const Resting& OrderAt(BookOrderId id) const { return memory_.orders_[memory_.SlotOf(id)]; }
  // Sides are made in pairs, so that the last bit of a level's side is the index of it.
  bool Has(BookOrderId id) const {
    return memory_.Rests(id) && (memory_.levels_[OrderAt(id).level].side ^ sides_[0].id()) <= 1;
  }
  Queues& SideOf(const Resting& order) { return sides_[memory_.levels_[order.level].side & 1]; }

  static Reason Check(const BookOrder& order) {
    if (order.price <= 0 || order.price > kMaxPrice) return Reason::kInvalidPrice;
    if (order.quantity <= 0 || order.quantity > kMaxQuantity) return Reason::kInvalidQuantity;
    return Reason::kNone;
  }
  void Erase(uint32_t slot) {
    SideOf(memory_.orders_[slot]).Remove(slot);
    memory_.Free(slot);
  }
  // Trades up to `quantity` with makers no worse than `worst`. Returns what is left of it.
  template <typename OnFill>
  Quantity Match(Queues& makers, PriceKey worst, Quantity quantity, OnFill& on_fill);
  static bool Fillable(const Queues& makers, PriceKey worst, Quantity quantity);

  OrderBookMemory& memory_;
  std::array<Queues, 2> sides_;
};

template <typename OnFill>
BookAdded OrderBook::Add(const BookOrder& order, OnFill&& on_fill) {
  if (const Reason reason = Check(order); reason != Reason::kNone) return {.reason = reason};
  const uint32_t side = IndexOf(order.side);
  Queues& makers = sides_[1 - side];
  const PriceKey worst = makers.KeyOf(order.price);
  if (order.time_in_force == TimeInForce::kFillOrKill && !Fillable(makers, worst, order.quantity)) {
    return {.left = order.quantity, .reason = Reason::kNotFillable};
  }
  const bool rests = order.time_in_force == TimeInForce::kGoodTillCancel;
  if (rests && memory_.open_ >= kMaxOpenOrders) return {.reason = Reason::kTooManyOrders};
  const Quantity left = Match(makers, worst, order.quantity, on_fill);
  if (left == 0 || !rests) return {.left = left};
  const uint32_t slot = memory_.Open(left, order.tag);
  sides_[side].Append(slot, order.price);
  return {.id = memory_.IdOf(slot), .left = left};
}

template <typename OnFill>
Quantity OrderBook::Match(Queues& makers, PriceKey worst, Quantity quantity, OnFill& on_fill) {
  while (quantity > 0 && makers.best_key() <= worst) {
    const OrderHandle slot = makers.best().first;
    Resting& maker = memory_.orders_[slot];
    const Quantity traded = std::min(quantity, maker.quantity);
    quantity -= traded;
    makers.Shrink(maker, traded);
    maker.quantity -= traded;
    on_fill(BookFill{.maker = memory_.IdOf(slot),
                     .maker_tag = maker.tag,
                     .price = makers.PriceOf(makers.best_key()),
                     .quantity = traded,
                     .maker_left = maker.quantity});
    if (maker.quantity > 0) break;
    // The next to trade has waited longest: it is the least likely to be in the cache.
    memory_.orders_.Prefetch(memory_.orders_.ValidOr(maker.next, slot));
    Erase(slot);
  }
  return quantity;
}

inline bool OrderBook::Fillable(const Queues& makers, PriceKey worst, Quantity quantity) {
  makers.ForEachLevel([&](const Level& level) {
    if (level.key > worst) return false;
    quantity -= std::min(quantity, level.quantity);
    return quantity > 0;
  });
  return quantity == 0;
}

}  // namespace quorumbook::exchange
