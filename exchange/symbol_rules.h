// What the rules of a symbol say of quantities, prices and amounts.
#pragma once

#include "exchange/command.h"
#include "exchange/exchange.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// Units of the assets of a symbol in its lots and ticks; all 0 when it has none.
struct AssetScale {
  Amount base = 0;   // units of the base asset in a lot
  Amount quote = 0;  // units of the quote asset in a tick times a lot

  bool operator==(const AssetScale&) const = default;
};

// kInvalidRules, or kNone.
Reason CheckRules(const SymbolRules& rules);

// Whether a lot is a whole number of the base asset's units, and a tick times a lot of the quote
// asset's, at most kMaxScale. REQUIRES: the sizes are those of a valid symbol.
inline constexpr Amount kMaxScale = 1'000'000'000'000;
bool FindScale(const AddSymbol& symbol, const AssetInfo& base, const AssetInfo& quote,
               AssetScale* scale);

// Prices that an order may have.
struct PriceBand {
  Price low = 1;
  Price high = kMaxPrice;
  bool open = true;  // nothing bounds it, which a band may, and have these ends

  bool Has(Price price) const { return price >= low && price <= high; }
};

// Where both bands of a symbol overlap. `last` is the price of the last trade, 0 before the first,
// and then the reference price stands for it. Without a price to start from a band is open. The
// dynamic band is for continuous trading. `low > high` when the bands do not overlap.
PriceBand BandOf(const SymbolInfo& symbol, Price last);

// ceil(received * basis points / 10,000): never more than was received.
// REQUIRES: 0 <= received <= kMaxAmount, basis_points <= kMaxBasisPoints.
inline Amount FeeOf(Amount received, uint32_t basis_points) {
  const Uint128 exact = Uint128{static_cast<uint64_t>(received)} * basis_points;
  return static_cast<Amount>((exact + kMaxBasisPoints - 1) / kMaxBasisPoints);
}

}  // namespace quorumbook::exchange
