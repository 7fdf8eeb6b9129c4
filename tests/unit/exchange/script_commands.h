// Commands of the test language as text: see script.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exchange/command.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {

using Words = std::vector<std::string>;

Words Split(const std::string& text);
int64_t ToNumber(const std::string& text);
bool Has(const Words& words, std::string_view wanted);
// The value of `name=value`, or `otherwise`.
int64_t Named(const Words& words, const std::string& name, int64_t otherwise = 0);
inline uint64_t NamedId(const Words& words, const std::string& name) {
  return static_cast<uint64_t>(Named(words, name));
}

// Names are looked up in `exchange`; one that is not there becomes 999.
SymbolId ParseSymbol(const Exchange& exchange, const std::string& name);
Command ParseCommand(const Exchange& exchange, const Words& words);

}  // namespace quorumbook::exchange
