// A hash table from the name of an order to its handle.
//
// A bucket is a cache line of seven entries, which are compared at once: a search that branches on
// each entry is guessed wrong too often, and pays for it after a cache miss. What does not fit goes
// to the next bucket with room, and every bucket that it passed counts it, so that a search stops
// at the first that counts none (as F14, Bronson and Shi 2019): deletion moves nothing and leaves
// nothing behind. Clients count their orders, so four consecutive ids of an account and symbol
// share a bucket; the buckets themselves are scattered by a hash.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
    const uint64_t together = name.account.value() * 0x9e3779b97f4a7c15 +
                              name.symbol.value() * 0xc2b2ae3d27d4eb4f +
                              (name.id.value() >> kTogetherBits);
    const Uint128 product = Uint128{together ^ 0xa0761d6478bd642f} * 0xe7037ed1a0b428db;
    const uint64_t mixed = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    return static_cast<uint32_t>(mixed << kTogetherBits | name.id.value() % (1u << kTogetherBits));
  }

  size_t size() const { return size_; }

  // The handle with that hash for which `is_it(handle)`; kNullHandle when there is none.
  template <typename Predicate>
  uint32_t Find(uint32_t hash, Predicate&& is_it) const {
    for (size_t at = HomeOf(hash);; at = (at + 1) & mask_) {
      const Bucket& bucket = buckets_[at];
      for (uint32_t equal = EqualTo(bucket, hash); equal != 0; equal &= equal - 1) {
        const uint32_t handle = bucket.handles[static_cast<size_t>(std::countr_zero(equal))];
        if (is_it(handle)) return handle;
      }
      if (bucket.passed == 0) return kNullHandle;
    }
  }

  // REQUIRES: no equal name is in the table.
  void Insert(uint32_t hash, uint32_t handle) {
    if (size_ == limit_) Grow();
    Place(hash, handle);
    ++size_;
  }

  // REQUIRES: it was inserted.
  void Erase(uint32_t hash, uint32_t handle) {
    for (size_t at = HomeOf(hash);; at = (at + 1) & mask_) {
      Bucket& bucket = buckets_[at];
      for (uint32_t equal = EqualTo(bucket, hash); equal != 0; equal &= equal - 1) {
        const int i = std::countr_zero(equal);
        if (bucket.handles[static_cast<size_t>(i)] != handle) continue;
        bucket.used &= kAll & ~(1u << i);
        --size_;
        return;
      }
      QB_CHECK(bucket.passed != 0);
      --bucket.passed;
    }
  }

  // Brings the bucket that will be asked for into the cache.
  void Prefetch(uint32_t hash) const { quorumbook::Prefetch(&buckets_[HomeOf(hash)]); }

 private:
  static constexpr size_t kEntries = 7;
  static constexpr unsigned kAll = (1u << kEntries) - 1;
  static constexpr unsigned kTogetherBits = 2;  // of consecutive ids, which go to one bucket

  struct alignas(64) Bucket {
    std::array<uint32_t, kEntries + 1> hashes;  // the last is unused
    std::array<uint32_t, kEntries> handles;
    uint32_t used : kEntries = 0;         // bit i: entry i is one
    uint32_t passed : 32 - kEntries = 0;  // entries of later buckets that belong here
  };
  static_assert(sizeof(Bucket) == 64);
  using Buckets = std::vector<Bucket, HugePageAllocator<Bucket>>;

  size_t HomeOf(uint32_t hash) const { return hash >> kTogetherBits & mask_; }

  // Bit i: entry i is one and has that hash. In vectors, or compilers make a branch of each entry.
  static uint32_t EqualTo(const Bucket& bucket, uint32_t hash) {
    typedef uint32_t Four __attribute__((vector_size(16)));
    Four low, high;
    std::memcpy(&low, bucket.hashes.data(), sizeof(low));
    std::memcpy(&high, bucket.hashes.data() + 4, sizeof(high));
    const Four equal = ((low == hash) & Four{1, 2, 4, 8}) | ((high == hash) & Four{16, 32, 64, 0});
    return (equal[0] | equal[1] | equal[2] | equal[3]) & bucket.used;
  }

  void Place(uint32_t hash, uint32_t handle) {
    size_t at = HomeOf(hash);
    for (; buckets_[at].used == kAll; at = (at + 1) & mask_) ++buckets_[at].passed;
    Bucket& bucket = buckets_[at];
    const int i = std::countr_one(uint32_t{bucket.used});
    bucket.hashes[static_cast<size_t>(i)] = hash;
    bucket.handles[static_cast<size_t>(i)] = handle;
    bucket.used |= kAll & 1u << i;
  }
  void Grow() {
    const Buckets old = std::exchange(buckets_, Buckets(buckets_.size() * 2));
    mask_ = buckets_.size() - 1;
    limit_ = LimitOf(buckets_.size());
    for (const Bucket& bucket : old) {
      for (uint32_t rest = bucket.used; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(rest));
        Place(bucket.hashes[i], bucket.handles[i]);
      }
    }
  }
  // Four entries a bucket on average: few buckets are full then.
  static size_t LimitOf(size_t buckets) { return buckets * 4; }

  Buckets buckets_ = Buckets(256);  // a power of two
  size_t mask_ = buckets_.size() - 1;
  size_t limit_ = LimitOf(buckets_.size());  // entries
  size_t size_ = 0;
};

}  // namespace quorumbook::exchange
