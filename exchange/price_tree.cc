#include "exchange/price_tree.h"

#include <algorithm>

#include "common/check.h"

namespace quorumbook::exchange {
namespace {

// Moves the last `count` words of `left` before those of `right`, or the first of `right` behind
// those of `left` when `count` is negative.
void Move(PriceNode* left, PriceNode* right, int64_t count) {
  if (count >= 0) {
    const auto moved = static_cast<std::ptrdiff_t>(count);
    const auto right_end = right->words.begin() + static_cast<std::ptrdiff_t>(right->count);
    const auto left_end = left->words.begin() + static_cast<std::ptrdiff_t>(left->count);
    std::copy_backward(right->words.begin(), right_end, right_end + moved);
    std::copy(left_end - moved, left_end, right->words.begin());
    std::fill(left_end - moved, left_end, PriceNode::kUnused);
  } else {
    const auto moved = static_cast<std::ptrdiff_t>(-count);
    const auto right_end = right->words.begin() + static_cast<std::ptrdiff_t>(right->count);
    const auto left_end = left->words.begin() + static_cast<std::ptrdiff_t>(left->count);
    std::copy(right->words.begin(), right->words.begin() + moved, left_end);
    std::copy(right->words.begin() + moved, right_end, right->words.begin());
    std::fill(right_end - moved, right_end, PriceNode::kUnused);
  }
  left->count -= static_cast<uint64_t>(count);
  right->count += static_cast<uint64_t>(count);
}

}  // namespace

void PriceNode::Insert(uint32_t at, uint64_t word) {
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy_backward(words.begin() + at, end, end + 1);
  words[at] = word;
  ++count;
}

void PriceNode::Erase(uint32_t at) {
  std::copy(words.begin() + at + 1, words.begin() + static_cast<std::ptrdiff_t>(count),
            words.begin() + at);
  words[--count] = kUnused;
}

uint32_t PriceTree::NewNode() {
  const uint32_t handle = nodes_.Allocate();
  QB_CHECK(handle <= kHandleMask);
  nodes_[handle].Clear();
  return handle;
}

PriceTree::Path PriceTree::PathTo(uint64_t word) const {
  Path path;
  uint32_t node = root_;
  for (unsigned height = height_;; --height) {
    // A search in a node that is not in the cache would wait for several of its lines in turn.
    nodes_.PrefetchWhole(node);
    path.nodes[height] = node;
    path.slots[height] = nodes_[node].LowerBound(word & ~kHandleMask);
    if (height == 0) return path;
    node = HandleOf(nodes_[node].words[path.slots[height]]);
  }
}

uint64_t PriceTree::FindOrInsert(uint64_t word) {
  if (root_ == kNullHandle) root_ = last_leaf_ = NewNode();
  if (InLastLeaf(word)) {
    PriceNode& leaf = nodes_[last_leaf_];
    const uint32_t at = leaf.LowerBound(word & ~kHandleMask);
    if (HasKey(leaf, at, word)) return leaf.words[at];
    if (leaf.count < PriceNode::kCapacity) {
      ++size_;
      leaf.Insert(at, word);
      return 0;
    }
  }
  Path path = PathTo(word);
  PriceNode& leaf = nodes_[path.nodes[0]];
  if (HasKey(leaf, path.slots[0], word)) return leaf.words[path.slots[0]];
  ++size_;
  if (leaf.count < PriceNode::kCapacity) {
    leaf.Insert(path.slots[0], word);
  } else {
    SplitAndInsert(&path, 0, path.slots[0], word);
  }
  return 0;
}

void PriceTree::SplitAndInsert(Path* path, unsigned height, uint32_t at, uint64_t word) {
  const uint32_t left_handle = path->nodes[height];
  const uint32_t right_handle = NewNode();
  PriceNode& left = nodes_[left_handle];
  PriceNode& right = nodes_[right_handle];
  // What grows at its end leaves full nodes behind.
  const bool at_end = left_handle == last_leaf_ && at == left.count;
  Move(&left, &right, at_end ? 0 : static_cast<int64_t>(left.count / 2));
  if (at_end || at > left.count) {
    right.Insert(static_cast<uint32_t>(at - left.count), word);
  } else {
    left.Insert(at, word);
  }
  if (left_handle == last_leaf_) last_leaf_ = right_handle;
  AddChild(path, height + 1, left.words[left.count - 1], right_handle);
}

void PriceTree::AddChild(Path* path, unsigned height, uint64_t last, uint32_t right) {
  if (height > height_) {
    QB_CHECK(height_ < kMaxHeight);
    const uint32_t handle = NewNode();
    PriceNode& root = nodes_[handle];
    root.Insert(0, Join(last, root_));
    root.Insert(1, Join(~uint64_t{0}, right));
    root_ = handle;
    ++height_;
    return;
  }
  PriceNode& parent = nodes_[path->nodes[height]];
  const uint32_t at = path->slots[height];
  const uint64_t left = Join(last, HandleOf(parent.words[at]));
  parent.words[at] = Join(parent.words[at], right);
  if (parent.count < PriceNode::kCapacity) {
    parent.Insert(at, left);
  } else {
    SplitAndInsert(path, height, at, left);
  }
}

void PriceTree::Erase(uint64_t word) {
  --size_;
  PriceNode& last = nodes_[last_leaf_];
  if (InLastLeaf(word) && (height_ == 0 || last.count > kFew)) {
    const uint32_t at = last.LowerBound(word);
    QB_CHECK(at < last.count && last.words[at] == word);
    last.Erase(at);
    return;
  }
  Path path = PathTo(word);
  PriceNode& leaf = nodes_[path.nodes[0]];
  const uint32_t at = path.slots[0];
  QB_CHECK(at < leaf.count && leaf.words[at] == word);
  leaf.Erase(at);
  if (leaf.count < kFew && height_ > 0) Mend(&path, 0);
}

void PriceTree::Mend(Path* path, unsigned height) {
  PriceNode& parent = nodes_[path->nodes[height + 1]];
  const uint32_t slot = path->slots[height + 1];
  const uint32_t at = slot + 1 < parent.count ? slot : slot - 1;  // of the left one of the two
  const uint32_t left_handle = HandleOf(parent.words[at]);
  const uint32_t right_handle = HandleOf(parent.words[at + 1]);
  PriceNode& left = nodes_[left_handle];
  PriceNode& right = nodes_[right_handle];
  const uint64_t sum = left.count + right.count;
  if (sum > kMostAfterJoining) {
    if (nodes_[path->nodes[height]].count > 1) return;
    Move(&left, &right, static_cast<int64_t>(left.count) - static_cast<int64_t>(sum / 2));
    parent.words[at] = Join(left.words[left.count - 1], left_handle);
    return;
  }
  Move(&left, &right, -static_cast<int64_t>(right.count));
  parent.words[at + 1] = Join(parent.words[at + 1], left_handle);
  parent.Erase(at);
  nodes_.Free(right_handle);
  if (last_leaf_ == right_handle) last_leaf_ = left_handle;
  if (height + 1 < height_) {
    if (parent.count < kFew) Mend(path, height + 1);
  } else if (parent.count == 1) {
    nodes_.Free(root_);
    root_ = left_handle;
    --height_;
  }
}

}  // namespace quorumbook::exchange
