// A hash table from the name of an order to its handle; also from the number of an account, of a
// session, and from the handle of an order to that of its terms.
//
// A bucket is a cache line of seven entries, which are compared at once: a search that branches on
// each entry is guessed wrong too often, and pays for it after a cache miss. What does not fit goes
// to another bucket with room, and every bucket that it passed counts it, so that a search stops
// at the first that counts none (as F14, Bronson and Shi 2019): deletion moves nothing and leaves
// nothing behind. Clients count their orders: so consecutive ids of an account and symbol
// go to consecutive buckets, two to each, which spreads them more evenly than chance would, and is
// what processors fetch by themselves. Where such a run of ids begins is told by a hash.
//
// It grows in steps: a larger table takes over from the first bucket on, some buckets with each
// insertion. Which of the two an entry is in is told by its hash.
//
// So an operation looks at a bucket or two, for names that were not chosen to make it look at more.
// Who chooses names can crowd buckets only within a run of ids, for each process draws anew where
// runs begin; and a table in which a search took long grows. Nothing that replicas agree on depends
// on where an entry is.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <absl/hash/hash.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

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
    const uint64_t owner =
        name.account.value() * 0x9e3779b97f4a7c15 + name.symbol.value() * 0xc2b2ae3d27d4eb4f;
    return HashOf(owner, name.id.value());
  }
  // For other things that are named by a number, and kept in the same way.
  static uint32_t HashOf(uint64_t id) { return HashOf(0, id); }

  size_t size() const { return size_; }

  // The handle with that hash for which `is_it(handle)`; kNullHandle when there is none.
  template <typename Predicate>
  uint32_t Find(uint32_t hash, Predicate&& is_it) const {
    size_t passed = 0;
    return Search(hash, is_it, &passed);
  }

  // What Find probably returns when it is asked for the name with that hash. Nothing in it branches
  // on what is in the table.
  uint32_t Guess(uint32_t hash) const {
    const Table& table = TableOf(hash);
    const Bucket& bucket = table.buckets[table.HomeOf(hash)];
    const uint32_t equal = EqualTo(bucket, hash);
    const auto i = static_cast<size_t>(std::countr_zero(equal | 1u << (kEntries - 1)));
    return bucket.handles[i] | (static_cast<uint32_t>(equal != 0) - 1);
  }

  // The handle that Find would return; or, when there is none, that of `make()`, which is inserted.
  // The second: whether it was.
  template <typename Predicate, typename Make>
  std::pair<uint32_t, bool> FindOrInsert(uint32_t hash, Predicate&& is_it, Make&& make) {
    if (size_ < quick_limit_) [[likely]] {
      Bucket& bucket = table_.buckets[table_.HomeOf(hash)];
      const uint32_t used = bucket.used;
      if (used != kAll && bucket.passed == 0 && EqualTo(bucket, hash) == 0) [[likely]] {
        const auto i = static_cast<size_t>(std::countr_one(used));
        const uint32_t handle = make();
        bucket.hashes[i] = hash;
        bucket.handles[i] = handle;
        bucket.used |= kAll & 1u << i;
        ++size_;
        return {handle, true};
      }
    }
    size_t passed = 0;
    const uint32_t found = Search(hash, is_it, &passed);
    if (found != kNullHandle) return {found, false};
    crowded_ |= passed > kLongSearch && old_.buckets == nullptr;
    const uint32_t handle = make();
    Insert(hash, handle);
    return {handle, true};
  }

  // REQUIRES: no equal name is in the table.
  void Insert(uint32_t hash, uint32_t handle) {
    if (size_ == table_.Limit() || (crowded_ && old_.buckets == nullptr)) [[unlikely]] {
      BeginToGrow();
    }
    if (old_.buckets != nullptr) [[unlikely]] {
      for (size_t i = 0; i < kMovedAtOnce; ++i) MoveBucket();
    }
    Place(&TableOf(hash), hash, handle);
    ++size_;
  }

  // REQUIRES: it was inserted.
  void Erase(uint32_t hash, uint32_t handle) {
    Table& table = TableOf(hash);
    const size_t home = table.HomeOf(hash);
    for (size_t at = home;; at = table.After(at, home)) {
      Bucket& bucket = table.buckets[at];
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
  void Prefetch(uint32_t hash) const {
    const Table& table = TableOf(hash);
    quorumbook::Prefetch(&table.buckets[table.HomeOf(hash)]);
  }

  // Buckets that one insertion moves into a larger table, and those that wait for it.
  static constexpr size_t kMovedAtOnce = 2;
  size_t waiting() const { return old_.buckets == nullptr ? 0 : old_.mask + 1 - moved_; }
  size_t buckets() const { return table_.mask + 1; }

 private:
  static uint32_t HashOf(uint64_t owner, uint64_t id) {
    const uint64_t run = owner + (id >> kRunBits);
    const Uint128 product = Uint128{run ^ Seed()} * 0xe7037ed1a0b428db;
    const uint64_t mixed = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    // Each piece of 256 is a step further, or ids in large steps would share few buckets.
    const uint64_t within = id & ((uint64_t{1} << kRunBits) - 1);
    return static_cast<uint32_t>(mixed + within + (within >> 8));
  }

  // Of this process: absl salts its hashes by where the program was loaded. Not a variable of the
  // class, which other variables could be made before.
  static uint64_t Seed() {
    static const uint64_t seed = absl::HashOf(uint64_t{0});
    return seed;
  }

  // Buckets that a search may pass before there is to be more room.
  static constexpr size_t kLongSearch = 64;
  static constexpr size_t kEntries = 7;
  static constexpr unsigned kAll = (1u << kEntries) - 1;
  static constexpr unsigned kTogetherBits = 1;  // of consecutive ids, which go to one bucket
  static constexpr unsigned kRunBits = 20;      // of consecutive ids, which go to a run of buckets

  struct alignas(64) Bucket {
    std::array<uint32_t, kEntries + 1> hashes;  // the last is unused
    std::array<uint32_t, kEntries> handles;
    uint32_t used : kEntries = 0;         // bit i: entry i is one
    uint32_t passed : 32 - kEntries = 0;  // entries of later buckets that belong here
  };
  static_assert(sizeof(Bucket) == 64);
  struct FreeBuckets {
    size_t bytes;
    void operator()(Bucket* buckets) const { FreePages(buckets, bytes); }
  };
  struct Table {
    Table() = default;
    // REQUIRES: `count` is a power of two.
    explicit Table(size_t count)
        : buckets(static_cast<Bucket*>(AllocatePages(count * sizeof(Bucket))),
                  FreeBuckets{count * sizeof(Bucket)}),
          mask(count - 1) {
      // Large ones come as zeros from the system, and are not to be touched all at once.
      static_assert(std::is_trivially_copyable_v<Bucket>);
      if (count * sizeof(Bucket) < kHugePageBytes) {
        std::memset(static_cast<void*>(buckets.get()), 0, count * sizeof(Bucket));
      }
    }
    void JoinPages() { quorumbook::JoinPages(buckets.get(), buckets.get_deleter().bytes); }
    // Gives back some of the memory. REQUIRES: there is no entry. False: nothing is left.
    bool Release() {
      size_t& bytes = buckets.get_deleter().bytes;
      if (bytes <= kHugePageBytes) return false;
      TrimPages(buckets.get(), bytes, bytes - kHugePageBytes);
      bytes -= kHugePageBytes;
      return true;
    }
    size_t HomeOf(uint32_t hash) const { return hash >> kTogetherBits & mask; }
    // Where to look after `at`. Each home goes on in another step: crowded buckets are neighbours.
    size_t After(size_t at, size_t home) const { return (at + 2 * home + 1) & mask; }
    // Entries: four a bucket on average, so that few buckets are full.
    size_t Limit() const { return (mask + 1) * 4; }

    std::unique_ptr<Bucket[], FreeBuckets> buckets{nullptr, FreeBuckets{0}};
    size_t mask = 0;
  };

  // Where entries of that hash are. While nothing grows, old_ has the mask 0 and moved_ is 1.
  const Table& TableOf(uint32_t hash) const { return old_.HomeOf(hash) < moved_ ? table_ : old_; }
  Table& TableOf(uint32_t hash) { return old_.HomeOf(hash) < moved_ ? table_ : old_; }

  // As Find; adds the buckets that were passed. Where all are passed it ends when it has seen all.
  template <typename Predicate>
  uint32_t Search(uint32_t hash, Predicate&& is_it, size_t* passed) const {
    const Table& table = TableOf(hash);
    const size_t home = table.HomeOf(hash);
    for (size_t at = home;; at = table.After(at, home)) {
      const Bucket& bucket = table.buckets[at];
      for (uint32_t equal = EqualTo(bucket, hash); equal != 0; equal &= equal - 1) {
        const uint32_t handle = bucket.handles[static_cast<size_t>(std::countr_zero(equal))];
        if (is_it(handle)) return handle;
      }
      if (bucket.passed == 0 || (*passed)++ == table.mask) return kNullHandle;
    }
  }

  // Bit i: entry i is one and has that hash. In vectors, or compilers make a branch of each entry.
  static uint32_t EqualTo(const Bucket& bucket, uint32_t hash) {
#ifdef __SSE2__
    const auto* const hashes = reinterpret_cast<const __m128i*>(bucket.hashes.data());
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(hash));
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(hashes), wanted);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(hashes + 1), wanted);
    const __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
    return static_cast<uint32_t>(_mm_movemask_epi8(bytes)) & bucket.used;
#else
    typedef uint32_t Four __attribute__((vector_size(16)));
    Four low, high;
    std::memcpy(&low, bucket.hashes.data(), sizeof(low));
    std::memcpy(&high, bucket.hashes.data() + 4, sizeof(high));
    const Four equal = ((low == hash) & Four{1, 2, 4, 8}) | ((high == hash) & Four{16, 32, 64, 0});
    return (equal[0] | equal[1] | equal[2] | equal[3]) & bucket.used;
#endif
  }

  static void Place(Table* table, uint32_t hash, uint32_t handle) {
    const size_t home = table->HomeOf(hash);
    size_t at = home;
    for (; table->buckets[at].used == kAll; at = table->After(at, home))
      ++table->buckets[at].passed;
    Bucket& bucket = table->buckets[at];
    const int i = std::countr_one(uint32_t{bucket.used});
    bucket.hashes[static_cast<size_t>(i)] = hash;
    bucket.handles[static_cast<size_t>(i)] = handle;
    bucket.used |= kAll & 1u << i;
  }

  void BeginToGrow() {
    QB_CHECK(old_.buckets == nullptr);
    const size_t count = (table_.mask + 1) * 2;
    old_ = std::exchange(table_, Table(count));
    moved_ = 0;
    quick_limit_ = 0;
    crowded_ = false;
  }
  // Moves the entries whose home is the next bucket, from there and from those that it ran over to.
  void MoveBucket() {
    if (waiting() == 0) return ReleaseOld();
    const size_t home = moved_++;
    size_t looked_at = 0;
    for (size_t at = home;; at = old_.After(at, home)) {
      Bucket& bucket = old_.buckets[at];
      for (uint32_t rest = bucket.used; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(rest));
        if (old_.HomeOf(bucket.hashes[i]) != home) continue;
        bucket.used &= kAll & ~(1u << i);
        for (size_t passed = home; passed != at; passed = old_.After(passed, home)) {
          --old_.buckets[passed].passed;
        }
        Place(&table_, bucket.hashes[i], bucket.handles[i]);
      }
      if (bucket.passed == 0 || looked_at++ == old_.mask) break;
    }
    if (waiting() == 0) table_.JoinPages();
  }
  // In steps too: to give back hundreds of megabytes takes a while.
  void ReleaseOld() {
    if (old_.buckets == nullptr || old_.Release()) return;
    old_ = Table();
    moved_ = 1;
    quick_limit_ = table_.Limit();
  }

  Table table_{256};
  Table old_;  // while table_ takes over from it
  size_t moved_ = 1;
  bool crowded_ = false;  // a search took long
  size_t size_ = 0;
  size_t quick_limit_ = table_.Limit();  // below it an insertion neither grows nor moves anything
};

}  // namespace quorumbook::exchange
