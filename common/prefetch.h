// Asking for memory ahead of its use.
#pragma once

namespace quorumbook {

// Brings the line at `address` into the cache; any address is fine.
inline void Prefetch(const void* address) {
  __builtin_prefetch(address);
  // GCC takes a function that only prefetches for one without effects and drops calls of it; an
  // empty volatile statement is an effect.
  asm volatile("" : : "r"(address));
}

}  // namespace quorumbook
