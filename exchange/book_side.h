// One side of a book: price levels in order, each a queue of orders.
//
// Prices are grouped into pages of 64 neighbours with a bit for each that has a level; the pages
// that have any are in a red-black tree. Near the touch, where most orders go, a level is found by
// its page (remembered from the last use) and a bit; a far price costs one descent of the tree,
// logarithmic in the number of pages, whatever the range of prices. Nothing here allocates once
// the slabs are warm.
#pragma once

#include <array>
#include <bit>
#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "exchange/order_table.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// A price as a distance from the best possible one: on either side the smallest key is best.
using PriceKey = uint64_t;
inline constexpr PriceKey kNoPriceKey = UINT64_MAX;

// Orders of one price, first come first served, linked by Order::next.
struct Level {
  PriceKey key = 0;
  Quantity quantity = 0;  // sum of what its orders have left
  OrderHandle first = kNullHandle;
  OrderHandle last = kNullHandle;
  uint32_t orders = 0;
};

struct PricePage
    : boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>,
                                      boost::intrusive::link_mode<boost::intrusive::normal_link>> {
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSize = 1u << kBits;

  uint64_t number = 0;    // key / kSize
  uint64_t occupied = 0;  // bit i: levels[i] is one
  std::array<LevelHandle, kSize> levels;
  uint32_t handle = kNullHandle;  // its own
};

// What all books of a shard share.
struct BookMemory {
  OrderTable orders;
  Slab<Level> levels;
  Slab<PricePage, 6> pages;
};

class BookSide {
 public:
  // REQUIRES: `memory` outlives the side.
  BookSide(Side side, BookMemory* memory) : memory_(*memory), side_(side) {}
  BookSide(const BookSide&) = delete;
  BookSide& operator=(const BookSide&) = delete;

  bool empty() const { return best_ == kNullHandle; }
  // REQUIRES: !empty().
  const Level& best() const { return memory_.levels[best_]; }
  uint32_t levels() const { return levels_; }
  // kNoPriceKey when empty.
  PriceKey best_key() const { return best_key_; }

  PriceKey KeyOf(Price price) const {
    return static_cast<PriceKey>(side_ == Side::kBuy ? kMaxPrice - price : price);
  }
  Price PriceOf(PriceKey key) const {
    return side_ == Side::kBuy ? kMaxPrice - static_cast<Price>(key) : static_cast<Price>(key);
  }

  // Puts an order at the end of the queue of its price.
  // REQUIRES: it is open, with something left, and in no queue.
  void Append(OrderHandle handle);
  // Takes an order out of its queue. REQUIRES: it is in one of this side.
  void Remove(OrderHandle handle);
  // Says that `quantity` of what was left of a resting order is gone, some of it staying.
  void Shrink(const Order& order, Quantity quantity) {
    memory_.levels[order.level].quantity -= quantity;
  }

  // Calls `visit(level)` from the best price on while it returns true.
  template <typename Visitor>
  void ForEachLevel(Visitor&& visit) const {
    for (const PricePage& page : pages_) {
      for (uint64_t rest = page.occupied; rest != 0; rest &= rest - 1) {
        if (!visit(memory_.levels[page.levels[std::countr_zero(rest)]])) return;
      }
    }
  }

 private:
  struct ByNumber {
    using type = uint64_t;
    type operator()(const PricePage& page) const { return page.number; }
  };
  using Pages = boost::intrusive::set<PricePage, boost::intrusive::key_of_value<ByNumber>,
                                      boost::intrusive::constant_time_size<false>>;

  PricePage*& RecentPage(uint64_t number) { return recent_[number % recent_.size()]; }
  PricePage& PageOf(uint64_t number);
  LevelHandle LevelAt(PriceKey key);
  void RemoveLevel(LevelHandle handle);
  void FindBest();

  BookMemory& memory_;
  const Side side_;
  LevelHandle best_ = kNullHandle;
  PriceKey best_key_ = kNoPriceKey;
  uint32_t levels_ = 0;
  std::array<PricePage*, 8> recent_{};  // by page number, direct mapped; each null or in pages_
  Pages pages_;                         // those with a level
};

}  // namespace quorumbook::exchange
