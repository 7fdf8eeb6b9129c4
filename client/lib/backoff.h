// How long to wait between rounds of attempts: exponential with full jitter, so that clients that
// lost the same leader do not come back in step (AWS Architecture Blog, "Exponential Backoff And
// Jitter").
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace quorumbook::client {

class Backoff {
 public:
  static constexpr std::chrono::milliseconds kMin{10};
  static constexpr std::chrono::milliseconds kMax{250};

  explicit Backoff(uint64_t seed) : random_(seed) {}

  // Between kMin and a ceiling that doubles from 2 * kMin to kMax.
  std::chrono::milliseconds Next() {
    ceiling_ = std::min(ceiling_ * 2, kMax);
    return std::chrono::milliseconds(
        std::uniform_int_distribution<int64_t>(kMin.count(), ceiling_.count())(random_));
  }
  void Reset() { ceiling_ = kMin; }

 private:
  std::minstd_rand random_;
  std::chrono::milliseconds ceiling_ = kMin;
};

}  // namespace quorumbook::client
