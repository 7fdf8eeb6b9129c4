// The schema of the configuration: every scalar key, once, with how its text is read.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/config.h"

namespace quorumbook::server {

// What is wrong with a value and what to do about it; an empty message: nothing.
struct ConfigFault {
  std::string message;
  std::string hint;
};

struct ScalarKey {
  ConfigKey key;
  bool required = false;
  std::function<ConfigFault(Config&, const std::string&)> set;
  std::function<std::string(const Config&)> get;
  bool secret = false;
};

const std::vector<ScalarKey>& ConfigSchema();
// The keys that are lists and maps, which only a file can hold.
inline constexpr std::array<std::string_view, 3> kFileKeys = {"peers", "shards", "symbols.shards"};
// Null: no such key.
const ScalarKey* FindConfigKey(std::string_view name);
// What to do about an unknown key: the one that it resembles, if any.
std::string SuggestConfigKey(std::string_view unknown);

// Whether a cluster can have this id.
bool IsClusterId(std::string_view text);

// Readers of values, for the keys that are lists and maps.
ConfigFault SetNumber(const std::string& text, uint64_t min, uint64_t max, uint64_t* out);
ConfigFault SetAddress(const std::string& text, std::string* out);

// Where a value came from, for the error that it may cause.
struct ConfigOrigin {
  std::string source;
  int line = 0;  // 1-based; 0: not of a line
};
using ConfigOrigins = std::map<std::string, ConfigOrigin>;  // by key

// Collects errors; what everything that validates writes to.
class ConfigErrors {
 public:
  explicit ConfigErrors(std::vector<ConfigError>* errors) : errors_(errors) {}
  void Add(const ConfigOrigin& origin, std::string message, std::string hint) {
    errors_->push_back({origin.source, origin.line, std::move(message), std::move(hint)});
  }

 private:
  std::vector<ConfigError>* errors_;
};

// Reads a YAML document into `config`; `name` stands for the file in errors.
void ReadConfigDocument(const std::string& yaml, const std::string& name, Config* config,
                        ConfigErrors* errors, ConfigOrigins* origins);

}  // namespace quorumbook::server
