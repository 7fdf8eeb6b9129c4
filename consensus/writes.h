// What was asked of the disk and what has come back.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "consensus/mutant.h"
#include "consensus/output.h"

namespace quorumbook::consensus {

// Gathers changes into the next Persist and follows those under way. Promises are conservative:
// `durable()` never counts an entry that a later change has replaced.
class Writes {
 public:
  // `durable`: last index of the restored log. `written`: the restored hard state.
  Writes(Index durable, const HardState& written, Mutant mutant = Mutant::kNone)
      : durable_(durable), written_(written), mutant_(mutant) {}

  // Term or vote have changed; the values are taken when the Persist is.
  void VoteChanged();
  void Append(const Entry& entry) { pending_.entries.push_back(entry); }
  // The log is cut from `index` on, in memory already.
  void TruncateFrom(Index index);
  // The log is replaced by a snapshot. Entries up to `commit`, the commit index before it, are
  // part of the snapshot.
  void Install(const Snapshot& snapshot, Index commit);
  void CompactThrough(Index index) { pending_.compact_through = index; }

  // The next Persist if there is anything to write. `last`: of the log in memory.
  std::optional<Persist> Take(const HardState& current, Index last, Instant now);
  // REQUIRES: the oldest one under way.
  void Complete(uint64_t sequence);

  // The log in memory is on the disk up to here.
  Index durable() const { return durable_; }
  // Term and vote in memory are on the disk.
  bool vote_durable() const { return completed_ >= vote_sequence_; }
  // Whether the change that is gathered now will have, or the Persist that was taken had, this
  // sequence and is complete.
  bool IsComplete(uint64_t sequence) const { return completed_ >= sequence; }
  uint64_t next_sequence() const { return taken_ + 1; }
  // When the oldest write under way was taken; empty when there is none.
  std::optional<Instant> oldest_taken_at() const;

 private:
  struct UnderWay {
    uint64_t sequence = 0;
    Index last;  // the log is durable up to here once it is complete
    Instant taken_at{};
  };

  void ForgetAfter(Index index);

  Persist pending_;
  bool vote_changed_ = false;
  std::deque<UnderWay> under_way_;
  Index durable_;
  HardState written_;
  Mutant mutant_;
  uint64_t taken_ = 0;
  uint64_t completed_ = 0;
  uint64_t vote_sequence_ = 0;
};

}  // namespace quorumbook::consensus
