#include "tests/unit/client/replay/written_recording.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/unit/client/replay/exchange_market.h"

namespace quorumbook::replay {

namespace {

constexpr int64_t kUnitsPerTick = 100;

std::string LevelText(const std::vector<BookLevel>& side, size_t level, const char* empty) {
  if (level >= side.size()) return absl::StrCat(empty, ",0");
  return absl::StrCat(side[level].price * kUnitsPerTick, ",", side[level].quantity);
}

}  // namespace

void WrittenRecording::Add(const std::string& seconds, int type, uint64_t id, int64_t quantity,
                           int64_t price, v1::Side side, const std::vector<BookLevel>& asks,
                           const std::vector<BookLevel>& bids) {
  absl::StrAppend(&messages_, seconds, ",", type, ",", id, ",", quantity, ",",
                  price * kUnitsPerTick, ",", side == v1::BUY ? 1 : -1, "\n");
  for (size_t level = 0; level < levels_; ++level) {
    absl::StrAppend(&rows_, level == 0 ? "" : ",", LevelText(asks, level, "9999999999"), ",",
                    LevelText(bids, level, "-9999999999"));
  }
  rows_ += "\n";
}

ReplayResult WrittenRecording::Replay(LocalSession::Execution execute) const {
  const TemporaryDirectory directory;
  v1::Decimal tick;
  tick.set_mantissa(1);
  tick.set_exponent(-2);
  auto recording = LobsterReader::Open(directory.Write("messages.csv", messages_),
                                       directory.Write("books.csv", rows_), tick);
  EXPECT_TRUE(recording.ok()) << recording.status();
  LocalSession session(std::move(execute));
  ProgressBar progress(stderr);
  ReplayResult result =
      ReplayLobster(**recording, ExchangeMarket::kSymbol, session, nullptr, progress);
  EXPECT_TRUE(result.status.ok()) << result.status;
  return result;
}

}  // namespace quorumbook::replay
