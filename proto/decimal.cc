#include "proto/decimal.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace quorumbook {

__extension__ using Wide = unsigned __int128;

constexpr size_t kMaxDigits = 30;
constexpr Wide kWideMax = ~Wide{0};

// digits * 10^exponent
struct Number {
  Wide digits = 0;
  int exponent = 0;
};

static absl::StatusOr<Number> ParseNumber(const std::string& text, const std::string& what) {
  const auto error = [&](const char* reason) {
    return absl::InvalidArgumentError(absl::StrCat(what, " '", text, "' ", reason));
  };
  if (!text.empty() && text[0] == '-') return error("is negative; it must be positive");
  Number number;
  size_t digits = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return error("is not a plain decimal number such as 12 or 223.95");
    if (++digits > kMaxDigits) return error("has more than 30 digits");
    number.digits = number.digits * 10 + static_cast<Wide>(c - '0');
    if (point) --number.exponent;
  }
  if (digits == 0) return error("is not a plain decimal number such as 12 or 223.95");
  while (number.digits != 0 && number.digits % 10 == 0) {
    number.digits /= 10;
    ++number.exponent;
  }
  return number;
}

// value * 10^power, or nothing when that does not fit.
static std::optional<Wide> Scale(Wide value, int power) {
  for (; power > 0; --power) {
    if (value > kWideMax / 10) return std::nullopt;
    value *= 10;
  }
  return value;
}

static std::string ToString(Wide value) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

// digits * 10^exponent
static std::string Format(Wide digits, int exponent) {
  std::string text = ToString(digits);
  if (exponent >= 0) return digits == 0 ? text : text + std::string(exponent, '0');
  const auto decimals = static_cast<size_t>(-exponent);
  if (text.size() <= decimals) text.insert(0, decimals + 1 - text.size(), '0');
  return text.insert(text.size() - decimals, 1, '.');
}

std::string FromUnits(int64_t units, const v1::Decimal& unit) {
  const bool negative = units < 0;
  const Wide magnitude = negative ? -static_cast<Wide>(units) : static_cast<Wide>(units);
  const auto mantissa = static_cast<Wide>(unit.mantissa());
  return (negative ? "-" : "") + Format(magnitude * mantissa, unit.exponent());
}

static absl::Status OutOfBounds(const std::string& text, const v1::Decimal& unit, int64_t max,
                                const std::string& what, bool too_small) {
  return absl::OutOfRangeError(
      absl::StrCat(what, " ", text,
                   too_small ? " is too small: the smallest is " : " is too large: the largest is ",
                   FromUnits(too_small ? 1 : max, unit)));
}

absl::StatusOr<int64_t> ToUnits(const std::string& text, const v1::Decimal& unit, int64_t max,
                                const std::string& what) {
  absl::StatusOr<Number> number = ParseNumber(text, what);
  if (!number.ok()) return number.status();
  // text / unit = numerator / denominator
  const int shift = number->exponent - unit.exponent();
  const std::optional<Wide> numerator = Scale(number->digits, shift);
  const std::optional<Wide> denominator = Scale(static_cast<Wide>(unit.mantissa()), -shift);
  if (!numerator) return OutOfBounds(text, unit, max, what, /*too_small=*/false);
  // A denominator beyond 128 bits is more than any numerator of 30 digits.
  const Wide units = denominator ? *numerator / *denominator : 0;
  const bool exact = number->digits == 0 || (denominator && *numerator % *denominator == 0);
  const Wide bound = static_cast<Wide>(max);
  if (units == 0) return OutOfBounds(text, unit, max, what, /*too_small=*/true);
  if (units > bound || (units == bound && !exact)) {
    return OutOfBounds(text, unit, max, what, /*too_small=*/false);
  }
  const auto count = static_cast<int64_t>(units);
  if (exact) return count;
  return absl::OutOfRangeError(absl::StrCat(
      what, " ", text, " is not a multiple of ", FromUnits(1, unit), "; the nearest are ",
      FromUnits(count, unit), " and ", FromUnits(count + 1, unit)));
}

absl::StatusOr<v1::Decimal> ParseSize(const std::string& text, const std::string& what) {
  absl::StatusOr<Number> number = ParseNumber(text, what);
  if (!number.ok()) return number.status();
  if (number->digits == 0) return absl::InvalidArgumentError(what + " is zero; write e.g. 0.01");
  // 1e15 is 1000 * 10^12: an exponent beyond 12 goes into the mantissa.
  while (number->exponent > 12 && number->digits <= 1'000'000'000) {
    number->digits *= 10;
    --number->exponent;
  }
  if (number->digits > 1'000'000'000 || number->exponent < -12) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " ", text, " needs more than 9 significant digits or is outside 10^-12 to 10^21"));
  }
  v1::Decimal size;
  size.set_mantissa(static_cast<int64_t>(number->digits));
  size.set_exponent(number->exponent);
  return size;
}

static std::optional<Wide> ParseInteger(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Wide value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<Wide>(c - '0');
    if (value > (kWideMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::string FromUnits(const std::string& units, const v1::Decimal& unit) {
  const std::optional<Wide> value = ParseInteger(units);
  const auto mantissa = static_cast<Wide>(unit.mantissa());
  if (!value || mantissa == 0 || *value > kWideMax / mantissa) return "";
  return Format(*value * mantissa, unit.exponent());
}

std::string Quotient(const std::string& numerator, const std::string& denominator,
                     const v1::Decimal& unit, int extra) {
  std::optional<Wide> top = ParseInteger(numerator);
  std::optional<Wide> bottom = ParseInteger(denominator);
  const auto mantissa = static_cast<Wide>(unit.mantissa());
  if (!top || !bottom || *bottom == 0 || mantissa == 0) return "";
  // Halving both changes the quotient by less than 2^-60 of it: far below what is shown.
  while (*top > kWideMax / mantissa || *bottom > kWideMax / 20) {
    *top >>= 1;
    *bottom >>= 1;
    if (*bottom == 0) return "";
  }
  const Wide product = *top * mantissa;
  Wide digits = product / *bottom;
  Wide rest = product % *bottom;
  for (int i = 0; i < extra; ++i) {
    rest *= 10;
    if (digits > kWideMax / 10 - 1) return "";
    digits = digits * 10 + rest / *bottom;
    rest %= *bottom;
  }
  if (rest * 2 >= *bottom) ++digits;
  return Format(digits, unit.exponent() - extra);
}

}  // namespace quorumbook
