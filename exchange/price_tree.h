// An ordered set of 64-bit words: a B+ tree whose nodes are pieces of 512 bytes.
//
// A word is a key of 40 bits above and a handle of 24 below; keys are unique. It is made for what
// comes and goes at its end: the last leaf is at hand, so that words near the end cost no search
// of the tree, and adding after the last one moves nothing. Searching a node takes no branch that
// depends on what is found: such a branch is guessed wrong half of the time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "exchange/slab.h"

namespace quorumbook::exchange {

// Of a leaf the words of the set, ascending. Of an inner node its children: the handle of each,
// with a key that no key below the child exceeds, and that all of the next child exceed.
struct PriceNode {
  static constexpr uint32_t kCapacity = 63;
  static constexpr uint64_t kUnused = UINT64_MAX;

  std::array<uint64_t, kCapacity> words;  // from `count` on kUnused
  uint64_t count;

  // Of the first word not below `word`; count when there is none.
  uint32_t LowerBound(uint64_t word) const {
    constexpr uint32_t kLine = 8;  // words
    uint32_t line = 0;
#pragma GCC unroll 8
    for (uint32_t i = kLine - 1; i < kCapacity; i += kLine) line += words[i] < word;
    const uint64_t* const first = words.data() + kLine * line;
    uint32_t within = 0;
#pragma GCC unroll 8
    for (uint32_t i = 0; i < kLine - 1; ++i) within += first[i] < word;
    return kLine * line + within;
  }
  void Clear() {
    words.fill(kUnused);
    count = 0;
  }
  void Insert(uint32_t at, uint64_t word);
  void Erase(uint32_t at);
};
static_assert(sizeof(PriceNode) == 512);

class PriceTree {
 public:
  static constexpr unsigned kHandleBits = 24;
  static constexpr uint64_t kHandleMask = (uint64_t{1} << kHandleBits) - 1;

  // REQUIRES: `nodes` outlives it.
  explicit PriceTree(Slab<PriceNode>* nodes) : nodes_(*nodes) {}
  PriceTree(const PriceTree&) = delete;
  PriceTree& operator=(const PriceTree&) = delete;

  size_t size() const { return size_; }
  // REQUIRES: it is not empty.
  uint64_t last() const {
    const PriceNode& leaf = nodes_[last_leaf_];
    return leaf.words[leaf.count - 1];
  }

  // The word with the key of `word`; or 0, which is in no set, when there is none, and then `word`
  // is inserted. REQUIRES: it is not 0.
  uint64_t FindOrInsert(uint64_t word);
  // REQUIRES: it is in the set.
  void Erase(uint64_t word);

  // Calls `visit(word)` from the last word down while it returns true.
  template <typename Visitor>
  void ForEachDown(Visitor&& visit) const {
    if (size_ != 0) VisitDown(root_, height_, visit);
  }

 private:
  static constexpr unsigned kMaxHeight = 12;
  // A node with fewer is joined with a neighbour when both together leave some room.
  static constexpr uint64_t kFew = PriceNode::kCapacity / 4;
  static constexpr uint64_t kMostAfterJoining = PriceNode::kCapacity * 3 / 4;

  // From the root down: at height h the node, and which child was taken. Height 0 is the leaf.
  struct Path {
    std::array<uint32_t, kMaxHeight + 1> nodes;
    std::array<uint32_t, kMaxHeight + 1> slots;
  };

  // Whether a word of that key is, or would be, in the last leaf.
  bool InLastLeaf(uint64_t word) const {
    return height_ == 0 || nodes_[last_leaf_].words[0] <= (word | kHandleMask);
  }
  static uint32_t HandleOf(uint64_t word) { return static_cast<uint32_t>(word & kHandleMask); }
  static bool HasKey(const PriceNode& leaf, uint32_t at, uint64_t word) {
    return at < leaf.count && (leaf.words[at] ^ word) <= kHandleMask;
  }
  // `key`'s key with `handle`.
  static uint64_t Join(uint64_t key, uint32_t handle) { return (key & ~kHandleMask) | handle; }

  uint32_t NewNode();
  Path PathTo(uint64_t word) const;
  // Makes room in a full node of the path and puts `word` at its place there.
  void SplitAndInsert(Path* path, unsigned height, uint32_t at, uint64_t word);
  // Enters `right`, which the node of the path at height - 1 was split into, above them. `last` is
  // the last word that stayed on the left.
  void AddChild(Path* path, unsigned height, uint64_t last, uint32_t right);
  // Joins or evens out the node of the path at `height`, which has few words, and a neighbour.
  void Mend(Path* path, unsigned height);

  template <typename Visitor>
  bool VisitDown(uint32_t handle, unsigned height, Visitor& visit) const {
    const PriceNode& node = nodes_[handle];
    for (uint64_t i = node.count; i > 0; --i) {
      const uint64_t word = node.words[i - 1];
      if (height == 0 ? !visit(word) : !VisitDown(HandleOf(word), height - 1, visit)) return false;
    }
    return true;
  }

  Slab<PriceNode>& nodes_;
  uint32_t root_ = kNullHandle;       // null until there was a word
  uint32_t last_leaf_ = kNullHandle;  // likewise
  unsigned height_ = 0;               // of the root above the leaves
  size_t size_ = 0;
};

}  // namespace quorumbook::exchange
