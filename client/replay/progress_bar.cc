#include "client/replay/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <string>

namespace quorumbook::replay {

namespace {

constexpr int kWidth = 30;
constexpr uint32_t kAskClockEvery = 64;
constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

ProgressBar::ProgressBar(std::FILE* out) : out_(out), terminal_(isatty(fileno(out)) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputc('\n', out_);
}

bool ProgressBar::IsDue() {
  if (!terminal_ || ++asked_ % kAskClockEvery != 0) return false;
  return Clock::now() - last_ >= kInterval;
}

void ProgressBar::Draw(double fraction, uint64_t answered) {
  if (!terminal_) return;
  last_ = Clock::now();
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(last_ - start_).count();
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kWidth);
  const std::string bar = std::string(static_cast<size_t>(filled), '#') +
                          std::string(static_cast<size_t>(kWidth - filled), '.');
  std::fprintf(out_, "\r[%s] %3.0f %%  %llu commands  %.0f/s ", bar.c_str(), fraction * 100,
               static_cast<unsigned long long>(answered),
               seconds > 0 ? static_cast<double>(answered) / seconds : 0.0);
  std::fflush(out_);
}

}  // namespace quorumbook::replay
