// A pool of objects that never move, named by 32-bit handles: half the size of a pointer, and the
// same in every process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/check.h"

namespace quorumbook::exchange {

inline constexpr uint32_t kNullHandle = UINT32_MAX;

// Memory is taken in chunks of 2^kChunkBits objects and kept until the slab is destroyed, so that
// a warm slab does not allocate.
template <typename T, unsigned kChunkBits = 12>
class Slab {
 public:
  T& operator[](uint32_t handle) { return chunks_[handle >> kChunkBits][handle & kMask]; }
  const T& operator[](uint32_t handle) const {
    return chunks_[handle >> kChunkBits][handle & kMask];
  }

  // The object holds what its last user left there: the caller sets every field. The most recently
  // freed comes first, because it is likely in cache.
  uint32_t Allocate() {
    if (!free_.empty()) {
      const uint32_t handle = free_.back();
      free_.pop_back();
      return handle;
    }
    QB_CHECK(used_ != kNullHandle);
    if ((used_ & kMask) == 0) chunks_.push_back(std::make_unique<T[]>(size_t{1} << kChunkBits));
    return used_++;
  }

  // REQUIRES: `handle` is allocated.
  void Free(uint32_t handle) { free_.push_back(handle); }

 private:
  static constexpr uint32_t kMask = (uint32_t{1} << kChunkBits) - 1;

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<uint32_t> free_;
  uint32_t used_ = 0;
};

}  // namespace quorumbook::exchange
