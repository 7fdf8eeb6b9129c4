// One line on a terminal that says how far a replay is.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace quorumbook::replay {

class ProgressBar {
 public:
  // Draws on `out` when that is a terminal, and does nothing otherwise.
  explicit ProgressBar(std::FILE* out);
  // Ends the line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Whether enough time has passed since the last Draw to draw again; cheap to ask often.
  bool IsDue();
  // `fraction`: 0 to 1 of the input is sent. `answered`: commands.
  void Draw(double fraction, uint64_t answered);

 private:
  using Clock = std::chrono::steady_clock;

  std::FILE* const out_;
  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  uint32_t asked_ = 0;
  bool drawn_ = false;
};

}  // namespace quorumbook::replay
