#include "server/config.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "common/check.h"

namespace quorumbook::server {
namespace {

constexpr uint64_t kMaxNodes = 7;
constexpr uint64_t kMaxShards = 1024;
constexpr size_t kMaxConfigBytes = size_t{1} << 20;
constexpr std::string_view kEnvironmentPrefix = "QUORUMBOOK_";

// Where a value came from, for the error that it may cause.
struct Origin {
  std::string source;
  int line = 0;
};

// Collects errors; a helper for everything that validates.
class Errors {
 public:
  explicit Errors(std::vector<ConfigError>* errors) : errors_(errors) {}
  void Add(const Origin& origin, std::string message, std::string hint) {
    errors_->push_back({origin.source, origin.line, std::move(message), std::move(hint)});
  }

 private:
  std::vector<ConfigError>* errors_;
};

// A setter returns what is wrong with the value and what to do, or an empty message.
struct Fault {
  std::string message;
  std::string hint;
};
using Setter = std::function<Fault(Config&, const std::string&)>;

struct ScalarKey {
  ConfigKey key;
  bool required = false;
  Setter set;
};

Fault SetNumber(const std::string& text, uint64_t min, uint64_t max, uint64_t* out) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
    return {fmt::format("'{}' is not a number from {} to {}", text, min, max),
            fmt::format("write a whole number from {} to {}", min, max)};
  }
  *out = value;
  return {};
}

Fault SetAddress(const std::string& text, std::string* out) {
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 || port > 65535) {
    return {fmt::format("'{}' is not an address", text), "write host:port, e.g. 127.0.0.1:7001"};
  }
  *out = text;
  return {};
}

Fault SetChoice(const std::string& text, const std::vector<std::string>& choices,
                std::string* out) {
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    return {fmt::format("'{}' is not known", text),
            fmt::format("use one of {}", absl::StrJoin(choices, ", "))};
  }
  *out = text;
  return {};
}

Fault SetClusterId(const std::string& text, std::string* out) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  if (text.empty() || text.size() > 64 || !plain) {
    return {fmt::format("'{}' is no cluster id", text),
            "use 1 to 64 letters, digits, '-', '_' or '.'"};
  }
  *out = text;
  return {};
}

Setter Milliseconds(std::chrono::milliseconds Config::* field) {
  return [field](Config& config, const std::string& text) {
    uint64_t value = 0;
    Fault fault = SetNumber(text, 1, 60'000, &value);
    if (fault.message.empty()) config.*field = std::chrono::milliseconds(value);
    return fault;
  };
}

Setter Number(uint64_t Config::* field, uint64_t min, uint64_t max) {
  return [field, min, max](Config& config, const std::string& text) {
    return SetNumber(text, min, max, &(config.*field));
  };
}

Setter Choice(std::string Config::* field, std::vector<std::string> choices) {
  return [field, choices = std::move(choices)](Config& config, const std::string& text) {
    return SetChoice(text, choices, &(config.*field));
  };
}

Setter Address(std::string Config::* field) {
  return [field](Config& config, const std::string& text) {
    return SetAddress(text, &(config.*field));
  };
}

Fault SetNodeId(Config& config, const std::string& text) {
  uint64_t value = 0;
  Fault fault = SetNumber(text, 1, 65'535, &value);
  config.node_id = NodeId(value);
  return fault;
}

Fault SetDataDir(Config& config, const std::string& text) {
  if (text.empty()) return {"is empty", "name a directory of this node alone"};
  config.data_dir = text;
  return {};
}

Fault SetDefaultShard(Config& config, const std::string& text) {
  uint64_t value = 0;
  Fault fault = SetNumber(text, 1, 1'000'000, &value);
  config.default_shard = ShardId(value);
  return fault;
}

Fault SetThreads(Config& config, const std::string& text) {
  uint64_t value = 0;
  Fault fault = SetNumber(text, 1, 256, &value);
  config.threads = static_cast<uint32_t>(value);
  return fault;
}

// The schema: every scalar key, once.
const std::vector<ScalarKey>& Schema() {
  static const auto& schema = *new std::vector<ScalarKey>{
      {{"cluster.id", "name of the cluster; nodes of another one are refused"},
       true,
       [](Config& c, const std::string& text) { return SetClusterId(text, &c.cluster_id); }},
      {{"node.id", "number of this node in `peers`"}, true, SetNodeId},
      {{"data_dir", "directory of this node alone"}, true, SetDataDir},
      {{"listen.client", "host:port for clients"}, true, Address(&Config::listen_client)},
      {{"listen.peer", "host:port for the other nodes"}, true, Address(&Config::listen_peer)},
      {{"symbols.default_shard", "shard of symbols that symbols.shards does not name"},
       false,
       SetDefaultShard},
      {{"raft.election_timeout_min_ms", "a follower waits at least this long for its leader"},
       false,
       Milliseconds(&Config::election_timeout_min)},
      {{"raft.election_timeout_max_ms", "and less than this"},
       false,
       Milliseconds(&Config::election_timeout_max)},
      {{"raft.heartbeat_interval_ms", "at most a third of election_timeout_min_ms"},
       false,
       Milliseconds(&Config::heartbeat_interval)},
      {{"snapshot.log_bytes", "take a snapshot when a shard's log is larger"},
       false,
       Number(&Config::snapshot_log_bytes, 64 << 10, uint64_t{4} << 30)},
      {{"snapshot.keep_log_bytes", "log kept behind a snapshot for slow followers"},
       false,
       Number(&Config::keep_log_bytes, 0, uint64_t{1} << 30)},
      {{"threads", "threads for shards and timers"}, false, SetThreads},
      {{"log.level", "trace, debug, info, warn or error"},
       false,
       Choice(&Config::log_level, {"trace", "debug", "info", "warn", "error"})},
      {{"log.format", "text or json"}, false, Choice(&Config::log_format, {"text", "json"})},
  };
  return schema;
}

const ScalarKey* FindKey(std::string_view name) {
  for (const ScalarKey& key : Schema()) {
    if (key.key.name == name) return &key;
  }
  return nullptr;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substitute, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string SuggestKey(const std::string& unknown) {
  std::string best;
  size_t best_distance = 4;
  for (std::string_view extra : {"peers", "shards", "symbols.shards"}) {
    const size_t distance = EditDistance(unknown, extra);
    if (distance < best_distance) best = extra, best_distance = distance;
  }
  for (const ScalarKey& key : Schema()) {
    const size_t distance = EditDistance(unknown, key.key.name);
    if (distance < best_distance) best = key.key.name, best_distance = distance;
  }
  if (!best.empty()) return fmt::format("did you mean '{}'?", best);
  return "remove it; quorumbookd --help lists the keys";
}

Origin OriginOf(const std::string& name, const YAML::Node& node) {
  return {name, node.Mark().is_null() ? 0 : node.Mark().line + 1};
}

// Reads the YAML document into a Config.
class FileReader {
 public:
  FileReader(std::string name, Config* config, Errors* errors,
             std::map<std::string, Origin>* origins)
      : name_(std::move(name)), config_(config), errors_(errors), origins_(origins) {}

  void Read(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) {
      errors_->Add(OriginOf(name_, root), "is not a map of keys", "write `key: value` lines");
      return;
    }
    ReadMap(root, "");
  }

 private:
  void ReadMap(const YAML::Node& map, const std::string& prefix) {
    std::set<std::string> seen;
    for (const auto& item : map) {
      if (!item.first.IsScalar()) {
        errors_->Add(OriginOf(name_, item.first), "a key is not plain text", "write `key: value`");
        continue;
      }
      const std::string key = prefix + item.first.Scalar();
      const Origin origin = OriginOf(name_, item.first);
      if (!seen.insert(key).second) {
        errors_->Add(origin, fmt::format("key '{}' stands twice", key), "remove one of them");
        continue;
      }
      ReadKey(key, origin, item.second);
    }
  }

  void ReadKey(const std::string& key, const Origin& origin, const YAML::Node& value) {
    if (key == "peers") return ReadPeers(origin, value);
    if (key == "shards") return ReadShards(origin, value);
    if (key == "symbols.shards") return ReadSymbolShards(value);
    if (const ScalarKey* scalar = FindKey(key)) return ReadScalar(*scalar, origin, value);
    const bool is_group = std::any_of(Schema().begin(), Schema().end(), [&](const ScalarKey& k) {
      return k.key.name.substr(0, key.size() + 1) == key + ".";
    });
    if (!is_group) {
      errors_->Add(origin, fmt::format("unknown key '{}'", key), SuggestKey(key));
    } else if (value.IsMap()) {
      ReadMap(value, key + ".");
    } else if (!value.IsNull()) {
      errors_->Add(origin, fmt::format("'{}' holds further keys, not a value", key),
                   fmt::format("write its keys indented below it"));
    }
  }

  void ReadScalar(const ScalarKey& scalar, const Origin& origin, const YAML::Node& value) {
    (*origins_)[std::string(scalar.key.name)] = origin;
    if (!value.IsScalar()) {
      errors_->Add(origin, fmt::format("'{}' has no plain value", scalar.key.name),
                   std::string(scalar.key.description));
      return;
    }
    Fault fault = scalar.set(*config_, value.Scalar());
    if (!fault.message.empty()) {
      errors_->Add(origin, fmt::format("{}: {}", scalar.key.name, fault.message), fault.hint);
    }
  }

  void ReadPeers(const Origin& origin, const YAML::Node& value) {
    (*origins_)["peers"] = origin;
    if (!value.IsSequence()) {
      errors_->Add(origin, "'peers' is not a list",
                   "write `- {id: 1, client: host:port, peer: host:port}` a node");
      return;
    }
    for (const YAML::Node& item : value) ReadPeer(item);
  }

  void ReadPeer(const YAML::Node& item) {
    const Origin origin = OriginOf(name_, item);
    if (!item.IsMap()) {
      errors_->Add(origin, "a peer is not a map",
                   "write `- {id: 1, client: host:port, peer: host:port}`");
      return;
    }
    PeerConfig peer;
    for (const auto& field : item) {
      const std::string key = field.first.IsScalar() ? field.first.Scalar() : "";
      const std::string text = field.second.IsScalar() ? field.second.Scalar() : "";
      Fault fault;
      if (key == "id") {
        uint64_t id = 0;
        fault = SetNumber(text, 1, 65'535, &id);
        peer.id = NodeId(id);
      } else if (key == "client") {
        fault = SetAddress(text, &peer.client_address);
      } else if (key == "peer") {
        fault = SetAddress(text, &peer.peer_address);
      } else {
        fault = {"unknown key", "a peer has id, client and peer"};
      }
      if (!fault.message.empty()) {
        errors_->Add(OriginOf(name_, field.first),
                     fmt::format("peers: '{}': {}", key, fault.message), fault.hint);
      }
    }
    if (!item["id"] || !item["client"] || !item["peer"]) {
      errors_->Add(origin, "a peer lacks id, client or peer", "give all three");
    }
    config_->peers.push_back(std::move(peer));
  }

  void ReadShards(const Origin& origin, const YAML::Node& value) {
    (*origins_)["shards"] = origin;
    if (!value.IsSequence()) {
      errors_->Add(origin, "'shards' is not a list", "write e.g. `shards: [1]`");
      return;
    }
    for (const YAML::Node& item : value) {
      uint64_t id = 0;
      const Fault fault = SetNumber(item.IsScalar() ? item.Scalar() : "", 1, 1'000'000, &id);
      if (!fault.message.empty()) {
        errors_->Add(OriginOf(name_, item), fmt::format("shards: {}", fault.message), fault.hint);
      }
      config_->shards.push_back(ShardId(id));
    }
  }

  void ReadSymbolShards(const YAML::Node& value) {
    if (value.IsNull()) return;
    if (!value.IsMap()) {
      errors_->Add(OriginOf(name_, value), "'symbols.shards' is not a map",
                   "write e.g. `shards: {AMZN: 1}`");
      return;
    }
    for (const auto& item : value) {
      uint64_t id = 0;
      const Fault fault =
          SetNumber(item.second.IsScalar() ? item.second.Scalar() : "", 1, 1'000'000, &id);
      const Origin origin = OriginOf(name_, item.first);
      const std::string symbol = item.first.IsScalar() ? item.first.Scalar() : "";
      if (!fault.message.empty()) {
        errors_->Add(origin, fmt::format("symbols.shards: {}: {}", symbol, fault.message),
                     fault.hint);
      }
      (*origins_)["symbols.shards." + symbol] = origin;
      config_->symbol_shards[symbol] = ShardId(id);
    }
  }

  std::string name_;
  Config* config_;
  Errors* errors_;
  std::map<std::string, Origin>* origins_;
};

void ApplyOverrides(const ConfigOverrides& overrides, const std::string& source, Config* config,
                    Errors* errors, std::map<std::string, Origin>* origins) {
  for (const auto& [key, text] : overrides) {
    const Origin origin{source, 0};
    const ScalarKey* scalar = FindKey(key);
    if (scalar == nullptr) {
      errors->Add(origin, fmt::format("unknown key '{}'", key), SuggestKey(key));
      continue;
    }
    (*origins)[key] = origin;
    const Fault fault = scalar->set(*config, text);
    if (!fault.message.empty()) {
      errors->Add(origin, fmt::format("{}: {}", key, fault.message), fault.hint);
    }
  }
}

// What must hold between keys.
class CrossCheck {
 public:
  CrossCheck(const std::string& name, Config* config, Errors* errors,
             const std::map<std::string, Origin>& origins)
      : name_(name), config_(*config), errors_(*errors), origins_(origins) {}

  void Run() {
    CheckRequired();
    CheckPeers();
    CheckShards();
    CheckTimeouts();
  }

 private:
  Origin At(const std::string& key) const {
    auto it = origins_.find(key);
    return it == origins_.end() ? Origin{name_, 0} : it->second;
  }

  void CheckRequired() {
    for (const ScalarKey& key : Schema()) {
      if (key.required && !origins_.contains(std::string(key.key.name))) {
        errors_.Add({name_, 0}, fmt::format("'{}' is missing", key.key.name),
                    fmt::format("add it: {}", key.key.description));
      }
    }
  }

  void CheckPeers() {
    if (config_.peers.empty() || config_.peers.size() > kMaxNodes) {
      errors_.Add(At("peers"), fmt::format("there are {} peers", config_.peers.size()),
                  fmt::format("list 1 to {} nodes, this one included", kMaxNodes));
      return;
    }
    std::sort(config_.peers.begin(), config_.peers.end(),
              [](const PeerConfig& a, const PeerConfig& b) { return a.id < b.id; });
    std::set<std::string> addresses;
    bool found = false;
    for (size_t i = 0; i < config_.peers.size(); ++i) {
      const PeerConfig& peer = config_.peers[i];
      found |= peer.id == config_.node_id;
      if (i > 0 && config_.peers[i - 1].id == peer.id) {
        errors_.Add(At("peers"), fmt::format("two peers have id {}", peer.id.value()),
                    "give each node an id of its own");
      }
      for (const std::string& address : {peer.client_address, peer.peer_address}) {
        if (!address.empty() && !addresses.insert(address).second) {
          errors_.Add(At("peers"), fmt::format("address {} stands twice", address),
                      "give each listener an address of its own");
        }
      }
    }
    if (!found && origins_.contains("node.id")) {
      errors_.Add(At("node.id"),
                  fmt::format("node.id {} is not among the peers", config_.node_id.value()),
                  "list this node in `peers` too");
    }
  }

  void CheckShards() {
    std::sort(config_.shards.begin(), config_.shards.end());
    const auto end = std::unique(config_.shards.begin(), config_.shards.end());
    if (end != config_.shards.end()) {
      errors_.Add(At("shards"), "a shard stands twice", "list each shard once");
    }
    if (config_.shards.empty() || config_.shards.size() > kMaxShards) {
      errors_.Add(At("shards"), fmt::format("there are {} shards", config_.shards.size()),
                  fmt::format("list 1 to {}, e.g. `shards: [1]`", kMaxShards));
      return;
    }
    if (config_.default_shard == ShardId()) config_.default_shard = config_.shards.front();
    CheckShard("symbols.default_shard", config_.default_shard);
    for (const auto& [symbol, shard] : config_.symbol_shards) {
      CheckShard("symbols.shards." + symbol, shard);
    }
  }

  void CheckShard(const std::string& key, ShardId shard) {
    if (!std::binary_search(config_.shards.begin(), config_.shards.end(), shard)) {
      errors_.Add(At(key), fmt::format("{}: shard {} is not in `shards`", key, shard.value()),
                  "name one of `shards`, or add it there");
    }
  }

  void CheckTimeouts() {
    if (config_.election_timeout_max <= config_.election_timeout_min) {
      errors_.Add(At("raft.election_timeout_max_ms"),
                  "raft.election_timeout_max_ms is not above raft.election_timeout_min_ms",
                  "twice the minimum is a good value");
    }
    if (config_.heartbeat_interval * 3 > config_.election_timeout_min) {
      errors_.Add(At("raft.heartbeat_interval_ms"),
                  "raft.heartbeat_interval_ms is above a third of raft.election_timeout_min_ms",
                  "a fifth of it is a good value");
    }
  }

  const std::string& name_;
  Config& config_;
  Errors& errors_;
  const std::map<std::string, Origin>& origins_;
};

}  // namespace

const PeerConfig& Config::peer(NodeId id) const {
  for (const PeerConfig& peer : peers) {
    if (peer.id == id) return peer;
  }
  QB_CHECK(false && "not a peer");
}

ShardId Config::ShardOf(std::string_view symbol) const {
  auto it = symbol_shards.find(std::string(symbol));
  return it == symbol_shards.end() ? default_shard : it->second;
}

std::string ConfigError::ToString() const {
  return fmt::format("{}{}: {} ({})", source, line > 0 ? fmt::format(":{}", line) : "", message,
                     hint);
}

const std::vector<ConfigKey>& ScalarConfigKeys() {
  static const auto& keys = *[] {
    auto* list = new std::vector<ConfigKey>();
    for (const ScalarKey& key : Schema()) list->push_back(key.key);
    return list;
  }();
  return keys;
}

std::string EnvironmentName(std::string_view key) {
  return fmt::format("{}{}", kEnvironmentPrefix,
                     absl::AsciiStrToUpper(absl::StrReplaceAll(std::string(key), {{".", "_"}})));
}

ConfigOverrides EnvironmentOverrides(const char* const* environment) {
  ConfigOverrides overrides;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::pair<std::string, std::string> variable =
        absl::StrSplit(*environment, absl::MaxSplits('=', 1));
    for (const ScalarKey& key : Schema()) {
      if (EnvironmentName(key.key.name) == variable.first) {
        overrides.emplace_back(std::string(key.key.name), variable.second);
      }
    }
  }
  return overrides;
}

ConfigResult ParseConfig(const std::string& yaml, const std::string& name,
                         const ConfigOverrides& environment, const ConfigOverrides& flags) {
  ConfigResult result;
  Errors errors(&result.errors);
  std::map<std::string, Origin> origins;
  try {
    FileReader(name, &result.config, &errors, &origins).Read(YAML::Load(yaml));
  } catch (const YAML::Exception& e) {
    errors.Add({name, e.mark.is_null() ? 0 : e.mark.line + 1},
               fmt::format("is not valid YAML: {}", e.msg), "check indentation and quotes");
    return result;
  }
  ApplyOverrides(environment, "environment", &result.config, &errors, &origins);
  ApplyOverrides(flags, "command line", &result.config, &errors, &origins);
  CrossCheck(name, &result.config, &errors, origins).Run();
  return result;
}

ConfigResult LoadConfig(const std::string& file, const ConfigOverrides& environment,
                        const ConfigOverrides& flags) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kMaxConfigBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (!in.eof() && !in.good()) {
    return {{}, {{file, 0, "can not be read", "check that the file exists and its permissions"}}};
  }
  if (text.size() > kMaxConfigBytes) {
    return {{}, {{file, 0, "is larger than 1 MiB", "this is no configuration file"}}};
  }
  return ParseConfig(text, file, environment, flags);
}

}  // namespace quorumbook::server
