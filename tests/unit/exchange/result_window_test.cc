#include "exchange/result_window.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "random_flow.h"

namespace quorumbook::exchange {
namespace {

std::vector<Event> SomeEvents(uint64_t first, size_t count) {
  std::vector<Event> events(count);
  for (size_t i = 0; i < count; ++i) events[i].sequence = first + i;
  return events;
}

// Adds the results of one command.
void Append(ResultWindow* window, const std::vector<Event>& events) {
  const CommandResult command{.event_count = static_cast<uint32_t>(events.size())};
  window->Append({&command, 1}, events);
}

TEST(ResultWindow, KeepsWhatIsNotForgotten) {
  Random random(1);
  ResultWindow window;
  std::deque<std::string> wanted;
  size_t wanted_bytes = 0;
  for (uint64_t step = 0; step < 30'000; ++step) {
    // Some commands at once, with events between theirs that are of no command.
    std::vector<Event> events = SomeEvents(step * 100, 40);
    for (Event& event : events) {
      if (random.OneIn(3)) event.type = EventType::kTrade;
    }
    std::vector<CommandResult> commands(random.Below(4));
    uint32_t next = 0;
    for (CommandResult& command : commands) {
      command.first_event = next + static_cast<uint32_t>(random.Below(3));
      command.event_count = static_cast<uint32_t>(1 + random.Below(4));
      next = command.first_event + command.event_count;
      std::string encoded;
      for (uint32_t i = command.first_event; i < next; ++i) EncodeEvent(events[i], &encoded);
      wanted_bytes += encoded.size();
      wanted.push_back(std::move(encoded));
    }
    window.Append(commands, events);
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
    Append(&window, SomeEvents(1, 1));
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
  while (!window.full()) Append(&window, largest);
  EXPECT_EQ(window.bytes(), window.size() * kMaxCommandBytes);
  EXPECT_LE(window.bytes(), kMaxSessionBytes);
  EXPECT_GT(window.bytes() + kMaxCommandBytes, kMaxSessionBytes);
}

}  // namespace
}  // namespace quorumbook::exchange
