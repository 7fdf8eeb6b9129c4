// A hash table from the name of an order to its handle.
//
// Open addressing with linear probing in Robin Hood order (Celis, Larson, Munro, "Robin Hood
// hashing", 1985): of two that want a slot, the one further from its home has it. So a search ends
// at the first that is nearer to its home, and deletion shifts back only until one is at home.
// Clients count their orders, so eight consecutive ids of an account and symbol share a cache line;
// the lines themselves are scattered by a hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/huge_pages.h"
#include "common/prefetch.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// It holds handles and hashes; the names themselves are in the orders, where the caller compares
// them.
class OrderIndex {
 public:
  static uint32_t HashOf(const OrderName& name) {
    return HashOf(name.id.value(), name.account.value() * 0x9e3779b97f4a7c15 +
                                       name.symbol.value() * 0xc2b2ae3d27d4eb4f);
  }
  static uint32_t HashOf(uint64_t id, uint64_t owner = 0) {
    constexpr unsigned kLineBits = 3;
    const uint64_t line = owner + (id >> kLineBits);
    const Uint128 product = Uint128{line ^ 0xa0761d6478bd642f} * 0xe7037ed1a0b428db;
    const uint64_t mixed = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    return static_cast<uint32_t>(mixed << kLineBits | id % (1u << kLineBits));
  }

  size_t size() const { return size_; }

  // The handle with that hash for which `is_it(handle)`; kNullHandle when there is none.
  template <typename Predicate>
  uint32_t Find(uint32_t hash, Predicate&& is_it) const {
    size_t at = hash & mask_;
    for (size_t distance = 0;; ++distance, at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.handle == kNullHandle) return kNullHandle;
      if (slot.hash == hash && is_it(slot.handle)) return slot.handle;
      if (Distance(slot, at) < distance) return kNullHandle;
    }
  }

  // REQUIRES: no equal name is in the table.
  void Insert(uint32_t hash, uint32_t handle) {
    if (++size_ * 2 > slots_.size()) Grow();
    Place({hash, handle});
  }

  // REQUIRES: it was inserted.
  void Erase(uint32_t hash, uint32_t handle) {
    size_t hole = hash & mask_;
    while (slots_[hole].handle != handle) {
      QB_CHECK(slots_[hole].handle != kNullHandle);
      hole = (hole + 1) & mask_;
    }
    for (size_t at = (hole + 1) & mask_;
         slots_[at].handle != kNullHandle && Distance(slots_[at], at) > 0; at = (at + 1) & mask_) {
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = Slot();
    --size_;
  }

  // Brings the slot that will be asked for into the cache.
  void Prefetch(uint32_t hash) const { quorumbook::Prefetch(&slots_[hash & mask_]); }

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t handle = kNullHandle;
  };
  using Slots = std::vector<Slot, HugePageAllocator<Slot>>;

  // How far a slot's content is from where its hash would have it.
  size_t Distance(const Slot& slot, size_t at) const { return (at - slot.hash) & mask_; }

  void Place(Slot slot) {
    size_t at = slot.hash & mask_;
    for (size_t distance = 0; slots_[at].handle != kNullHandle; ++distance) {
      const size_t other = Distance(slots_[at], at);
      if (other < distance) {
        std::swap(slot, slots_[at]);
        distance = other;
      }
      at = (at + 1) & mask_;
    }
    slots_[at] = slot;
  }
  void Grow() {
    const Slots old = std::move(slots_);
    slots_ = Slots(old.size() * 2);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.handle != kNullHandle) Place(slot);
    }
  }

  Slots slots_ = Slots(1024);  // a power of two, at most half full
  size_t mask_ = slots_.size() - 1;
  size_t size_ = 0;
};

}  // namespace quorumbook::exchange
