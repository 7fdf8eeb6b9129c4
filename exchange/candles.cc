#include "exchange/candles.h"

#include <algorithm>

namespace quorumbook::exchange {
namespace {

constexpr size_t kMinute = 0;

Time StartOf(Time time, size_t interval) { return time - time % kCandleLength[interval]; }

// Adds the trades of `later`, which come after those of `sum`.
void Append(const Candle& later, Candle* sum) {
  sum->high = std::max(sum->high, later.high);
  sum->low = std::min(sum->low, later.low);
  sum->close = later.close;
  sum->trades += later.trades;
  sum->volume += later.volume;
  sum->notional += later.notional;
}

// Adds a minute to the newest candle of a ring, or begins one.
void AddMinute(const Candle& minute, size_t interval, CandleRing* ring) {
  Candle candle = minute;
  candle.start = StartOf(minute.start, interval);
  if (ring->size() > 0 && ring->newest().start == candle.start) {
    Append(minute, &ring->newest());
  } else {
    ring->Add(candle);
  }
}

bool Consistent(const Candle& candle, size_t interval) {
  return candle.trades > 0 && candle.start >= 0 && candle.start <= kMaxTime &&
         candle.start == StartOf(candle.start, interval) && candle.low > 0 &&
         candle.low <= std::min(candle.open, candle.close) &&
         candle.high >= std::max(candle.open, candle.close) && candle.high <= kMaxPrice;
}

}  // namespace

void CandleRing::Add(const Candle& candle) {
  if (candles_.size() < limit_) {
    candles_.push_back(candle);
    return;
  }
  candles_[oldest_] = candle;
  oldest_ = (oldest_ + 1) % limit_;
}

CandleChart::Rings& CandleChart::rings() {
  if (rings_ == nullptr) {
    rings_ = std::make_unique<Rings>(Rings{CandleRing(kMaxCandles[0]), CandleRing(kMaxCandles[1]),
                                           CandleRing(kMaxCandles[2]), CandleRing(kMaxCandles[3])});
  }
  return *rings_;
}

void CandleChart::BeginMinute(Time time, Price price) {
  if (minute_.trades > 0) {
    for (size_t i = 0; i < kCandleIntervals; ++i) AddMinute(minute_, i, &rings()[i]);
  }
  minute_ = Candle{
      .start = StartOf(time, kMinute), .open = price, .high = price, .low = price, .close = price};
  minute_end_ = minute_.start + kCandleLength[kMinute];
}

std::vector<Candle> CandleChart::Last(CandleInterval interval, size_t limit) const {
  const auto which = static_cast<size_t>(interval);
  std::vector<Candle> candles;
  if (limit == 0 || minute_.trades == 0) return candles;
  const CandleRing* const finished = ring(which);
  for (size_t i = 0; finished != nullptr && i < finished->size(); ++i) {
    candles.push_back((*finished)[i]);
  }
  Candle open = minute_;
  open.start = StartOf(minute_.start, which);
  if (!candles.empty() && candles.back().start == open.start) {
    Append(minute_, &candles.back());
  } else {
    candles.push_back(open);
  }
  const size_t kept = std::min<size_t>({candles.size(), limit, kMaxCandles[which]});
  candles.erase(candles.begin(), candles.end() - static_cast<std::ptrdiff_t>(kept));
  return candles;
}

bool CandleChart::Restore(size_t interval, const Candle& candle) {
  CandleRing& ring = rings()[interval];
  if (!Consistent(candle, interval) || ring.size() == kMaxCandles[interval]) return false;
  if (ring.size() > 0 && ring.newest().start >= candle.start) return false;
  ring.Add(candle);
  return true;
}

bool CandleChart::RestoreMinute(const Candle& candle) {
  if (!Consistent(candle, kMinute)) return false;
  for (size_t i = 0; rings_ != nullptr && i < kCandleIntervals; ++i) {
    // An hour or a day goes on while its minutes change.
    const Time latest = i == kMinute ? candle.start - 1 : StartOf(candle.start, i);
    if (rings()[i].size() > 0 && rings()[i].newest().start > latest) return false;
  }
  minute_ = candle;
  minute_end_ = minute_.start + kCandleLength[kMinute];
  return true;
}

}  // namespace quorumbook::exchange
