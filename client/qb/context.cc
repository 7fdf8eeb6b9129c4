#include "client/qb/context.h"

#include <absl/strings/str_cat.h>

#include <charconv>
#include <iostream>

namespace quorumbook::qb {

absl::StatusOr<std::unique_ptr<Client>> Context::Connect() const {
  return Client::Connect({.endpoints = endpoints, .ca_file = ca_file, .timeout = timeout});
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(const std::string& text) {
  constexpr int64_t kMaxMs = 24 * 3'600'000;
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const std::string unit(parsed.ptr, end);
  const int64_t scale = unit == "ms" ? 1 : unit == "s" || unit.empty() ? 1'000 : 60'000;
  if (parsed.ec != std::errc() || (scale == 60'000 && unit != "m") || number <= 0 ||
      number > kMaxMs / scale) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a duration; write e.g. 500ms, 10s or 2m, at most a day"));
  }
  return std::chrono::milliseconds(number * scale);
}

int ExitCodeOf(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
      return kExitUnavailable;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    default:
      return kExitRejected;
  }
}

int ReportError(bool json, const absl::Status& error, int exit_code) {
  const std::string message(error.message());
  if (json) {
    const Json document = {{"error",
                            {{"code", absl::StatusCodeToString(error.code())},
                             {"message", message},
                             {"exit_code", exit_code}}}};
    // A message may quote bytes that are not UTF-8.
    std::cerr << document.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    std::cerr << "qb: " << message << '\n';
  }
  return exit_code;
}

void PrintJson(const Json& document) {
  std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << std::endl;
}

}  // namespace quorumbook::qb
