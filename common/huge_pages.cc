#include "common/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <limits>
#include <new>

namespace quorumbook {
namespace {

constexpr std::align_val_t kLine{64};

size_t RoundUp(size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

}  // namespace

void* AllocatePages(size_t bytes) {
  if (bytes < kHugePageBytes) return ::operator new(bytes, kLine);
  const size_t size = RoundUp(bytes);
  // Only whole huge pages can be backed by one: map one more, and give back what is around.
  void* const mapped = mmap(nullptr, size + kHugePageBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before =
      RoundUp(reinterpret_cast<uintptr_t>(begin)) - reinterpret_cast<uintptr_t>(begin);
  if (before != 0) munmap(begin, before);
  if (before != kHugePageBytes) munmap(begin + before + size, kHugePageBytes - before);
  return begin + before;
}

void FreePages(void* memory, size_t bytes) {
  if (bytes < kHugePageBytes) {
    ::operator delete(memory, kLine);
  } else {
    munmap(memory, RoundUp(bytes));
  }
}

void TrimPages(void* memory, size_t bytes, size_t kept) {
  if (kept != bytes) munmap(static_cast<std::byte*>(memory) + kept, bytes - kept);
}

void JoinPages(void* memory, size_t bytes) {
  if (bytes >= kHugePageBytes) static_cast<void>(madvise(memory, RoundUp(bytes), MADV_HUGEPAGE));
}

}  // namespace quorumbook
