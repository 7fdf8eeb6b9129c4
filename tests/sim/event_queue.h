// Virtual time: what will happen, in order. Nothing else makes time pass.
#pragma once

#include <absl/functional/any_invocable.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/check.h"

namespace quorumbook::sim {

// Nanoseconds since the simulation began; "true" time, which no node can see.
using SimTime = int64_t;

inline constexpr SimTime kMicrosecond = 1'000;
inline constexpr SimTime kMillisecond = 1'000'000;
inline constexpr SimTime kSecond = 1'000'000'000;
inline constexpr SimTime kMinute = 60 * kSecond;
inline constexpr SimTime kHour = 3600 * kSecond;

class EventQueue {
 public:
  using Action = absl::AnyInvocable<void()>;

  SimTime now() const { return now_; }
  uint64_t events() const { return events_; }

  // Events of one time happen in the order in which they were asked for.
  void At(SimTime time, Action action) {
    uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(actions_.size());
      actions_.push_back(std::move(action));
    } else {
      slot = free_.back();
      free_.pop_back();
      actions_[slot] = std::move(action);
    }
    heap_.push_back({std::max(time, now_), next_++, slot});
    std::push_heap(heap_.begin(), heap_.end(), Later());
  }
  void After(SimTime delay, Action action) { At(now_ + delay, std::move(action)); }

  // Lets the next event happen if it is due by `until`; otherwise time goes on to `until`. Returns
  // whether one happened.
  bool Step(SimTime until) {
    if (heap_.empty() || heap_.front().at > until) {
      now_ = std::max(now_, until);
      return false;
    }
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    const Entry entry = heap_.back();
    heap_.pop_back();
    now_ = entry.at;
    ++events_;
    Action action = std::move(actions_[entry.slot]);
    free_.push_back(entry.slot);
    action();
    return true;
  }

 private:
  struct Entry {
    SimTime at;
    uint64_t order;
    uint32_t slot;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  SimTime now_ = 0;
  uint64_t next_ = 0;
  uint64_t events_ = 0;
  std::vector<Entry> heap_;
  std::vector<Action> actions_;
  std::vector<uint32_t> free_;
};

}  // namespace quorumbook::sim
