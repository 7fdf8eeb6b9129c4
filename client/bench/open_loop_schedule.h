// When the orders of an open loop are due, whatever becomes of those before.
#pragma once

#include <cstdint>

namespace quorumbook::bench {

// Orders of all connections together are due at equal distances; connections take turns. Times are
// computed from the order's number, so that no rounding adds up.
class OpenLoopSchedule {
 public:
  // REQUIRES: rate is 1 to 10^10 (orders a second in all), connection < connections.
  OpenLoopSchedule(uint64_t rate, uint32_t connection, uint32_t connections, int64_t start_ns)
      : rate_(rate), connection_(connection), connections_(connections), start_ns_(start_ns) {}

  // When the connection's next order is due.
  int64_t due_ns() const {
    const uint64_t number = taken_ * connections_ + connection_;
    const uint64_t ns = number / rate_ * kSecondNs + number % rate_ * kSecondNs / rate_;
    return start_ns_ + static_cast<int64_t>(ns);
  }
  void Take() { ++taken_; }

 private:
  static constexpr uint64_t kSecondNs = 1'000'000'000;

  uint64_t rate_;
  uint32_t connection_;
  uint32_t connections_;
  int64_t start_ns_;
  uint64_t taken_ = 0;
};

}  // namespace quorumbook::bench
