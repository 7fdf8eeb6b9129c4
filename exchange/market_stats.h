// What is remembered of the trades of a symbol.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "exchange/candles.h"
#include "exchange/exchange.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// The last kMaxRecentTrades trades. Grows with use: most symbols trade little.
class TradeRing {
 public:
  size_t size() const { return trades_.size(); }
  // The i-th oldest. REQUIRES: i < size().
  const TradeInfo& operator[](size_t i) const {
    const size_t slot = oldest_ + i;
    return trades_[slot < trades_.size() ? slot : slot - trades_.size()];
  }
  void Add(const TradeInfo& trade) {
    if (trades_.size() < kMaxRecentTrades) {
      trades_.push_back(trade);
      return;
    }
    trades_[oldest_] = trade;
    oldest_ = oldest_ + 1 == kMaxRecentTrades ? 0 : oldest_ + 1;
  }

 private:
  std::vector<TradeInfo> trades_;
  size_t oldest_ = 0;
};

struct MarketStats {
  Price last = 0, open = 0, high = 0, low = 0;
  uint64_t trades = 0;
  Uint128 volume = 0;
  Uint128 notional = 0;
  TradeRing recent;
  CandleChart candles;

  // REQUIRES: trade.id == trades + 1.
  void Add(const TradeInfo& trade) {
    if (trades == 0) open = high = low = trade.price;
    last = trade.price;
    high = std::max(high, trade.price);
    low = std::min(low, trade.price);
    ++trades;
    volume += static_cast<uint64_t>(trade.quantity);
    notional += static_cast<Uint128>(trade.price) * static_cast<uint64_t>(trade.quantity);
    recent.Add(trade);
    candles.Add(trade.time, trade.price, trade.quantity);
  }
};

}  // namespace quorumbook::exchange
