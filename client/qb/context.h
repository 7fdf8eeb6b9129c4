// What all commands of qb share: global options, the connection, how errors are told.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "quorumbook/client.h"

namespace quorumbook::qb {

// Keys in the order they are written: stable output, readable by people too.
using Json = nlohmann::ordered_json;

// Exit codes; qb --help and docs/api.md say the same.
inline constexpr int kExitOk = 0;
inline constexpr int kExitRejected = 1;     // by the exchange, or a check failed
inline constexpr int kExitUnavailable = 2;  // the cluster does not answer, or not in time
inline constexpr int kExitUsage = 64;       // EX_USAGE of sysexits.h

struct Context {
  std::vector<std::string> endpoints = {"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"};
  std::string ca_file;  // empty: plain text
  bool json = false;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  uint64_t account = 1;
  // Set by the command that ran.
  int exit_code = kExitOk;

  absl::StatusOr<std::unique_ptr<Client>> Connect() const;
};

// "10", "10s", "500ms", "2m"; a bare number means seconds. Errors: kInvalidArgument.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(const std::string& text);

// kExitUnavailable for an error of the cluster, kExitUsage for kInvalidArgument, else
// kExitRejected.
int ExitCodeOf(const absl::Status& error);

// Writes the error to stderr, as "qb: ..." or as JSON. Returns `exit_code`.
int ReportError(bool json, const absl::Status& error, int exit_code);
inline int ReportError(const Context& context, const absl::Status& error) {
  return ReportError(context.json, error, ExitCodeOf(error));
}

// One JSON document, then a newline, to stdout.
void PrintJson(const Json& document);

}  // namespace quorumbook::qb
