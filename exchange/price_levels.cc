#include "exchange/price_levels.h"

namespace quorumbook::exchange {

LevelHandle PriceLevels::FindOrAdd(PriceKey key) {
  // Better than the best is new.
  if (best_ != kNullHandle && key > best_key_) {
    const uint64_t found = tree_.Find(WordOf(key, 0));
    if (found != 0) return HandleOf(found);
  }
  const LevelHandle handle = memory_.levels_.Allocate();
  QB_CHECK(handle <= PriceTree::kHandleMask);
  Level& level = memory_[handle];
  level.key = key;
  level.quantity = 0;
  level.first = level.last = kNullHandle;
  level.orders = 0;
  level.side = id_;
  tree_.Insert(WordOf(key, handle));
  if (key < best_key_) {
    best_ = handle;
    best_key_ = key;
  }
  return handle;
}

void PriceLevels::Remove(LevelHandle handle) {
  Level& level = memory_[handle];
  tree_.Erase(WordOf(level.key, handle));
  level.key = kNoPriceKey;
  memory_.levels_.Free(handle);
  if (handle != best_) return;
  best_ = tree_.size() == 0 ? kNullHandle : HandleOf(tree_.last());
  best_key_ = best_ == kNullHandle ? kNoPriceKey : memory_[best_].key;
}

}  // namespace quorumbook::exchange
