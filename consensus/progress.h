// What a leader knows about one follower (nextIndex and matchIndex of thesis figure 3.1, and the
// flow control around them).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "consensus/types.h"

namespace quorumbook::consensus {

// Entries that were sent and not acknowledged.
class InflightWindow {
 public:
  void Add(Index last, uint64_t bytes) {
    sent_.push_back({.last = last, .bytes = bytes});
    bytes_ += bytes;
  }
  // Acknowledgements are cumulative.
  void FreeThrough(Index index) {
    while (!sent_.empty() && sent_.front().last <= index) {
      bytes_ -= sent_.front().bytes;
      sent_.pop_front();
    }
  }
  void Clear() {
    sent_.clear();
    bytes_ = 0;
  }
  uint64_t bytes() const { return bytes_; }
  uint64_t messages() const { return sent_.size(); }

 private:
  struct Sent {
    Index last;
    uint64_t bytes = 0;
  };
  std::deque<Sent> sent_;
  uint64_t bytes_ = 0;
};

// A snapshot on its way to a follower; one chunk is under way at a time.
struct SnapshotTransfer {
  Snapshot snapshot;  // shares its bytes with the leader's
  uint64_t offset = 0;
  Instant resend_at{};
  Duration resend_after{};
};

struct Progress {
  enum class State : uint8_t {
    // Where the logs agree is not known: one message, then wait for its answer.
    kProbe,
    // The logs agree up to `match`: send ahead, as far as the window allows.
    kReplicate,
    // The entries it needs are compacted away: `transfer` is set.
    kSnapshot,
  };

  NodeId id;
  State state = State::kProbe;
  Index match{};  // durable there and equal to the leader's log
  Index next{};   // sent next; greater than match
  bool probe_sent = false;
  InflightWindow inflight{};
  std::optional<SnapshotTransfer> transfer{};
  Index commit_sent{};  // highest commit index that it was told and can use
  Instant heard{};      // its last answer of this term (at first: the start of the term)
  uint64_t round = 0;   // highest round of leadership confirmation that it answered

  void BecomeProbe(Index from) {
    state = State::kProbe;
    next = from;
    probe_sent = false;
    inflight.Clear();
    transfer.reset();
  }
  void BecomeReplicate() {
    state = State::kReplicate;
    next = match.Next();
    inflight.Clear();
    transfer.reset();
  }
  void BecomeSnapshot(Snapshot snapshot) {
    state = State::kSnapshot;
    inflight.Clear();
    transfer = SnapshotTransfer{.snapshot = std::move(snapshot)};
  }
};

}  // namespace quorumbook::consensus
