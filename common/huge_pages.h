// Memory in huge pages where the system grants them. Random access to hundreds of megabytes spends
// a good part of its time on page table walks with pages of 4 KiB, and faults every 4 KiB at first.
#pragma once

#include <cstddef>
#include <limits>
#include <new>

namespace quorumbook {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

// From kHugePageBytes on, memory straight from the system: zeros, aligned to huge pages, and
// advised to be backed by them (madvise(2), MADV_HUGEPAGE; a refusal costs nothing but speed).
// Below, uninitialized memory of the heap. Throws std::bad_alloc when there is none.
void* AllocatePages(size_t bytes);
// REQUIRES: `memory` is from AllocatePages(bytes).
void FreePages(void* memory, size_t bytes);

// For containers whose elements are accessed at random.
template <typename T>
struct HugePageAllocator {
  using value_type = T;

  HugePageAllocator() = default;
  template <typename U>
  HugePageAllocator(const HugePageAllocator<U>&) {}

  T* allocate(size_t count) {
    if (count > std::numeric_limits<size_t>::max() / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(AllocatePages(count * sizeof(T)));
  }
  void deallocate(T* memory, size_t count) { FreePages(memory, count * sizeof(T)); }

  bool operator==(const HugePageAllocator&) const { return true; }
};

}  // namespace quorumbook
