// The disk of one replica: what is durable, and the writes that are not yet.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "consensus/invariants.h"
#include "consensus/output.h"
#include "consensus/raft.h"

namespace quorumbook::consensus {

// Holds the core to the contract of Persist: sequences count up, the log on the disk has no gap.
class SimDisk : public DurableView {
 public:
  void Submit(Persist write);
  bool idle() const { return pending_.empty(); }
  uint64_t pending() const { return pending_.size(); }
  // The oldest write becomes durable; returns its sequence. REQUIRES: !idle().
  uint64_t CompleteOne();
  // The host's own write of a snapshot of what it applied: durable at once.
  void StoreSnapshot(const Snapshot& snapshot) { snapshot_ = snapshot; }
  // Power is lost after `also_done` of the pending writes reached the platter. Nobody was told.
  void Crash(uint64_t also_done);
  RestoredState Restore();

  HardState hard_state() const override { return hard_state_; }
  std::optional<SnapshotMeta> Meta(Index index) const override;
  Index snapshot_index() const override { return snapshot_ ? snapshot_->meta.index : Index(); }
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  void Apply(const Persist& write);

  HardState hard_state_;
  std::optional<Snapshot> snapshot_;
  std::deque<Entry> entries_;
  std::deque<Persist> pending_;
  uint64_t last_sequence_ = 0;
};

}  // namespace quorumbook::consensus
