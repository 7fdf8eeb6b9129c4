// When a leader may trust that nobody else leads, without asking (6.4.1).
//
// A follower that hears its leader helps no other one for an election timeout. A quorum that has
// answered a round of heartbeats heard it no earlier than that round was sent, so that from there
// on, for an election timeout by clocks that run alike, no other leader can be elected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "consensus/types.h"

namespace quorumbook::consensus {

class Lease {
 public:
  // A round of heartbeats goes out. Counts up.
  void RoundSent(uint64_t round, Instant now) {
    if (sent_.size() < kRoundsMax) sent_.push_back({.round = round, .at = now});
  }
  // A quorum has answered `round` or a later one.
  void RoundAnswered(uint64_t round) {
    while (!sent_.empty() && sent_.front().round <= round) {
      begin_ = sent_.front().at;
      held_ = true;
      sent_.pop_front();
    }
  }
  // Nothing that was promised until now counts.
  void Reset() {
    sent_.clear();
    held_ = false;
  }
  bool Holds(Instant now, Duration duration) const { return held_ && now - begin_ < duration; }

 private:
  // Rounds under way that are followed; later ones prolong the lease when these are answered.
  static constexpr size_t kRoundsMax = 64;

  struct Sent {
    uint64_t round = 0;
    Instant at{};
  };
  std::deque<Sent> sent_;
  Instant begin_{};
  bool held_ = false;
};

}  // namespace quorumbook::consensus
