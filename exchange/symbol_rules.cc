#include "exchange/symbol_rules.h"

#include <algorithm>

namespace quorumbook::exchange {
namespace {

// mantissa * 10^exponent as a whole number up to kMaxScale; 0 when it is not one.
Amount Whole(Uint128 mantissa, int exponent) {
  for (; exponent < 0; ++exponent) {
    if (mantissa % 10 != 0) return 0;
    mantissa /= 10;
  }
  for (; exponent > 0 && mantissa <= kMaxScale; --exponent) mantissa *= 10;
  return mantissa <= kMaxScale ? static_cast<Amount>(mantissa) : 0;
}

void Narrow(Price middle, uint32_t basis_points, PriceBand* band) {
  if (basis_points == 0 || middle == 0) return;
  const Price width = middle * basis_points / kMaxBasisPoints;
  band->low = std::max(band->low, middle - width);
  band->high = std::min(band->high, middle + width);
  band->open = false;
}
static_assert(kMaxPrice <= std::numeric_limits<Price>::max() / kMaxBasisPoints);

}  // namespace

Reason CheckRules(const SymbolRules& rules) {
  const auto valid_quantity = [](Quantity quantity) {
    return quantity >= 0 && quantity <= kMaxQuantity;
  };
  const bool valid = valid_quantity(rules.min_quantity) && valid_quantity(rules.max_quantity) &&
                     (rules.max_quantity == 0 || rules.min_quantity <= rules.max_quantity) &&
                     rules.static_band_bp <= kMaxBasisPoints &&
                     rules.dynamic_band_bp <= kMaxBasisPoints && rules.protection >= 0 &&
                     rules.protection <= kMaxPrice && rules.maker_fee_bp <= kMaxBasisPoints &&
                     rules.taker_fee_bp <= kMaxBasisPoints;
  return valid ? Reason::kNone : Reason::kInvalidRules;
}

bool FindScale(const AddSymbol& symbol, const AssetInfo& base, const AssetInfo& quote,
               AssetScale* scale) {
  const Decimal tick = symbol.tick_size;
  const Decimal lot = symbol.lot_size;
  const auto lot_mantissa = static_cast<uint64_t>(lot.mantissa);
  scale->base = Whole(lot_mantissa, lot.exponent - base.exponent);
  scale->quote = Whole(Uint128{lot_mantissa} * static_cast<uint64_t>(tick.mantissa),
                       tick.exponent + lot.exponent - quote.exponent);
  return scale->base > 0 && scale->quote > 0;
}

PriceBand BandOf(const SymbolInfo& symbol, Price last) {
  PriceBand band;
  Narrow(symbol.reference_price, symbol.rules.static_band_bp, &band);
  if (symbol.phase == Phase::kContinuous) {
    Narrow(last == 0 ? symbol.reference_price : last, symbol.rules.dynamic_band_bp, &band);
  }
  return band;
}

}  // namespace quorumbook::exchange
