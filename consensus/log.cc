#include "consensus/log.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace quorumbook::consensus {

const Log::Slot& Log::slot(Index index) const {
  QB_CHECK(index > base_.index && index <= last());
  return slots_[index.value() - base_.index.value() - 1];
}

std::optional<SnapshotMeta> Log::Meta(Index index) const {
  if (index == base_.index) return base_;
  if (index < base_.index || index > last()) return std::nullopt;
  return MetaOf(at(index));
}

Index Log::LastAtMost(Index index, Term term) const {
  index = std::min(index, last());
  if (index <= base_.index) return index;
  const auto end = slots_.begin() + static_cast<ptrdiff_t>(index.value() - base_.index.value());
  const auto after = std::partition_point(
      slots_.begin(), end, [term](const Slot& slot) { return slot.entry.term <= term; });
  return Index(base_.index.value() + static_cast<uint64_t>(after - slots_.begin()));
}

std::vector<Entry> Log::Slice(Index from, Index through, uint64_t max_bytes) const {
  QB_CHECK(from >= first() && from <= through && through <= last());
  const uint64_t start = EndOffset(from.Previous());
  std::vector<Entry> entries;
  for (Index index = from; index <= through; index = index.Next()) {
    const Slot& next = slot(index);
    if (!entries.empty() && next.end - start > max_bytes) break;
    entries.push_back(next.entry);
  }
  return entries;
}

void Log::Append(Entry entry) {
  QB_CHECK(entry.index == last().Next() && entry.term >= last_meta().term);
  QB_CHECK(entry.payload != nullptr);
  const uint64_t end = EndOffset(last()) + BytesOf(entry);
  slots_.push_back({.entry = std::move(entry), .end = end});
}

void Log::TruncateFrom(Index index) {
  QB_CHECK(index >= first());
  while (last() >= index) slots_.pop_back();
}

void Log::CompactThrough(Index index) {
  QB_CHECK(index <= last());
  while (base_.index < index) {
    base_ = MetaOf(slots_.front().entry);
    base_end_ = slots_.front().end;
    slots_.pop_front();
  }
}

void Log::Reset(const SnapshotMeta& base) {
  slots_.clear();
  base_ = base;
}

Index Log::CutKeeping(Index through, uint64_t keep_bytes) const {
  QB_CHECK(through >= base_.index && through <= last());
  const uint64_t end = EndOffset(through);
  if (end - base_end_ <= keep_bytes) return base_.index;
  const auto stop = slots_.begin() + static_cast<ptrdiff_t>(through.value() - base_.index.value());
  const auto cut = std::partition_point(
      slots_.begin(), stop, [&](const Slot& slot) { return end - slot.end > keep_bytes; });
  return cut == stop ? through : cut->entry.index;
}

}  // namespace quorumbook::consensus
