// What a benchmark must reach, as said on the command line: "p99<=2000us".
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>

namespace quorumbook::bench {

// Values by name. Durations are in microseconds.
using Metrics = std::map<std::string, double>;

class Expectation {
 public:
  // NAME OP VALUE, with OP one of <= >= < > and spaces as one likes. The value of a duration has a
  // unit: us, ms or s; other values have none. kInvalidArgument says what is wrong, and lists the
  // names when that is what is not known.
  static absl::StatusOr<Expectation> Parse(const std::string& text);

  const std::string& text() const { return text_; }
  const std::string& metric() const { return metric_; }
  // False also when there is no such value: what was not measured was not reached.
  bool IsMet(const Metrics& metrics) const;

 private:
  Expectation() = default;

  std::string text_;
  std::string metric_;
  std::string comparison_;
  double bound_ = 0;
};

}  // namespace quorumbook::bench
