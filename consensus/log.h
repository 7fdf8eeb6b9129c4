// The log in memory: everything after `base`, the last entry that was compacted away.
//
// Entries share their payloads with messages, disk writes and the state machine. All look-ups by
// index take constant time; those by term or size are binary searches.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "consensus/types.h"

namespace quorumbook::consensus {

class Log {
 public:
  // What an entry costs in memory and in a message beside its payload, roughly.
  static constexpr uint64_t kEntryOverheadBytes = 64;

  static uint64_t BytesOf(const Entry& entry) {
    return entry.payload->size() + kEntryOverheadBytes;
  }

  // An empty log that starts after `base`.
  explicit Log(const SnapshotMeta& base) : base_(base) {}

  const SnapshotMeta& base() const { return base_; }
  Index first() const { return base_.index.Next(); }
  // base().index when there are no entries.
  Index last() const { return Index(base_.index.value() + slots_.size()); }
  SnapshotMeta last_meta() const { return slots_.empty() ? base_ : MetaOf(slots_.back().entry); }

  // REQUIRES: first() <= index <= last().
  const Entry& at(Index index) const { return slot(index).entry; }
  // Empty before base() and after last().
  std::optional<SnapshotMeta> Meta(Index index) const;
  bool Contains(const SnapshotMeta& meta) const { return Meta(meta.index) == meta; }

  // The last entry at or before `index` (at most last()) whose term is at most `term`; terms never
  // decrease along a log. Not below base(), about which nothing is known; an `index` below base()
  // is returned as it is.
  Index LastAtMost(Index index, Term term) const;

  // Entries from `from` on, up to `through` and as many as fit in max_bytes, but at least one.
  // REQUIRES: first() <= from <= through <= last().
  std::vector<Entry> Slice(Index from, Index through, uint64_t max_bytes) const;

  // REQUIRES: entry.index == last() + 1, its term not lower than the last one's.
  void Append(Entry entry);
  // Drops the entries from `index` on. REQUIRES: index >= first().
  void TruncateFrom(Index index);
  // Drops the entries up to and including `index`. REQUIRES: index <= last().
  void CompactThrough(Index index);
  // Drops all and starts after `base`.
  void Reset(const SnapshotMeta& base);

  // The lowest index such that the entries after it up to `through` take at most `keep_bytes`.
  // REQUIRES: base().index <= through <= last().
  Index CutKeeping(Index through, uint64_t keep_bytes) const;

  uint64_t bytes() const { return BytesAfter(base_.index); }
  // Of the entries after `index`. REQUIRES: base().index <= index <= last().
  uint64_t BytesAfter(Index index) const { return EndOffset(last()) - EndOffset(index); }

 private:
  struct Slot {
    Entry entry;
    uint64_t end = 0;  // bytes of all entries ever appended up to and including this one
  };

  static SnapshotMeta MetaOf(const Entry& entry) {
    return {.index = entry.index, .term = entry.term, .chain = entry.chain};
  }
  const Slot& slot(Index index) const;
  uint64_t EndOffset(Index index) const {
    return index == base_.index ? base_end_ : slot(index).end;
  }

  SnapshotMeta base_;
  uint64_t base_end_ = 0;
  std::deque<Slot> slots_;
};

}  // namespace quorumbook::consensus
