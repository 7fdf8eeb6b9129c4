#include "client/bench/expectation.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace quorumbook::bench {

constexpr std::array kDurations = {"p50", "p90", "p99", "p99_9", "max", "longest_outage"};
constexpr std::array kNumbers = {"orders",     "orders_per_second", "rejects",        "errors",
                                 "resent",     "refused",           "not_sent",       "outages",
                                 "reconnects", "cpu_us_per_order",  "bytes_per_order"};

static bool Contains(const auto& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const char* known) { return name == known; });
}

static absl::Status Malformed(const std::string& text, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("--expect '", text, "': ", why));
}

// In microseconds.
static bool ParseDurationValue(std::string value, double* result) {
  double scale = 0;
  for (const auto& [unit, us] : {std::pair{"us", 1.0}, {"ms", 1e3}, {"s", 1e6}}) {
    const std::string suffix = unit;
    if (value.size() > suffix.size() && value.ends_with(suffix)) {
      value.resize(value.size() - suffix.size());
      scale = us;
      break;
    }
  }
  value = std::string(absl::StripAsciiWhitespace(value));
  if (scale == 0 || !absl::SimpleAtod(value, result)) return false;
  *result *= scale;
  return true;
}

absl::StatusOr<Expectation> Expectation::Parse(const std::string& text) {
  Expectation expectation;
  expectation.text_ = text;
  const size_t from = text.find_first_of("<>");
  if (from == std::string::npos) {
    return Malformed(text, "has none of <= >= < >; write e.g. 'p99<=2000us'");
  }
  const size_t length = from + 1 < text.size() && text[from + 1] == '=' ? 2 : 1;
  expectation.comparison_ = text.substr(from, length);
  expectation.metric_ = std::string(absl::StripAsciiWhitespace(text.substr(0, from)));
  if (expectation.metric_ == "p99.9") expectation.metric_ = "p99_9";  // as it is spoken
  const std::string value(absl::StripAsciiWhitespace(text.substr(from + length)));
  const bool duration = Contains(kDurations, expectation.metric_);
  if (!duration && !Contains(kNumbers, expectation.metric_)) {
    return Malformed(
        text, absl::StrCat("'", expectation.metric_, "' is not known; there are ",
                           absl::StrJoin(kDurations, ", "), ", ", absl::StrJoin(kNumbers, ", ")));
  }
  const bool parsed = duration ? ParseDurationValue(value, &expectation.bound_)
                               : absl::SimpleAtod(value, &expectation.bound_);
  if (!parsed || !std::isfinite(expectation.bound_) || expectation.bound_ < 0) {
    return Malformed(text, duration ? "the value is not a time such as 800us, 1.5ms or 2s"
                                    : "the value is not a number such as 300000");
  }
  return expectation;
}

bool Expectation::IsMet(const Metrics& metrics) const {
  const auto found = metrics.find(metric_);
  if (found == metrics.end()) return false;
  const double value = found->second;
  if (comparison_ == "<=") return value <= bound_;
  if (comparison_ == ">=") return value >= bound_;
  return comparison_ == "<" ? value < bound_ : value > bound_;
}

}  // namespace quorumbook::bench
