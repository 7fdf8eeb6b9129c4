// Large pieces of memory that are touched at random, in huge pages where the system grants them:
// with pages of 4 KiB a good part of the time would go into page table walks.
#pragma once

#include <cstddef>

namespace quorumbook {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

// From kHugePageBytes on, memory straight from the system: zeros, aligned to huge pages, but in
// small ones at first. A huge page is cleared whole when it is touched first, which holds up its
// user for a third of a millisecond, or for three where a hypervisor has to find the memory; small
// ones share that out. Below, uninitialized memory of the heap. Throws std::bad_alloc when there is
// none.
void* AllocatePages(size_t bytes);
// REQUIRES: `memory` is from AllocatePages(bytes).
void FreePages(void* memory, size_t bytes);
// Gives back what is beyond the first `kept` bytes: afterwards it is from AllocatePages(kept).
// REQUIRES: both are multiples of kHugePageBytes, 0 < kept <= bytes.
void TrimPages(void* memory, size_t bytes, size_t kept);
// To be called once most of the memory is in use: lets the system replace its pages by huge ones,
// in the background (madvise(2), MADV_HUGEPAGE; a refusal costs nothing but speed). REQUIRES:
// `memory` is from AllocatePages(bytes).
void JoinPages(void* memory, size_t bytes);

}  // namespace quorumbook
