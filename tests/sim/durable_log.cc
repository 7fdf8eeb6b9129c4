#include "tests/sim/durable_log.h"

#include <algorithm>

#include "common/check.h"

namespace quorumbook::sim {

using consensus::Index;
using consensus::SnapshotMeta;

namespace {

SnapshotMeta MetaOf(const consensus::Entry& entry) {
  return {.index = entry.index, .term = entry.term, .chain = entry.chain};
}

}  // namespace

DurableChange::DurableChange(const consensus::Persist& persist)
    : sequence(persist.sequence),
      hard_state(persist.hard_state),
      truncate_from(persist.truncate_from),
      compact_through(persist.compact_through) {
  if (persist.snapshot) snapshot = persist.snapshot->meta;
  entries.reserve(persist.entries.size());
  for (const consensus::Entry& entry : persist.entries) entries.push_back(MetaOf(entry));
}

std::optional<SnapshotMeta> DurableLog::Meta(Index index) const {
  if (index > base_ && index <= last()) return entries_[index.value() - base_.value() - 1];
  if (index == snapshot_.index && index != Index()) return snapshot_;
  return std::nullopt;
}

void DurableLog::Apply(const DurableChange& change) {
  if (change.hard_state) hard_state_ = *change.hard_state;
  if (change.snapshot) {
    snapshot_ = *change.snapshot;
    base_ = snapshot_.index;
    entries_.clear();
  }
  if (change.truncate_from) {
    while (!entries_.empty() && last() >= *change.truncate_from) entries_.pop_back();
  }
  for (const SnapshotMeta& meta : change.entries) {
    if (entries_.empty()) base_ = meta.index.Previous();
    QB_CHECK(meta.index == last().Next());
    entries_.push_back(meta);
  }
  if (change.compact_through) DropThrough(*change.compact_through);
}

void DurableLog::SaveSnapshot(const SnapshotMeta& meta) {
  if (meta.index > snapshot_.index) snapshot_ = meta;
}

void DurableLog::DropThrough(Index index) {
  while (!entries_.empty() && base_ < index) {
    entries_.pop_front();
    base_ = base_.Next();
  }
}

void DurableLog::Restore(const consensus::RestoredState& state) {
  hard_state_ = state.hard_state;
  snapshot_ = state.snapshot ? state.snapshot->meta : SnapshotMeta{};
  base_ = state.entries.empty() ? snapshot_.index : state.entries.front().index.Previous();
  entries_.clear();
  for (const consensus::Entry& entry : state.entries) entries_.push_back(MetaOf(entry));
}

}  // namespace quorumbook::sim
