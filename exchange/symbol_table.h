// The symbols of a shard, each with its book and statistics.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/book_side.h"
#include "exchange/command.h"
#include "exchange/exchange.h"
#include "exchange/market_stats.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

struct Symbol {
  Symbol(SymbolInfo symbol_info, BookMemory* memory)
      : info(std::move(symbol_info)), bids(Side::kBuy, memory), asks(Side::kSell, memory) {}

  BookSide& side(Side which) { return which == Side::kBuy ? bids : asks; }
  const BookSide& side(Side which) const { return which == Side::kBuy ? bids : asks; }
  BookSide& opposite(Side which) { return which == Side::kBuy ? asks : bids; }

  SymbolInfo info;
  BookSide bids;
  BookSide asks;
  MarketStats stats;
};

// Why a symbol can not have these parameters; kNone when it can.
Reason CheckSymbol(const AddSymbol& symbol);
// Whether two sizes are the same number: 10 * 10^-3 is 1 * 10^-2. REQUIRES: both in range.
bool SameValue(Decimal a, Decimal b);

class SymbolTable {
 public:
  // Ids count from 1 and symbols are never removed.
  size_t size() const { return symbols_.size(); }
  // nullptr when there is none.
  Symbol* Find(SymbolId id) {
    const size_t slot = size_t{id.value()} - 1;
    return slot < symbols_.size() ? symbols_[slot].get() : nullptr;
  }
  const Symbol* Find(SymbolId id) const { return const_cast<SymbolTable*>(this)->Find(id); }
  const Symbol* Find(std::string_view name) const;

  // REQUIRES: CheckSymbol accepts it, no symbol has its name, size() < kMaxSymbols.
  Symbol& Add(const AddSymbol& symbol, BookMemory* memory);

  auto begin() const { return symbols_.begin(); }
  auto end() const { return symbols_.end(); }

 private:
  std::vector<std::unique_ptr<Symbol>> symbols_;
  absl::flat_hash_map<std::string, SymbolId> by_name_;
};

}  // namespace quorumbook::exchange
