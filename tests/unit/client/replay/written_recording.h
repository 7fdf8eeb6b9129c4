// Recordings that tests write.
#pragma once

#include <string>
#include <vector>

#include "client/replay/lobster_files.h"
#include "client/replay/replay_runner.h"
#include "tests/unit/client/replay/local_session.h"
#include "tests/unit/client/replay/recordings.h"

namespace quorumbook::replay {

// The lines of the two files. Prices in ticks of 0.01.
class WrittenRecording {
 public:
  explicit WrittenRecording(size_t levels) : levels_(levels) {}

  // Bids and asks best first; those beyond the recording's levels are cut off.
  void Add(const std::string& seconds, int type, uint64_t id, int64_t quantity, int64_t price,
           v1::Side side, const std::vector<BookLevel>& asks, const std::vector<BookLevel>& bids);

  // Replays it on a market in this process that trades ExchangeMarket::kSymbol.
  ReplayResult Replay(LocalSession::Execution execute) const;

 private:
  const size_t levels_;
  std::string messages_;
  std::string rows_;
};

}  // namespace quorumbook::replay
