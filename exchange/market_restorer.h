// Fills an empty market from a snapshot. snapshot_reader.cc reads accounts and work,
// snapshot_books.cc symbols and orders.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "exchange/market.h"
#include "exchange/snapshot.h"

namespace quorumbook::exchange {

// Each method reads one part and says whether it keeps the rules. Every count is followed by
// something for each of what it counts, so that a wrong one ends at the end of the bytes.
class MarketRestorer {
 public:
  // Takes no count above `max_count`.
  MarketRestorer(ByteReader* in, uint64_t max_count, Market* market)
      : in_(*in), max_count_(max_count), market_(*market) {}

  bool ReadMarket();
  bool ReadFinished();

 private:
  bool ReadAssets();
  bool ReadAccounts();
  bool ReadAccount();
  bool ReadJobs();
  bool ReadJob();
  bool ReadAwake();
  // Puts the open orders into the lists of their accounts, and finds what those of symbols with
  // assets hold; then nothing may be missing or too much.
  bool LinkAccounts();

  bool ReadSymbol();
  bool ReadInfo(AddSymbol* symbol, SymbolInfo* info);
  bool ReadStats(MarketStats* stats);
  bool ReadCandles(uint64_t trades, CandleChart* chart);
  bool ReadSide(Symbol& symbol, Side which);
  bool ReadResting(Symbol& symbol, Side side, Price price);
  bool ReadParked(Symbol& symbol);
  OrderHandle ReadParkedOrder(Symbol& symbol);  // kNullHandle: against the rules
  bool ReadFinishedOrder();
  bool ReadTerms(Symbol& symbol, OrderHandle handle);
  // An order's common fields; kNullHandle when they are against the rules. Of an open order, also
  // when there are too many.
  OrderHandle ReadOrder(SymbolId symbol, SnapshotOrderBits* bits);
  OrderHandle ReadOpenOrder(SymbolId symbol, SnapshotOrderBits* bits);
  // What resting and parked orders are noted under.
  bool Register(Symbol& symbol, OrderHandle handle);
  bool ReadFlag(bool* flag);

  ByteReader& in_;
  const uint64_t max_count_;
  Market& market_;
  std::vector<std::pair<OrderId, OrderHandle>> open_;
};

}  // namespace quorumbook::exchange
