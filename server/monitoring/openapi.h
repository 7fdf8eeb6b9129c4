// docs/api/openapi.json, as built in.
#pragma once

namespace quorumbook::server {

extern const char kOpenApi[];

}  // namespace quorumbook::server
