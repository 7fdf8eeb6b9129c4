// The client's book against a market that others recorded: Binance's own best bid and ask, 345
// seconds of BTCUSDT, must be those of the book that its snapshot and depth updates make.
#include <gtest/gtest.h>
#include <zlib.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "proto/decimal.h"
#include "quorumbook/market_data.h"
#include "tests/unit/client/replay/recordings.h"

namespace quorumbook {
namespace {

using Json = nlohmann::json;

constexpr char kRecording[] = "spot_btcusdt_20240808.gz";

v1::Decimal Unit(int exponent) {
  v1::Decimal unit;
  unit.set_mantissa(1);
  unit.set_exponent(exponent);
  return unit;
}

// Units of 10^exponent; 0 for zero.
int64_t Units(const std::string& text, int exponent) {
  if (text.find_first_not_of("0.") == std::string::npos) return 0;
  absl::StatusOr<int64_t> units = ToUnits(text, Unit(exponent), INT64_MAX, "number");
  EXPECT_TRUE(units.ok()) << units.status();
  return units.ok() ? *units : -1;
}
int64_t Price(const Json& text) { return Units(text.get<std::string>(), -2); }
int64_t Quantity(const Json& text) { return Units(text.get<std::string>(), -8); }

struct Best {
  int64_t bid = 0, bid_quantity = 0, ask = 0, ask_quantity = 0;
  bool operator==(const Best&) const = default;
};

struct Recording {
  Json snapshot;
  std::vector<Json> diffs;
  std::map<uint64_t, Best> best;  // by update id
};

std::string Unzip(const std::string& path) {
  std::string text;
  std::vector<char> buffer(1 << 20);
  const gzFile file = gzopen(path.c_str(), "rb");
  for (int read = 0;
       (read = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(read));
  }
  gzclose(file);
  return text;
}

Recording Read(const std::string& path) {
  Recording recording;
  std::istringstream lines(Unzip(path));
  for (std::string line; std::getline(lines, line);) {
    Json json = Json::parse(line.substr(line.find(' ') + 1));
    if (json.contains("lastUpdateId")) {
      recording.snapshot = std::move(json);
    } else if (json["stream"] == "btcusdt@depth@100ms") {
      recording.diffs.push_back(std::move(json["data"]));
    } else if (json["stream"] == "btcusdt@bookTicker") {
      const Json& data = json["data"];
      recording.best[data["u"]] = {Price(data["b"]), Quantity(data["B"]), Price(data["a"]),
                                   Quantity(data["A"])};
    }
  }
  return recording;
}

void AddLevels(const Json& levels, google::protobuf::RepeatedPtrField<v1::Level>* out) {
  for (const Json& pair : levels) {
    v1::Level* level = out->Add();
    level->set_price(Price(pair[0]));
    level->set_quantity(Quantity(pair[1]));
  }
}

TEST(Binance, TheBookHasTheRecordedBestPrices) {
  const std::optional<std::string> path = replay::FindRecording(kRecording);
  if (!path) GTEST_SKIP() << replay::MissingRecording(kRecording);
  const Recording recording = Read(*path);
  MarketBook book;
  v1::MarketDataUpdate update;
  update.set_snapshot(true);
  update.set_sequence(1);
  update.set_event_sequence(recording.snapshot["lastUpdateId"]);
  AddLevels(recording.snapshot["bids"], update.mutable_levels()->mutable_bids());
  AddLevels(recording.snapshot["asks"], update.mutable_levels()->mutable_asks());
  ASSERT_TRUE(book.Apply(update).ok());
  size_t applied = 0;
  size_t compared = 0;
  for (const Json& diff : recording.diffs) {
    const uint64_t first = diff["U"];
    const uint64_t last = diff["u"];
    if (last <= book.event_sequence()) continue;  // the snapshot has it
    // An update that does not follow the one before would be a gap.
    const bool follows =
        applied == 0 ? first <= book.event_sequence() + 1 : first == book.event_sequence() + 1;
    const uint64_t sequence = update.sequence() + (follows ? 1 : 2);
    update.Clear();
    update.set_sequence(sequence);
    update.set_event_sequence(last);
    AddLevels(diff["b"], update.mutable_levels()->mutable_bids());
    AddLevels(diff["a"], update.mutable_levels()->mutable_asks());
    const absl::Status status = book.Apply(update);
    ASSERT_TRUE(status.ok()) << status << " at " << last;
    ++applied;
    ASSERT_LT(book.bids().begin()->first, book.asks().begin()->first) << "crossed at " << last;
    const auto wanted = recording.best.find(last);
    if (wanted == recording.best.end()) continue;
    const auto& bid = *book.bids().begin();
    const auto& ask = *book.asks().begin();
    EXPECT_EQ((Best{bid.first, bid.second.quantity(), ask.first, ask.second.quantity()}),
              wanted->second)
        << "at update " << last;
    ++compared;
  }
  EXPECT_GT(applied, 3'000u);
  EXPECT_GT(compared, 500u);
}

}  // namespace
}  // namespace quorumbook
