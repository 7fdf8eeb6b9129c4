// A pool of objects that never move, named by 32-bit handles: half the size of a pointer, and the
// same in every process.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "common/branchless.h"
#include "common/check.h"
#include "common/huge_pages.h"
#include "common/prefetch.h"

namespace quorumbook::exchange {

inline constexpr uint32_t kNullHandle = UINT32_MAX;

// Memory is taken in chunks of 2^kChunkBits objects, whole huge pages unless told otherwise, and
// kept until the slab is destroyed, so that a warm slab does not allocate.
template <typename T,
          unsigned kChunkBits = std::countr_zero(kHugePageBytes) - std::countr_zero(sizeof(T))>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    if constexpr (kConstructed) {
      for (uint32_t handle = 0; handle < used_; ++handle) std::destroy_at(&(*this)[handle]);
    }
  }

  T& operator[](uint32_t handle) { return chunks_[handle >> kChunkBits].get()[handle & kMask]; }
  const T& operator[](uint32_t handle) const {
    return chunks_[handle >> kChunkBits].get()[handle & kMask];
  }

  // The object holds what its last user left there, or nothing in particular: the caller sets every
  // field. The most recently freed comes first, because it is likely in cache.
  uint32_t Allocate() {
    if (free_.empty()) [[unlikely]] {
      AddFree();
    }
    const uint32_t handle = free_.back();
    free_.pop_back();
    return handle;
  }

  // REQUIRES: `handle` is allocated.
  void Free(uint32_t handle) { free_.push_back(handle); }

  // Handles below are, or once were, allocated.
  uint32_t size() const { return used_; }
  bool empty() const { return used_ == 0; }
  // `handle`, or `other` when it is null: for Prefetch, without a branch that would be guessed.
  static uint32_t ValidOr(uint32_t handle, uint32_t other) {
    const uint32_t null = Opaque(-uint32_t{handle == kNullHandle});
    return (handle & ~null) | (other & null);
  }
  // Brings the object, or its first bytes, into the cache.
  void PrefetchStart(uint32_t handle) const { quorumbook::Prefetch(&(*this)[handle]); }
  // The same for an object of many lines.
  void PrefetchWhole(uint32_t handle) const {
    const auto* object = reinterpret_cast<const std::byte*>(&(*this)[handle]);
    for (size_t at = 0; at < sizeof(T); at += kLineBytes) quorumbook::Prefetch(object + at);
  }
  void Prefetch(uint32_t handle) const {
    const auto* object = reinterpret_cast<const std::byte*>(&(*this)[handle]);
    quorumbook::Prefetch(object);
    if constexpr (sizeof(T) > kLineBytes || kLineBytes % sizeof(T) != 0) {
      quorumbook::Prefetch(object + sizeof(T) - 1);
    }
  }

 private:
  static constexpr uint32_t kMask = (uint32_t{1} << kChunkBits) - 1;
  static constexpr size_t kChunkBytes = sizeof(T) << kChunkBits;
  static constexpr size_t kLineBytes = 64;
  // Memory is enough for the others: touching it all ahead of use would take a while.
  static constexpr bool kConstructed = !std::is_trivially_copyable_v<T>;

  // Several at once, so that the branch that asks for them is foreseen.
  void AddFree() {
    constexpr uint32_t kCount = std::min<uint32_t>(64, kMask + 1);
    QB_CHECK(used_ <= kNullHandle - kCount);
    if ((used_ & kMask) == 0) {
      if (!chunks_.empty()) JoinPages(chunks_.back().get(), kChunkBytes);
      chunks_.emplace_back(static_cast<T*>(AllocatePages(kChunkBytes)));
    }
    for (uint32_t i = kCount; i > 0; --i) free_.push_back(used_ + i - 1);
    if constexpr (kConstructed) {
      for (uint32_t i = 0; i < kCount; ++i) std::construct_at(&(*this)[used_ + i]);
    }
    used_ += kCount;
  }

  struct FreeChunk {
    void operator()(T* chunk) const { FreePages(chunk, kChunkBytes); }
  };

  std::vector<std::unique_ptr<T, FreeChunk>> chunks_;
  std::vector<uint32_t> free_;
  uint32_t used_ = 0;
};

}  // namespace quorumbook::exchange
