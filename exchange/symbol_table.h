// The symbols of a shard, each with its book and statistics.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/book_side.h"
#include "exchange/command.h"
#include "exchange/exchange.h"
#include "exchange/market_stats.h"
#include "exchange/parked_orders.h"
#include "exchange/symbol_rules.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// Why the orders of a symbol need more care than plain ones in a plain symbol do.
enum Attention : uint8_t {
  kNotTrading = 1,  // its phase is not continuous trading, or it is busy or delisted
  kFunded = 2,      // it has assets
  kRuled = 4,       // it has bands, bounds on quantities, or protection
  kHasParked = 8,
  kHasIcebergs = 16,
};

struct Symbol {
  Symbol(SymbolInfo symbol_info, BookMemory* memory)
      : info(std::move(symbol_info)),
        sides{BookSide(Side::kBuy, memory), BookSide(Side::kSell, memory)} {}

  const BookSide& bids() const { return sides[0]; }
  const BookSide& asks() const { return sides[1]; }
  // By index, because a branch on the side of an order is guessed wrong as often as not.
  BookSide& side(Side which) { return sides[IndexOf(which)]; }
  const BookSide& side(Side which) const { return sides[IndexOf(which)]; }
  BookSide& opposite(Side which) { return sides[1 - IndexOf(which)]; }
  const BookSide& opposite(Side which) const { return sides[1 - IndexOf(which)]; }
  using HiddenQuantities = absl::flat_hash_map<PriceKey, Quantity>;
  HiddenQuantities& hidden(Side which) { return which == Side::kBuy ? hidden_bids : hidden_asks; }

  bool funded() const { return scale.base != 0; }
  // To be called when something has changed that `attention` tells.
  void Refresh();

  SymbolInfo info;
  std::array<BookSide, 2> sides;  // to buy, to sell
  MarketStats stats;
  uint8_t attention = 0;  // of Attention
  AssetScale scale;
  ParkedOrders parked;
  bool awake = false;    // it is in Market::awake()
  bool put_off = false;  // it will be again once this batch ends
  // Of each price, what its icebergs hide of what the level counts; and how many icebergs rest.
  HiddenQuantities hidden_bids, hidden_asks;
  uint32_t icebergs = 0;
  // Resting and parked day orders, and orders that only wait for the auction to end.
  using OrdersById = absl::btree_map<OrderId, OrderHandle>;
  OrdersById day_orders, auction_orders;

 private:
  static_assert(static_cast<int>(Side::kBuy) == 1 && static_cast<int>(Side::kSell) == 2);
  static size_t IndexOf(Side side) { return static_cast<size_t>(side) - 1; }
};

// Why a symbol can not have this name, these sizes and rules; kNone when it can.
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

  // REQUIRES: CheckSymbol accepts it, no symbol has its name, size() < kMaxSymbols; `scale` is that
  // of its assets.
  Symbol& Add(const AddSymbol& symbol, const AssetScale& scale, BookMemory* memory);

  auto begin() const { return symbols_.begin(); }
  auto end() const { return symbols_.end(); }

 private:
  std::vector<std::unique_ptr<Symbol>> symbols_;
  absl::flat_hash_map<std::string, SymbolId> by_name_;
};

}  // namespace quorumbook::exchange
