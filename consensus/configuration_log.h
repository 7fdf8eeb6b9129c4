// The configurations that a log contains. The last one is in force (thesis 4.1).
#pragma once

#include <deque>
#include <utility>

#include "common/check.h"
#include "consensus/configuration.h"
#include "consensus/types.h"

namespace quorumbook::consensus {

class ConfigurationLog {
 public:
  // `configuration` is in force at `index`, and until Append() says otherwise.
  ConfigurationLog(Index index, Configuration configuration) {
    Reset(index, std::move(configuration));
  }

  const Configuration& active() const { return records_.back().configuration; }
  Index active_index() const { return records_.back().index; }
  // The one before it, if it can still come back.
  const Configuration* previous() const {
    return records_.size() < 2 ? nullptr : &records_[records_.size() - 2].configuration;
  }

  // REQUIRES: index is not before that of the latest CompactThrough or Reset.
  const Configuration& At(Index index) const {
    QB_CHECK(index >= records_.front().index);
    auto found = records_.rbegin();
    while (found->index > index) ++found;
    return found->configuration;
  }

  // REQUIRES: index > active_index().
  void Append(Index index, Configuration configuration) {
    QB_CHECK(index > active_index());
    records_.push_back({.index = index, .configuration = std::move(configuration)});
  }
  // Whether another one is in force afterwards. REQUIRES: index is after the first one's.
  bool TruncateFrom(Index index) {
    const size_t before = records_.size();
    while (records_.size() > 1 && records_.back().index >= index) records_.pop_back();
    return records_.size() < before;
  }
  // What comes before the one in force at `index` is not asked for any more.
  void CompactThrough(Index index) {
    while (records_.size() > 1 && records_[1].index <= index) records_.pop_front();
  }
  void Reset(Index index, Configuration configuration) {
    records_.clear();
    records_.push_back({.index = index, .configuration = std::move(configuration)});
  }

 private:
  struct Record {
    Index index;
    Configuration configuration;
  };
  std::deque<Record> records_;  // by index; never empty
};

}  // namespace quorumbook::consensus
