#include "exchange/book_side.h"

#include "common/check.h"

namespace quorumbook::exchange {

void BookSide::Append(OrderHandle handle) {
  Order& order = memory_.orders[handle];
  order.level = LevelAt(KeyOf(order.price));
  Level& level = memory_.levels[order.level];
  order.next = kNullHandle;
  order.previous = level.last;
  (level.last == kNullHandle ? level.first : memory_.orders[level.last].next) = handle;
  level.last = handle;
  level.quantity += order.leaves();
  ++level.orders;
}

void BookSide::Remove(OrderHandle handle) {
  Order& order = memory_.orders[handle];
  Level& level = memory_.levels[order.level];
  (order.previous == kNullHandle ? level.first : memory_.orders[order.previous].next) = order.next;
  (order.next == kNullHandle ? level.last : memory_.orders[order.next].previous) = order.previous;
  level.quantity -= order.quantity - order.executed;
  if (--level.orders == 0) {
    QB_CHECK(level.quantity == 0);
    RemoveLevel(order.level);
  }
  order.level = kNullHandle;
}

PricePage& BookSide::PageOf(uint64_t number) {
  PricePage*& recent = RecentPage(number);
  if (recent != nullptr && recent->number == number) [[likely]] {
    return *recent;
  }
  Pages::insert_commit_data place;
  const auto [it, absent] = pages_.insert_check(number, place);
  if (absent) {
    const uint32_t handle = memory_.pages.Allocate();
    PricePage& page = memory_.pages[handle];
    page.number = number;
    page.occupied = 0;
    page.handle = handle;
    pages_.insert_commit(page, place);
    recent = &page;
  } else {
    recent = &*it;
  }
  return *recent;
}

LevelHandle BookSide::LevelAt(PriceKey key) {
  if (key == best_key_) return best_;
  PricePage& page = PageOf(key >> PricePage::kBits);
  const unsigned slot = key % PricePage::kSize;
  if ((page.occupied >> slot & 1) != 0) return page.levels[slot];
  const LevelHandle handle = memory_.levels.Allocate();
  memory_.levels[handle] = Level{.key = key};
  page.levels[slot] = handle;
  page.occupied |= uint64_t{1} << slot;
  ++levels_;
  if (key < best_key_) {
    best_ = handle;
    best_key_ = key;
  }
  return handle;
}

void BookSide::RemoveLevel(LevelHandle handle) {
  const PriceKey key = memory_.levels[handle].key;
  PricePage& page = PageOf(key >> PricePage::kBits);
  page.occupied &= ~(uint64_t{1} << key % PricePage::kSize);
  memory_.levels.Free(handle);
  --levels_;
  if (page.occupied == 0) {
    RecentPage(page.number) = nullptr;
    pages_.erase(pages_.iterator_to(page));
    memory_.pages.Free(page.handle);
  }
  if (handle == best_) FindBest();
}

void BookSide::FindBest() {
  if (pages_.empty()) {
    best_ = kNullHandle;
    best_key_ = kNoPriceKey;
    return;
  }
  const PricePage& page = *pages_.begin();
  const int slot = std::countr_zero(page.occupied);
  best_ = page.levels[static_cast<size_t>(slot)];
  best_key_ = page.number * PricePage::kSize + static_cast<unsigned>(slot);
}

}  // namespace quorumbook::exchange
