// Structured logs: one line an event, text or JSON, to standard error.
#pragma once

#include <string>

namespace quorumbook::server {

// `level` and `format` as in the configuration. What gRPC has to say goes there too: each line once
// a minute, at most 64 of them. Call once, before threads start.
void SetUpLogging(const std::string& level, const std::string& format);

}  // namespace quorumbook::server
