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
  void Add(Index last, uint64_t bytes, Instant now) {
    sent_.push_back({.last = last, .bytes = bytes, .at = now});
    bytes_ += bytes;
  }
  // Acknowledgements are cumulative. When the oldest of what they free was sent; empty if nothing.
  std::optional<Instant> FreeThrough(Index index) {
    std::optional<Instant> oldest;
    while (!sent_.empty() && sent_.front().last <= index) {
      if (!oldest) oldest = sent_.front().at;
      bytes_ -= sent_.front().bytes;
      sent_.pop_front();
    }
    return oldest;
  }
  void Clear() {
    sent_.clear();
    bytes_ = 0;
  }
  uint64_t bytes() const { return bytes_; }
  uint64_t messages() const { return sent_.size(); }
  // Since when the oldest waits for its acknowledgement; empty when nothing is under way.
  std::optional<Instant> oldest() const {
    if (sent_.empty()) return std::nullopt;
    return sent_.front().at;
  }

 private:
  struct Sent {
    Index last;
    uint64_t bytes = 0;
    Instant at{};
  };
  std::deque<Sent> sent_;
  uint64_t bytes_ = 0;
};

// A snapshot on its way to a follower. At first, and after a time without an answer, one chunk asks
// where to go on; then chunks are sent ahead, as far as the window allows.
struct SnapshotTransfer {
  Snapshot snapshot;  // shares its bytes with the leader's
  Digest digest{};    // of its data
  uint64_t acknowledged = 0;
  uint64_t sent = 0;
  bool asked = false;     // a chunk was sent since the last time-out
  bool answered = false;  // and was answered
  Instant sent_at{};      // when the last chunk was
  Instant resend_at{};
  Duration resend_after{};

  void StartOver(Duration wait) {
    sent = acknowledged;
    asked = false;
    answered = false;
    resend_after = wait;
  }
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
  // The leader's round when it learned of `match`: who refuses after a later one knew of it.
  uint64_t match_round = 0;
  std::optional<Instant> rose_at{};  // when `match` last rose
  // What it acknowledged before this round does not count: it has forgotten what was before.
  uint64_t heard_from_round = 0;
  Index next{};  // sent next; greater than match
  bool probe_sent = false;
  InflightWindow inflight{};
  uint64_t window_bytes = 0;  // bound of `inflight`; smaller for a follower that is too slow for it
  Instant window_cut_at{};
  std::optional<SnapshotTransfer> transfer{};
  Index commit_sent{};       // highest commit index that it was told and can use
  Instant heard{};           // its last answer of this term (at first: the start of the term)
  uint64_t round = 0;        // highest round of leadership confirmation that it answered
  uint64_t lease_round = 0;  // ... with a clock that it trusts
  uint32_t priority = 0;     // as it said last
  // Until its match gets here the log is kept for it: it comes from a snapshot that had to be sent.
  Index catching_up_to{};
  // Not a member any more: told so until then, for no longer than is polite.
  std::optional<Instant> leaving_until{};

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
