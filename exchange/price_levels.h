// The price levels of one side of a book, in order.
//
// A level is found by its price in a table that remembers recent ones: near the touch, where most
// orders go, one probe. Levels that come and go, and far prices, cost a search of a tree, in which
// the best is last: at the touch it grows and shrinks at its end. Logarithmic in the number of
// levels, whatever the range of prices.
#pragma once

#include <cstdint>
#include <vector>

#include "common/check.h"
#include "exchange/price_tree.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

using OrderHandle = uint32_t;
using LevelHandle = uint32_t;

// A price as a distance from the best possible one: on either side the smallest key is best.
using PriceKey = uint64_t;
inline constexpr PriceKey kNoPriceKey = UINT64_MAX;

// Orders of one price, first come first served, linked by their `next`.
struct Level {
  PriceKey key = 0;
  Quantity quantity = 0;  // sum of what its orders have left
  OrderHandle first = kNullHandle;
  OrderHandle last = kNullHandle;
  uint32_t orders = 0;
  uint32_t side = 0;  // PriceLevels::id of its owner
};

// What all books of a shard share.
class LevelMemory {
 public:
  Level& operator[](LevelHandle handle) { return levels_[handle]; }
  const Level& operator[](LevelHandle handle) const { return levels_[handle]; }
  // Brings a level into the cache. REQUIRES: it is, or once was, one.
  void Prefetch(LevelHandle handle) const { levels_.Prefetch(handle); }

 private:
  friend class PriceLevels;
  static constexpr uint32_t kRecent = 1u << 12;

  // A level that was used lately. It has its key beside it, because the level itself may be out of
  // the cache, and is not the one that is looked for.
  struct RecentLevel {
    PriceKey key = kNoPriceKey;
    LevelHandle handle = kNullHandle;
    uint32_t side = 0;
  };
  RecentLevel& Recent(uint32_t side, PriceKey key) {
    return recent_[(key + side * 0x9e3779b1u) % kRecent];
  }

  Slab<Level> levels_;
  Slab<PriceNode> nodes_;
  std::vector<RecentLevel> recent_ = std::vector<RecentLevel>(kRecent);
  uint32_t sides_ = 0;
};

class PriceLevels {
 public:
  // REQUIRES: `memory` outlives it.
  explicit PriceLevels(LevelMemory* memory)
      : memory_(*memory), id_(memory->sides_++), tree_(&memory->nodes_) {}

  // Counts from 0 in the order in which they were made for the memory: Level::side.
  uint32_t id() const { return id_; }
  bool empty() const { return best_ == kNullHandle; }
  uint32_t size() const { return static_cast<uint32_t>(tree_.size()); }
  // kNullHandle and kNoPriceKey when empty.
  LevelHandle best() const { return best_; }
  PriceKey best_key() const { return best_key_; }

  // The level of that price, which is added when there is none. REQUIRES: key < 2^40.
  LevelHandle At(PriceKey key) {
    if (key == best_key_) return best_;
    LevelMemory::RecentLevel& recent = memory_.Recent(id_, key);
    if (recent.key != key || recent.side != id_) [[unlikely]] {
      recent = {.key = key, .handle = FindOrAdd(key), .side = id_};
    }
    return recent.handle;
  }
  void Remove(LevelHandle handle);

  // Calls `visit(handle)` from the best price on while it returns true.
  template <typename Visitor>
  void ForEach(Visitor&& visit) const {
    tree_.ForEachDown([&](uint64_t word) { return visit(HandleOf(word)); });
  }

 private:
  // A word of the tree is a price and its level: ~key above, so that the best is last, and the
  // handle below.
  static_assert(kMaxPrice < Price{1} << (64 - PriceTree::kHandleBits));
  static_assert(kMaxOpenOrders <= uint64_t{1} << PriceTree::kHandleBits,
                "no more levels than open orders");

  static uint64_t WordOf(PriceKey key, LevelHandle handle) {
    return ~key << PriceTree::kHandleBits | handle;
  }
  static PriceKey KeyOf(uint64_t word) { return ~word >> PriceTree::kHandleBits; }
  static LevelHandle HandleOf(uint64_t word) {
    return static_cast<LevelHandle>(word & PriceTree::kHandleMask);
  }
  LevelHandle FindOrAdd(PriceKey key);

  LevelMemory& memory_;
  const uint32_t id_;
  LevelHandle best_ = kNullHandle;
  PriceKey best_key_ = kNoPriceKey;
  PriceTree tree_;
};

}  // namespace quorumbook::exchange
