#include "client/replay/lobster_files.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <utility>

namespace quorumbook::replay {

namespace {

constexpr int64_t kEmptyLevel = 9'999'999'999;
constexpr size_t kFieldsPerLevel = 4;
constexpr size_t kMaxLevels = 1'000;
constexpr int kFractionDigits = 9;
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr int64_t kMaxSeconds = 1'000'000;  // far beyond a day

// "34200.18960767". Digits beyond nanoseconds are cut.
bool ParseSeconds(absl::string_view text, int64_t* time_ns) {
  const size_t point = text.find('.');
  uint64_t seconds = 0;
  if (!ParseUint(text.substr(0, point), &seconds) || seconds > kMaxSeconds) return false;
  uint64_t fraction = 0;
  if (point != absl::string_view::npos) {
    const absl::string_view digits = text.substr(point + 1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != absl::string_view::npos) {
      return false;
    }
    for (size_t i = 0; i < kFractionDigits; ++i) {
      fraction = fraction * 10 + (i < digits.size() ? static_cast<uint64_t>(digits[i] - '0') : 0);
    }
  }
  *time_ns = static_cast<int64_t>(seconds) * kNanosecondsPerSecond + static_cast<int64_t>(fraction);
  return true;
}

// How many units of 0.0001 a tick has; 0 when it is no multiple.
int64_t UnitsPerTick(const v1::Decimal& tick) {
  int64_t units = tick.mantissa();
  int32_t exponent = tick.exponent() + 4;
  for (; exponent > 0 && units < kEmptyLevel; --exponent) units *= 10;
  for (; exponent < 0; ++exponent) {
    if (units % 10 != 0) return 0;
    units /= 10;
  }
  return units > 0 && units < kEmptyLevel ? units : 0;
}

}  // namespace

LobsterReader::LobsterReader(std::unique_ptr<LineReader> messages,
                             std::unique_ptr<LineReader> orderbook, int64_t units_per_tick)
    : messages_(std::move(messages)),
      orderbook_(std::move(orderbook)),
      units_per_tick_(units_per_tick) {}

absl::StatusOr<std::unique_ptr<LobsterReader>> LobsterReader::Open(const std::string& messages,
                                                                   const std::string& orderbook,
                                                                   const v1::Decimal& tick_size) {
  const int64_t units = UnitsPerTick(tick_size);
  if (units == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a recording has prices in steps of 0.0001, and the symbol's tick of ",
                     tick_size.mantissa(), "e", tick_size.exponent(),
                     " is no multiple of that; add a symbol with --tick-size 0.01"));
  }
  auto message_lines = LineReader::Open(messages);
  if (!message_lines.ok()) return message_lines.status();
  auto book_lines = LineReader::Open(orderbook);
  if (!book_lines.ok()) return book_lines.status();
  return std::unique_ptr<LobsterReader>(
      new LobsterReader(*std::move(message_lines), *std::move(book_lines), units));
}

absl::StatusOr<std::optional<LobsterStep>> LobsterReader::Next() {
  auto message_line = messages_->Next();
  if (!message_line.ok()) return message_line.status();
  auto book_line = orderbook_->Next();
  if (!book_line.ok()) return book_line.status();
  if (message_line->has_value() != book_line->has_value()) {
    const LineReader& ended = message_line->has_value() ? *orderbook_ : *messages_;
    const LineReader& longer = message_line->has_value() ? *messages_ : *orderbook_;
    return absl::DataLossError(
        absl::StrCat(ended.path(), ":", ended.line() + 1, ": the file ends here, and ",
                     longer.path(), " goes on; both have to have a line for every message"));
  }
  if (!message_line->has_value()) return std::nullopt;

  LobsterStep step;
  step.line = messages_->line();
  std::string error = ParseMessage(**message_line, &step.message);
  if (!error.empty()) return messages_->ErrorHere(absl::StatusCode::kInvalidArgument, error);
  auto row = std::make_shared<BookRow>();
  error = ParseRow(**book_line, row.get());
  if (!error.empty()) return orderbook_->ErrorHere(absl::StatusCode::kInvalidArgument, error);
  step.row = std::move(row);
  return step;
}

std::string LobsterReader::ParseMessage(absl::string_view line, LobsterMessage* message) const {
  std::array<absl::string_view, 7> fields;
  if (!SplitFields(line, 6, 7, fields.data())) {
    return absl::StrCat("expected seconds,type,id,size,price,direction in \"", line, "\"");
  }
  if (!ParseSeconds(fields[0], &message->time_ns)) {
    return absl::StrCat("\"", fields[0], "\" is not a time in seconds");
  }
  int64_t type = 0;
  if (!ParseInt(fields[1], &type) || type < 1 || type > 7) {
    return absl::StrCat("message type \"", fields[1], "\" is not 1 to 7");
  }
  message->type = static_cast<LobsterType>(type);
  int64_t direction = 0;
  int64_t price = 0;
  if (!ParseUint(fields[2], &message->order_id) || !ParseInt(fields[3], &message->quantity) ||
      !ParseInt(fields[4], &price) || !ParseInt(fields[5], &direction) ||
      (direction != 1 && direction != -1)) {
    return absl::StrCat("order id, size, price or direction is malformed in \"", line, "\"");
  }
  message->side = direction == 1 ? v1::BUY : v1::SELL;
  if (!message->visible()) return {};
  if (message->order_id == 0 || message->order_id >= kFirstReservedId) {
    return absl::StrCat("order id ", message->order_id, " is not in 1 to ", kFirstReservedId - 1);
  }
  if (message->quantity <= 0 || price <= 0) return "size and price have to be positive";
  if (price % units_per_tick_ != 0) {
    return absl::StrCat("price ", price, " is not a multiple of the tick, ", units_per_tick_,
                        " units of 0.0001; replay it on a symbol with a finer tick");
  }
  message->price = price / units_per_tick_;
  return {};
}

std::string LobsterReader::ParseRow(absl::string_view line, BookRow* row) {
  if (depth_ == 0) {
    const size_t count = static_cast<size_t>(std::count(line.begin(), line.end(), ',')) + 1;
    if (count % kFieldsPerLevel != 0 || count / kFieldsPerLevel > kMaxLevels) {
      return absl::StrCat(count, " fields: expected ask price, ask size, bid price, bid size for ",
                          "each of 1 to ", kMaxLevels, " levels");
    }
    depth_ = count / kFieldsPerLevel;
    fields_.resize(count);
  }
  if (!SplitFields(line, fields_.size(), fields_.size(), fields_.data())) {
    return absl::StrCat("expected ", fields_.size(), " fields like in the first line");
  }
  row->depth = depth_;
  std::string error = ParseSide(0, depth_, v1::SELL, &row->asks);
  return error.empty() ? ParseSide(2, depth_, v1::BUY, &row->bids) : error;
}

std::string LobsterReader::ParseSide(size_t offset, size_t levels, v1::Side side,
                                     std::vector<BookLevel>* out) const {
  out->reserve(levels);
  bool ended = false;
  for (size_t level = 0; level < levels; ++level) {
    const absl::string_view price_text = fields_[level * kFieldsPerLevel + offset];
    const absl::string_view quantity_text = fields_[level * kFieldsPerLevel + offset + 1];
    int64_t price = 0;
    int64_t quantity = 0;
    if (!ParseInt(price_text, &price) || !ParseInt(quantity_text, &quantity)) {
      return absl::StrCat("level ", level + 1, ": \"", price_text, ",", quantity_text,
                          "\" is not a price and a size");
    }
    if (price == kEmptyLevel || price == -kEmptyLevel) {
      ended = true;
      continue;
    }
    if (ended || price <= 0 || quantity <= 0 || price % units_per_tick_ != 0) {
      return absl::StrCat("level ", level + 1, ": ", price, ",", quantity,
                          " is after an empty level, not positive, or off the tick of ",
                          units_per_tick_, " units of 0.0001");
    }
    const BookLevel next{price / units_per_tick_, quantity};
    if (!out->empty() &&
        (side == v1::BUY ? next.price >= out->back().price : next.price <= out->back().price)) {
      return absl::StrCat("level ", level + 1, ": price ", price,
                          " is not worse than that of the level before");
    }
    out->push_back(next);
  }
  return {};
}

}  // namespace quorumbook::replay
