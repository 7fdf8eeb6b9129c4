#include "exchange/price_levels.h"

namespace quorumbook::exchange {

LevelHandle PriceLevels::FindOrAdd(PriceKey key) {
  const auto it = tree_.lower_bound(EntryOf(key, 0));
  if (it != tree_.end() && *it <= EntryOf(key, kHandleMask)) return HandleOf(*it);
  const LevelHandle handle = memory_.levels_.Allocate();
  QB_CHECK(handle <= kHandleMask);
  memory_[handle] = Level{.key = key, .side = id_};
  tree_.insert(it, EntryOf(key, handle));
  if (key < best_key_) {
    best_ = handle;
    best_key_ = key;
  }
  return handle;
}

void PriceLevels::Remove(LevelHandle handle) {
  Level& level = memory_[handle];
  if (handle == best_) {
    tree_.erase(std::prev(tree_.end()));
    best_ = tree_.empty() ? kNullHandle : HandleOf(*tree_.rbegin());
    best_key_ = tree_.empty() ? kNoPriceKey : memory_[best_].key;
  } else {
    QB_CHECK(tree_.erase(EntryOf(level.key, handle)) == 1);
  }
  level.key = kNoPriceKey;
  memory_.levels_.Free(handle);
}

}  // namespace quorumbook::exchange
