// Between what people write ("223.95") and what the exchange counts (ticks, lots): exactly, in
// integers. No floating point.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook {

// The exchange's bounds (exchange/types.h kMaxPrice, kMaxQuantity; a test holds them equal).
inline constexpr int64_t kMaxPriceTicks = 1'000'000'000'000;
inline constexpr int64_t kMaxQuantityLots = 500'000'000'000;

// A number in [1, max] of units of size `unit`. `what` names it in errors ("price").
// Errors: kInvalidArgument when `text` is not a plain decimal number (digits with at most one
// point, at most 30 of them); kOutOfRange when it is no multiple of the unit, or outside the
// bounds: the nearest valid values are named. REQUIRES: unit within the bounds of AddSymbol.
absl::StatusOr<int64_t> ToUnits(const std::string& text, const v1::Decimal& unit, int64_t max,
                                const std::string& what);

// units * unit, as a plain decimal number with as many decimals as the unit has; exact.
std::string FromUnits(int64_t units, const v1::Decimal& unit);

// A tick or lot size: mantissa 1 to 10^9 without trailing zeros, exponent -12 to 12.
// Errors: kInvalidArgument.
absl::StatusOr<v1::Decimal> ParseSize(const std::string& text, const std::string& what);

// numerator / denominator * unit with `extra` decimals more than the unit has, rounded half up.
// Decimal integers of up to 128 bits. "" when either is not such a number or denominator is 0.
std::string Quotient(const std::string& numerator, const std::string& denominator,
                     const v1::Decimal& unit, int extra);
// units * unit for a decimal integer of up to 128 bits; "" when it is none.
std::string FromUnits(const std::string& units, const v1::Decimal& unit);

}  // namespace quorumbook
