// Memory for the nodes of trees: given back nodes are kept and given out again, so that a warm tree
// does not allocate.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "common/check.h"

namespace quorumbook::exchange {

// Blocks of up to kMaxBytes, cut from chunks that are kept until the pool is destroyed.
class NodePool {
 public:
  static constexpr size_t kMaxBytes = 1024;

  void* Allocate(size_t bytes) {
    QB_CHECK(bytes <= kMaxBytes);
    std::vector<void*>& kept = free_[ClassOf(bytes)];
    if (kept.empty()) return Cut(ClassOf(bytes) * kUnit);
    void* const block = kept.back();
    kept.pop_back();
    return block;
  }
  void Free(void* block, size_t bytes) { free_[ClassOf(bytes)].push_back(block); }

 private:
  static constexpr size_t kUnit = 64;  // a cache line
  static constexpr size_t kChunkBytes = size_t{64} << 10;
  struct alignas(kUnit) Unit {
    std::byte bytes[kUnit];
  };

  static size_t ClassOf(size_t bytes) { return (bytes + kUnit - 1) / kUnit; }
  void* Cut(size_t bytes) {
    if (left_ < bytes) {
      chunks_.push_back(std::make_unique_for_overwrite<Unit[]>(kChunkBytes / kUnit));
      left_ = kChunkBytes;
    }
    void* const block = &chunks_.back()[(kChunkBytes - left_) / kUnit];
    left_ -= bytes;
    return block;
  }

  std::array<std::vector<void*>, kMaxBytes / kUnit + 1> free_;  // by size in units
  std::vector<std::unique_ptr<Unit[]>> chunks_;
  size_t left_ = 0;  // bytes not cut off the last chunk
};

template <typename T>
class NodeAllocator {
 public:
  using value_type = T;

  explicit NodeAllocator(NodePool* pool) : pool_(pool) {}
  template <typename U>
  NodeAllocator(const NodeAllocator<U>& other) : pool_(other.pool()) {}

  T* allocate(size_t count) { return static_cast<T*>(pool_->Allocate(count * sizeof(T))); }
  void deallocate(T* block, size_t count) { pool_->Free(block, count * sizeof(T)); }

  NodePool* pool() const { return pool_; }
  bool operator==(const NodeAllocator&) const = default;

 private:
  NodePool* pool_;
};

}  // namespace quorumbook::exchange
