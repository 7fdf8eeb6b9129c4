#include "tests/unit/consensus/sim_disk.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace quorumbook::consensus {

void SimDisk::Submit(Persist write) {
  QB_CHECK(write.sequence == last_sequence_ + 1);
  last_sequence_ = write.sequence;
  pending_.push_back(std::move(write));
}

uint64_t SimDisk::CompleteOne() {
  QB_CHECK(!pending_.empty());
  const Persist write = std::move(pending_.front());
  pending_.pop_front();
  Apply(write);
  return write.sequence;
}

void SimDisk::Apply(const Persist& write) {
  if (write.hard_state) {
    QB_CHECK(write.hard_state->term >= hard_state_.term);
    hard_state_ = *write.hard_state;
  }
  if (write.snapshot) {
    snapshot_ = write.snapshot;
    entries_.clear();
  }
  if (write.truncate_from) {
    while (!entries_.empty() && entries_.back().index >= *write.truncate_from) entries_.pop_back();
  }
  for (const Entry& entry : write.entries) {
    // Behind its snapshot an empty log may start anywhere: the host's snapshot can be durable
    // before the entries that it covers.
    const bool gapless = entries_.empty() ? entry.index <= snapshot_index().Next()
                                          : entry.index == entries_.back().index.Next();
    QB_CHECK(gapless);
    entries_.push_back(entry);
  }
  if (write.compact_through) {
    while (!entries_.empty() && entries_.front().index <= *write.compact_through) {
      entries_.pop_front();
    }
  }
}

void SimDisk::Crash(uint64_t also_done) {
  for (uint64_t done = 0; done < also_done && !pending_.empty(); ++done) CompleteOne();
  pending_.clear();
  last_sequence_ = 0;
}

RestoredState SimDisk::Restore() {
  QB_CHECK(pending_.empty());
  return {.hard_state = hard_state_,
          .snapshot = snapshot_,
          .entries = {entries_.begin(), entries_.end()}};
}

std::optional<SnapshotMeta> SimDisk::Meta(Index index) const {
  if (snapshot_ && snapshot_->meta.index == index) return snapshot_->meta;
  if (entries_.empty() || index < entries_.front().index || index > entries_.back().index) {
    return std::nullopt;
  }
  const Entry& entry = entries_[index.value() - entries_.front().index.value()];
  return SnapshotMeta{.index = entry.index, .term = entry.term, .chain = entry.chain};
}

}  // namespace quorumbook::consensus
