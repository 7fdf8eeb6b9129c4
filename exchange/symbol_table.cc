#include "exchange/symbol_table.h"

#include <absl/strings/string_view.h>

#include <algorithm>

namespace quorumbook::exchange {
namespace {

constexpr int64_t kMaxMantissa = 1'000'000'000;
constexpr int kMaxExponent = 12;

bool InRange(Decimal size) {
  return size.mantissa > 0 && size.mantissa <= kMaxMantissa && size.exponent >= -kMaxExponent &&
         size.exponent <= kMaxExponent;
}

Decimal Normalized(Decimal size) {
  while (size.mantissa % 10 == 0) {
    size.mantissa /= 10;
    ++size.exponent;
  }
  return size;
}

}  // namespace

Reason CheckSymbol(const AddSymbol& symbol) {
  const bool printable =
      std::ranges::all_of(symbol.name, [](char c) { return c > ' ' && c <= '~'; });
  const bool valid = !symbol.name.empty() && symbol.name.size() <= kMaxSymbolName && printable &&
                     InRange(symbol.tick_size) && InRange(symbol.lot_size);
  return valid ? CheckRules(symbol.rules) : Reason::kInvalidSymbol;
}

bool SameValue(Decimal a, Decimal b) { return Normalized(a) == Normalized(b); }

const Symbol* SymbolTable::Find(std::string_view name) const {
  const auto it = by_name_.find(absl::string_view(name.data(), name.size()));
  return it == by_name_.end() ? nullptr : Find(it->second);
}

Symbol& SymbolTable::Add(const AddSymbol& symbol, const AssetScale& scale, BookMemory* memory) {
  const SymbolId id(static_cast<uint32_t>(symbols_.size() + 1));
  SymbolInfo info{.id = id,
                  .name = symbol.name,
                  .tick_size = symbol.tick_size,
                  .lot_size = symbol.lot_size,
                  .base = symbol.base,
                  .quote = symbol.quote,
                  .rules = symbol.rules,
                  .phase = symbol.phase};
  symbols_.push_back(std::make_unique<Symbol>(std::move(info), memory));
  by_name_.emplace(symbol.name, id);
  Symbol& added = *symbols_.back();
  added.scale = scale;
  added.Refresh();
  return added;
}

void Symbol::Refresh() {
  const SymbolRules& rules = info.rules;
  const bool trading = info.phase == Phase::kContinuous && !info.busy && !info.delisted;
  const bool ruled = rules.min_quantity != 0 || rules.max_quantity != 0 ||
                     rules.static_band_bp != 0 || rules.dynamic_band_bp != 0 ||
                     rules.protection != 0;
  attention = static_cast<uint8_t>((trading ? 0 : kNotTrading) | (funded() ? kFunded : 0) |
                                   (ruled ? kRuled : 0) | (parked.empty() ? 0 : kHasParked) |
                                   (icebergs == 0 ? 0 : kHasIcebergs));
}

}  // namespace quorumbook::exchange
