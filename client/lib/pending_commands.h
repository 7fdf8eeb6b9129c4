// The commands of a session that are not answered yet: a ring of slots that are reused, so that a
// command costs no allocation once the ring is warm.
//
//   first_unanswered <= next_unsent <= next        (sequence numbers)
//   [first_unanswered, next_unsent) were sent on the present stream, [next_unsent, next) wait.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/check.h"
#include "quorumbook/order_session.h"

namespace quorumbook::client {

struct PendingCommand {
  std::string bytes;  // the serialized v1::Command
  OrderSession::Callback callback;
  std::chrono::steady_clock::time_point submitted;
};

// Not thread-safe, but a slot stays where it is, and is left alone, until it is answered.
class PendingCommands {
 public:
  explicit PendingCommands(uint32_t capacity)
      : capacity_(capacity), slots_(std::bit_ceil(capacity)) {}

  bool empty() const { return first_unanswered_ == next_; }
  bool full() const { return next_ - first_unanswered_ == capacity_; }
  uint64_t first_unanswered() const { return first_unanswered_; }
  uint64_t next_unsent() const { return next_unsent_; }
  uint64_t next() const { return next_; }
  bool sent(uint64_t sequence) const {
    return sequence >= first_unanswered_ && sequence < next_unsent_;
  }

  PendingCommand& operator[](uint64_t sequence) { return slots_[Slot(sequence)]; }
  // REQUIRES: !empty().
  const PendingCommand& front() const { return slots_[Slot(first_unanswered_)]; }

  // The slot of the next command, to be filled; swap the bytes to keep their memory in use.
  // REQUIRES: !full().
  PendingCommand& Push() {
    QB_CHECK(!full());
    return (*this)[next_++];
  }
  void MarkSent(uint64_t count) {
    QB_CHECK(count <= next_ - next_unsent_);
    next_unsent_ += count;
  }
  void MarkAnswered(uint64_t count) {
    QB_CHECK(count <= next_unsent_ - first_unanswered_);
    first_unanswered_ += count;
  }
  // Everything unanswered is to be sent again.
  void Rewind() { next_unsent_ = first_unanswered_; }
  // Everything unanswered is given up. Its callbacks have been called.
  void Clear() { first_unanswered_ = next_unsent_ = next_; }

 private:
  size_t Slot(uint64_t sequence) const { return sequence & (slots_.size() - 1); }

  uint64_t capacity_;
  std::vector<PendingCommand> slots_;
  uint64_t first_unanswered_ = 1;
  uint64_t next_unsent_ = 1;
  uint64_t next_ = 1;
};

}  // namespace quorumbook::client
