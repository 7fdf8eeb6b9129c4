// JSON as text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace quorumbook::server {

using Json = nlohmann::ordered_json;

// On one line. Never throws: what is no UTF-8 in a string, say of another program's error message,
// is replaced by U+FFFD.
std::string ToText(const Json& document);

}  // namespace quorumbook::server
