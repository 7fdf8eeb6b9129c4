// Linearizable reads that wait for a leader to confirm that it still leads (6.4).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "consensus/output.h"

namespace quorumbook::consensus {

// Reads share rounds: at most one is under way, and what arrives meanwhile shares the next. A read
// never joins a round that was started before it: the answers may be older than the read.
class ReadQueue {
 public:
  void Add(uint64_t id) { waiting_.push_back(id); }

  bool idle() const { return waiting_.empty() && confirming_.empty(); }
  // Of the round under way, or the latest.
  Index index() const { return index_; }
  bool WantsRound() const { return round_ == 0 && !waiting_.empty(); }

  // All waiting reads are confirmed by answers to `round`, which is sent now. `index` is the
  // commit index of now. REQUIRES: WantsRound(), round > 0.
  void StartRound(uint64_t round, Index index) {
    round_ = round;
    index_ = index;
    confirming_ = std::exchange(waiting_, {});
  }

  // A majority has answered `round` or a later one.
  void Confirm(uint64_t round, std::vector<ReadReady>* ready) {
    if (round_ == 0 || round < round_) return;
    for (uint64_t id : confirming_) ready->push_back({.id = id, .index = index_});
    confirming_.clear();
    round_ = 0;
  }

  void FailAll(std::vector<uint64_t>* failed) {
    failed->insert(failed->end(), confirming_.begin(), confirming_.end());
    failed->insert(failed->end(), waiting_.begin(), waiting_.end());
    confirming_.clear();
    waiting_.clear();
    round_ = 0;
  }

 private:
  std::vector<uint64_t> waiting_;
  std::vector<uint64_t> confirming_;
  uint64_t round_ = 0;  // 0: none under way
  Index index_;
};

}  // namespace quorumbook::consensus
