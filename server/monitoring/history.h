// The last 5 minutes of every series of every node, a point a second, in memory that is allocated
// once: 300 points of 8 bytes for each of 25 series, about 59 KiB a node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

namespace quorumbook::server {

inline constexpr size_t kHistoryPoints = 300;
inline constexpr int64_t kHistoryIntervalMs = 1'000;
// Where there is nothing to say.
inline constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

class History {
 public:
  History(const std::vector<uint32_t>& nodes, size_t series);

  // The values of a second by node, one for each series; a node that is left out has none.
  // REQUIRES: time_ms rises from call to call.
  void Add(int64_t time_ms, const std::map<uint32_t, std::vector<double>>& values);

  // The clock was set: the points keep their distances, and their distance from now.
  void ShiftClock(int64_t step_ms) {
    for (int64_t& time_ms : times_) time_ms += step_ms;
  }

  // Points that are there, oldest first.
  size_t size() const { return size_; }
  int64_t TimeMs(size_t point) const { return times_[Slot(point)]; }
  // REQUIRES: point < size(), and a node and series of the constructor.
  double Value(uint32_t node, size_t series, size_t point) const {
    return values_.at(node)[series * kHistoryPoints + Slot(point)];
  }

 private:
  size_t Slot(size_t point) const {
    return (next_ + kHistoryPoints - size_ + point) % kHistoryPoints;
  }

  const size_t series_;
  size_t size_ = 0;
  size_t next_ = 0;  // where the next point goes
  std::vector<int64_t> times_;
  std::map<uint32_t, std::vector<double>> values_;  // by series, then slot
};

}  // namespace quorumbook::server
