// What is behind the errors of a connection that gRPC could not make.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace quorumbook {

// Errors of OpenSSL and gRPC, in their words, and what they mean.
struct KnownConnectionError {
  bool tls;  // this side uses it
  std::string_view error;
  std::string_view meaning;
};

// `error` with the meaning of the first of `known` that is in it, if it is of a connection that was
// never made.
inline std::string ExplainConnectionError(std::span<const KnownConnectionError> known, bool tls,
                                          std::string error) {
  if (error.find("failed to connect") == std::string::npos) return error;
  for (const KnownConnectionError& one : known) {
    if (one.tls != tls || error.find(one.error) == std::string::npos) continue;
    error.append(" (").append(one.meaning).append(")");
    break;
  }
  return error;
}

}  // namespace quorumbook
