// Recorded order flow in the LOBSTER form: a message file and an order-book file, line i of the
// latter being the book after message i. Source: LOBSTER, "Output files"
// (https://lobsterdata.com/info/DataStructure.php).
//
// Messages: seconds after midnight, type, order id, size, price in dollars x 10^4, direction of the
// resting order (1 buy, -1 sell), optionally a seventh field that is ignored. Book rows: ask price,
// ask size, bid price, bid size for each of K levels; a price of +-9999999999 is an empty level.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/replay/line_reader.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

enum class LobsterType : uint8_t {
  kNew = 1,
  kPartialCancel = 2,
  kDelete = 3,
  kVisibleExecution = 4,
  kHiddenExecution = 5,
  kCross = 6,  // of an auction
  kHalt = 7,   // and resumption
};

// Prices in ticks of the symbol, except for types 5 to 7: 0, as they may lie off the tick.
struct LobsterMessage {
  int64_t time_ns = 0;
  LobsterType type = LobsterType::kNew;
  uint64_t order_id = 0;
  int64_t quantity = 0;
  int64_t price = 0;
  v1::Side side = v1::BUY;  // of the resting order

  // Whether the message may change a visible book.
  bool visible() const { return type <= LobsterType::kVisibleExecution; }
};

struct BookLevel {
  int64_t price = 0;
  int64_t quantity = 0;

  bool operator==(const BookLevel&) const = default;
};

// What a recording shows of a book. Best first; fewer than `depth` levels: there are no more.
struct BookRow {
  size_t depth = 0;
  std::vector<BookLevel> bids;
  std::vector<BookLevel> asks;

  const std::vector<BookLevel>& side(v1::Side side) const { return side == v1::BUY ? bids : asks; }
};

struct LobsterStep {
  int64_t line = 0;  // in both files
  LobsterMessage message;
  std::shared_ptr<const BookRow> row;  // after the message
};

class LobsterReader {
 public:
  // Ids from here on are the replay's own; a recording that uses them is refused.
  static constexpr uint64_t kFirstReservedId = 8'000'000'000'000;

  // `tick_size` is that of the symbol. Errors: those of LineReader::Open; kInvalidArgument when
  // the tick is no multiple of 0.0001, the unit of the recording.
  static absl::StatusOr<std::unique_ptr<LobsterReader>> Open(const std::string& messages,
                                                             const std::string& orderbook,
                                                             const v1::Decimal& tick_size);

  // None at the end of both files. Errors begin with "path:line:": kInvalidArgument for what is
  // malformed, kDataLoss for a damaged file or when one file ends before the other.
  absl::StatusOr<std::optional<LobsterStep>> Next();

  // Levels a side; 0 before the first step.
  size_t depth() const { return depth_; }
  const LineReader& lines() const { return *messages_; }

 private:
  LobsterReader(std::unique_ptr<LineReader> messages, std::unique_ptr<LineReader> orderbook,
                int64_t units_per_tick);

  // Each returns what is wrong, or nothing.
  std::string ParseMessage(absl::string_view line, LobsterMessage* message) const;
  std::string ParseRow(absl::string_view line, BookRow* row);
  std::string ParseSide(size_t offset, size_t levels, v1::Side side,
                        std::vector<BookLevel>* out) const;

  const std::unique_ptr<LineReader> messages_;
  const std::unique_ptr<LineReader> orderbook_;
  const int64_t units_per_tick_;  // of 0.0001
  size_t depth_ = 0;
  std::vector<absl::string_view> fields_;
};

}  // namespace quorumbook::replay
