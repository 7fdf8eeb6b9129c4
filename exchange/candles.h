// Trades of a symbol summed up by the minute, the hour, the day.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "exchange/exchange.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// A ring of the last kMaxCandles of one interval.
class CandleRing {
 public:
  explicit CandleRing(size_t limit) : limit_(limit) {}

  size_t size() const { return candles_.size(); }
  // The i-th oldest. REQUIRES: i < size().
  const Candle& operator[](size_t i) const { return candles_[(oldest_ + i) % candles_.size()]; }
  Candle& newest() { return candles_[(oldest_ + size() - 1) % candles_.size()]; }
  void Add(const Candle& candle);

 private:
  size_t limit_;
  std::vector<Candle> candles_;  // grows with use: most symbols trade little
  size_t oldest_ = 0;
};

// Only the minute is counted trade by trade: when it is over it is added to the longer intervals.
class CandleChart {
 public:
  // REQUIRES: time does not go back.
  void Add(Time time, Price price, Quantity quantity) {
    if (time >= minute_end_ || minute_.trades == 0) [[unlikely]] {
      BeginMinute(time, price);
    }
    minute_.close = price;
    if (price > minute_.high) minute_.high = price;
    if (price < minute_.low) minute_.low = price;
    ++minute_.trades;
    minute_.volume += static_cast<uint64_t>(quantity);
    minute_.notional += static_cast<Uint128>(price) * static_cast<uint64_t>(quantity);
  }

  // Oldest first, the open one last: at most `limit`, and at most kMaxCandles.
  std::vector<Candle> Last(CandleInterval interval, size_t limit) const;

  // The finished candles of each interval and the open minute are the state.
  const Candle& minute() const { return minute_; }
  // nullptr while no minute is over.
  const CandleRing* ring(size_t interval) const {
    return rings_ == nullptr ? nullptr : &(*rings_)[interval];
  }
  // For a chart filled from a snapshot: the candles that rings hold, oldest first, then the minute.
  // False when it is not later than the one before, of any interval, or not of its interval.
  bool Restore(size_t interval, const Candle& candle);
  bool RestoreMinute(const Candle& candle);

 private:
  using Rings = std::array<CandleRing, kCandleIntervals>;

  void BeginMinute(Time time, Price price);
  Rings& rings();

  Candle minute_;  // the open one, if it has trades
  Time minute_end_ = 0;
  std::unique_ptr<Rings> rings_;
};

}  // namespace quorumbook::exchange
