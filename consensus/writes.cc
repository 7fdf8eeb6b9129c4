#include "consensus/writes.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace quorumbook::consensus {

void Writes::VoteChanged() {
  vote_changed_ = true;
  vote_sequence_ = next_sequence();
}

// A write under way may still bring the old entries after `index` to the disk; they are not those
// of the log in memory any more.
void Writes::ForgetAfter(Index index) {
  if (Planted(mutant_, Mutant::kDurableOverTruncation)) return;
  durable_ = std::min(durable_, index);
  for (UnderWay& write : under_way_) write.last = std::min(write.last, index);
}

void Writes::TruncateFrom(Index index) {
  ForgetAfter(index.Previous());
  std::vector<Entry>& entries = pending_.entries;
  const bool only_pending = !entries.empty() && entries.front().index < index;
  while (!entries.empty() && entries.back().index >= index) entries.pop_back();
  if (only_pending) return;
  pending_.truncate_from = std::min(pending_.truncate_from.value_or(index), index);
}

void Writes::Install(const Snapshot& snapshot, Index commit) {
  ForgetAfter(commit);
  pending_.snapshot = snapshot;
  pending_.truncate_from.reset();
  pending_.entries.clear();
  pending_.compact_through.reset();
}

std::optional<Persist> Writes::Take(const HardState& current, Index last, Instant now) {
  if (!vote_changed_ && !pending_.snapshot && !pending_.truncate_from && pending_.entries.empty() &&
      !pending_.compact_through) {
    return std::nullopt;
  }
  Persist taken = std::exchange(pending_, {});
  taken.sequence = ++taken_;
  // The commit index rides along with what is written anyway.
  if (current != written_) taken.hard_state = current;
  written_ = current;
  vote_changed_ = false;
  under_way_.push_back({.sequence = taken.sequence, .last = last, .taken_at = now});
  return taken;
}

void Writes::Complete(uint64_t sequence) {
  QB_CHECK(!under_way_.empty() && under_way_.front().sequence == sequence);
  durable_ = std::max(durable_, under_way_.front().last);
  completed_ = sequence;
  under_way_.pop_front();
}

std::optional<Instant> Writes::oldest_taken_at() const {
  if (under_way_.empty()) return std::nullopt;
  return under_way_.front().taken_at;
}

}  // namespace quorumbook::consensus
