// What one member of a group has promised to remember: the writes that its disk reported as
// durable, without the contents.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "consensus/invariants.h"
#include "consensus/output.h"
#include "consensus/raft.h"

namespace quorumbook::sim {

// A Persist without the payloads.
struct DurableChange {
  explicit DurableChange(const consensus::Persist& persist);

  uint64_t sequence = 0;
  std::optional<consensus::HardState> hard_state;
  std::optional<consensus::SnapshotMeta> snapshot;
  std::optional<consensus::Index> truncate_from;
  std::vector<consensus::SnapshotMeta> entries;
  std::optional<consensus::Index> compact_through;
};

class DurableLog : public consensus::DurableView {
 public:
  consensus::HardState hard_state() const override { return hard_state_; }
  std::optional<consensus::SnapshotMeta> Meta(consensus::Index index) const override;
  consensus::Index snapshot_index() const override { return snapshot_.index; }

  void Apply(const DurableChange& change);
  void SaveSnapshot(const consensus::SnapshotMeta& meta);
  // After a start: what the disk gave back.
  void Restore(const consensus::RestoredState& state);

  consensus::Index last() const {
    return entries_.empty() ? base_ : consensus::Index(base_.value() + entries_.size());
  }

 private:
  void DropThrough(consensus::Index index);

  consensus::HardState hard_state_;
  consensus::SnapshotMeta snapshot_;
  consensus::Index base_;  // the entry before the first of entries_
  std::deque<consensus::SnapshotMeta> entries_;
};

}  // namespace quorumbook::sim
