// Reads parameters of a query.
#pragma once

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <optional>
#include <string>
#include <vector>

#include "server/monitoring/http_message.h"

namespace quorumbook::server {

// Collects what is wrong with a request.
class QueryReader {
 public:
  explicit QueryReader(const HttpRequest& request) : request_(request) {}

  // A whole number between the bounds; `missing` when it is not given.
  template <typename Number>
  Number Count(const std::string& name, Number least, Number most, Number missing) {
    const std::string text = request_.Query(name);
    if (text.empty()) return missing;
    Number value = 0;
    if (absl::SimpleAtoi(text, &value) && value >= least && value <= most) return value;
    Wrong(absl::StrCat(name, " '", text, "' is not a whole number from ", least, " to ", most));
    return missing;
  }
  std::vector<std::string> List(const std::string& name) const {
    const std::string text = request_.Query(name);
    if (text.empty()) return {};
    return absl::StrSplit(text, ',');
  }
  void Wrong(std::string detail) {
    if (wrong_.empty()) wrong_ = std::move(detail);
  }

  // The answer to a request that is wrong.
  std::optional<HttpResponse> Refusal() const {
    if (wrong_.empty()) return std::nullopt;
    return Problem(400, "bad_request", wrong_, "/api/openapi.json names the parameters");
  }

 private:
  const HttpRequest& request_;
  std::string wrong_;
};

}  // namespace quorumbook::server
