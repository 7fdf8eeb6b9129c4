#include "server/monitoring/history.h"

#include <algorithm>

#include "common/check.h"

namespace quorumbook::server {

History::History(const std::vector<uint32_t>& nodes, size_t series)
    : series_(series), times_(kHistoryPoints) {
  for (const uint32_t node : nodes) values_[node].resize(series * kHistoryPoints, kNoValue);
}

void History::Add(int64_t time_ms, const std::map<uint32_t, std::vector<double>>& values) {
  QB_CHECK(size_ == 0 || time_ms > TimeMs(size_ - 1));
  times_[next_] = time_ms;
  for (auto& [node, slots] : values_) {
    const auto found = values.find(node);
    QB_CHECK(found == values.end() || found->second.size() == series_);
    for (size_t i = 0; i < series_; ++i) {
      slots[i * kHistoryPoints + next_] = found == values.end() ? kNoValue : found->second[i];
    }
  }
  next_ = (next_ + 1) % kHistoryPoints;
  size_ = std::min(size_ + 1, kHistoryPoints);
}

}  // namespace quorumbook::server
