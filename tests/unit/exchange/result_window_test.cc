#include "exchange/result_window.h"

#include <gtest/gtest.h>

#include <deque>

#include "random_flow.h"

namespace quorumbook::exchange {
namespace {

std::vector<Event> SomeEvents(uint64_t first, size_t count) {
  std::vector<Event> events(count);
  for (size_t i = 0; i < count; ++i) events[i].sequence = first + i;
  return events;
}

TEST(ResultWindow, KeepsWhatIsNotForgotten) {
  Random random(1);
  ResultWindow window;
  std::deque<std::string> wanted;
  size_t wanted_bytes = 0;
  for (uint64_t step = 0; step < 50'000; ++step) {
    const std::vector<Event> events = SomeEvents(step * 10, 1 + random.Below(4));
    std::string encoded;
    for (const Event& event : events) EncodeEvent(event, &encoded);
    ASSERT_EQ(window.Append(events), encoded);
    wanted.push_back(encoded);
    wanted_bytes += encoded.size();
    if (random.OneIn(random.OneIn(2) ? 3 : 100)) {
      const size_t count = random.Below(std::min<size_t>(wanted.size() + 1, 200));
      window.ForgetOldest(count);
      for (size_t i = 0; i < count; ++i) {
        wanted_bytes -= wanted.front().size();
        wanted.pop_front();
      }
    }
    ASSERT_EQ(window.size(), wanted.size());
    ASSERT_EQ(window.bytes(), wanted_bytes);
    if (wanted.empty()) continue;
    const size_t i = random.Below(wanted.size());
    ASSERT_EQ(window[0], wanted[0]);
    ASSERT_EQ(window[i], wanted[i]) << "step " << step;
  }
}

TEST(ResultWindow, IsFullByResults) {
  ResultWindow window;
  for (uint64_t i = 0; i < kMaxSessionResults; ++i) {
    ASSERT_FALSE(window.full());
    window.Append(SomeEvents(1, 1));
  }
  EXPECT_TRUE(window.full());
  window.ForgetOldest(1);
  EXPECT_FALSE(window.full());
}

// It is full while the largest result might not fit, and so never holds more than its bound.
TEST(ResultWindow, IsFullByBytes) {
  std::vector<Event> largest = SomeEvents(1, kMaxEventsPerCommand);
  for (size_t i = 1; i <= kMaxFillsPerCommand; ++i) largest[i].type = EventType::kTrade;
  ResultWindow window;
  while (!window.full()) window.Append(largest);
  EXPECT_EQ(window.bytes(), window.size() * kMaxCommandBytes);
  EXPECT_LE(window.bytes(), kMaxSessionBytes);
  EXPECT_GT(window.bytes() + kMaxCommandBytes, kMaxSessionBytes);
}

}  // namespace
}  // namespace quorumbook::exchange
