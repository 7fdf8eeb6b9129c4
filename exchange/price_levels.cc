#include "exchange/price_levels.h"

namespace quorumbook::exchange {

LevelHandle PriceLevels::FindOrAdd(PriceKey key) {
  const LevelHandle handle = memory_.levels_.Allocate();
  QB_CHECK(handle <= PriceTree::kHandleMask);
  if (const uint64_t found = tree_.FindOrInsert(WordOf(key, handle)); found != 0) {
    memory_.levels_.Free(handle);
    return HandleOf(found);
  }
  Level& level = memory_[handle];
  level.key = key;
  level.quantity = 0;
  level.first = level.last = kNullHandle;
  level.orders = 0;
  level.side = id_;
  if (key < best_key_) {
    best_ = handle;
    best_key_ = key;
  }
  return handle;
}

void PriceLevels::Remove(LevelHandle handle) {
  Level& level = memory_[handle];
  tree_.Erase(WordOf(level.key, handle));
  LevelMemory::RecentLevel& recent = memory_.Recent(id_, level.key);
  if (recent.handle == handle) recent = {};
  memory_.levels_.Free(handle);
  if (handle != best_) return;
  if (tree_.size() == 0) {
    best_ = kNullHandle;
    best_key_ = kNoPriceKey;
  } else {
    best_ = HandleOf(tree_.last());
    best_key_ = KeyOf(tree_.last());
  }
}

}  // namespace quorumbook::exchange
