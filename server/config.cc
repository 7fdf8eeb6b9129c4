#include "server/config.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <utility>

#include "common/check.h"
#include "server/config_schema.h"
#include "server/tls.h"

namespace quorumbook::server {
namespace {

constexpr size_t kMaxNodes = 7;
constexpr size_t kMaxShards = 1024;
constexpr uint64_t kKeepLogShare = 16;
constexpr size_t kMaxConfigBytes = size_t{1} << 20;

void ApplyOverrides(const ConfigOverrides& overrides, const std::string& source, Config* config,
                    ConfigErrors* errors, ConfigOrigins* origins) {
  for (const auto& [key, text] : overrides) {
    const ConfigOrigin origin{source, 0};
    const ScalarKey* scalar = FindConfigKey(key);
    if (scalar == nullptr) {
      const bool file_only = std::ranges::count(kFileKeys, key) > 0;
      errors->Add(origin, fmt::format("unknown key '{}'", key),
                  file_only ? "say it in the file: it is a list or a map" : SuggestConfigKey(key));
      continue;
    }
    (*origins)[key] = origin;
    const ConfigFault fault = scalar->set(*config, text);
    if (!fault.message.empty()) {
      errors->Add(origin, fmt::format("{}: {}", key, fault.message), fault.hint);
    }
  }
}

// What must hold between keys.
class CrossCheck {
 public:
  CrossCheck(const std::string& name, Config* config, ConfigErrors* errors,
             const ConfigOrigins& origins)
      : name_(name), config_(*config), errors_(*errors), origins_(origins) {}

  void Run() {
    CheckRequired();
    CheckPeers();
    CheckShards();
    CheckTimeouts();
    CheckSnapshots();
  }

 private:
  ConfigOrigin At(const std::string& key) const {
    auto it = origins_.find(key);
    return it == origins_.end() ? ConfigOrigin{name_, 0} : it->second;
  }

  void CheckRequired() {
    for (const ScalarKey& key : ConfigSchema()) {
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
    if (!found && config_.node_id != NodeId()) {
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

  // While a follower receives a snapshot up to eight times as much is kept, and what is kept must
  // leave room: else the next snapshot would be due at once.
  void CheckSnapshots() {
    if (config_.keep_log_bytes > config_.snapshot_log_bytes / kKeepLogShare) {
      errors_.Add(At("snapshot.keep_log_bytes"),
                  "snapshot.keep_log_bytes is above a sixteenth of snapshot.log_bytes",
                  "make it smaller, or snapshot.log_bytes larger");
    }
  }

  const std::string& name_;
  Config& config_;
  ConfigErrors& errors_;
  const ConfigOrigins& origins_;
};

// Of the key of a token. It is not logged and not shown; only that the file can not be used is.
void ReadTokenFile(const std::string& key, ConfigOrigins* origins, Config* config,
                   ConfigErrors* errors) {
  const std::string file_key = key + "_file";
  const std::string file = FindConfigKey(file_key)->get(*config);
  if (file.empty()) return;
  const ConfigOrigin origin = origins->at(file_key);
  if (origins->contains(key)) {
    return errors->Add(origin, fmt::format("{}: there is {} too", file_key, key),
                       "remove one of the two");
  }
  std::ifstream in(file);
  std::string token;
  if (!std::getline(in, token)) {
    errors->Add(origin, fmt::format("{}: '{}' can not be read", file_key, file),
                "write the token into its first line, readable for this process");
    return;
  }
  const ConfigFault fault = FindConfigKey(key)->set(*config, token);
  if (fault.message.empty()) {
    (*origins)[key] = {file, 1};
    return;
  }
  errors->Add(origin, fmt::format("{}: the first line of '{}' {}", file_key, file, fault.message),
              fault.hint);
}

void ReadTls(const ConfigOrigins& origins, Config* config, ConfigErrors* errors) {
  constexpr std::array<std::string_view, 3> kKeys = {"tls.certificate_file", "tls.key_file",
                                                     "tls.ca_file"};
  const auto given = [&](std::string_view key) { return origins.contains(std::string(key)); };
  if (std::ranges::none_of(kKeys, given)) return;
  if (!std::ranges::all_of(kKeys, given)) {
    const std::string one(*std::ranges::find_if(kKeys, given));
    return errors->Add(origins.at(one), fmt::format("there is {}, but not all of tls.*", one),
                       fmt::format("set {}, or none of them", fmt::join(kKeys, ", ")));
  }
  TlsResult result = ReadTlsFiles(*config);
  if (result.tls == nullptr) {
    return errors->Add(origins.at(result.key),
                       fmt::format("{}: {}", result.key, result.fault.message), result.fault.hint);
  }
  config->tls = std::move(result.tls);
}

std::string SourceOf(const ConfigOrigins& origins, const std::string& key) {
  const auto found = origins.find(key);
  if (found == origins.end()) return "default";
  const ConfigOrigin& origin = found->second;
  return origin.line > 0 ? fmt::format("{}:{}", origin.source, origin.line) : origin.source;
}

std::vector<ConfigValue> ValuesOf(const Config& config, const ConfigOrigins& origins) {
  std::vector<ConfigValue> values;
  for (const ScalarKey& key : ConfigSchema()) {
    const std::string name(key.key.name);
    std::string text = key.get(config);
    if (key.secret && !text.empty()) text = "***";
    values.push_back({name, std::move(text), SourceOf(origins, name),
                      std::string(key.key.description), key.secret});
  }
  std::vector<std::string> peers;
  for (const PeerConfig& peer : config.peers) {
    peers.push_back(fmt::format("{}: client {}, peer {}", peer.id.value(), peer.client_address,
                                peer.peer_address));
  }
  values.push_back({"peers", absl::StrJoin(peers, "; "), SourceOf(origins, "peers"),
                    "all nodes, this one included", false});
  std::vector<std::string> shards;
  for (const ShardId shard : config.shards) shards.push_back(fmt::to_string(shard.value()));
  values.push_back({"shards", absl::StrJoin(shards, ", "), SourceOf(origins, "shards"),
                    "ids of the shards, each a Raft group over all nodes", false});
  for (const auto& [symbol, shard] : config.symbol_shards) {
    const std::string name = "symbols.shards." + symbol;
    values.push_back({name, fmt::to_string(shard.value()), SourceOf(origins, name),
                      "shard of this symbol", false});
  }
  return values;
}

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
    for (const ScalarKey& key : ConfigSchema()) list->push_back(key.key);
    return list;
  }();
  return keys;
}

std::string EnvironmentName(std::string_view key) {
  return fmt::format("{}{}", "QUORUMBOOK_",
                     absl::AsciiStrToUpper(absl::StrReplaceAll(std::string(key), {{".", "_"}})));
}

// Whether a variable looks like one that Kubernetes puts into pods for a Service X, whose name may
// begin like a group of keys: X_SERVICE_HOST, X_SERVICE_PORT, X_SERVICE_PORT_WEB, X_PORT=tcp://...,
// X_PORT_8080_TCP, X_PORT_8080_TCP_ADDR.
static bool IsOfService(std::string_view variable, std::string_view value) {
  if (variable.ends_with("_SERVICE_HOST") || variable.ends_with("_SERVICE_PORT")) return true;
  if (variable.find("_SERVICE_PORT_") != std::string_view::npos) return true;
  const bool url = value.starts_with("tcp://") || value.starts_with("udp://");
  if (variable.ends_with("_PORT") && url) return true;
  constexpr std::string_view kPort = "_PORT_";
  const size_t port = variable.rfind(kPort);
  if (port == std::string_view::npos) return false;
  const std::string_view rest = variable.substr(port + kPort.size());
  const size_t end = rest.find_first_not_of("0123456789");
  return end != 0 && end != std::string_view::npos && rest[end] == '_';
}

// The key that a variable names, known or not; empty: it names none, and may be meant for others.
static std::string KeyOfVariable(const std::string& variable, const std::string& value) {
  for (const ScalarKey& key : ConfigSchema()) {
    if (EnvironmentName(key.key.name) == variable) return std::string(key.key.name);
  }
  for (const std::string_view key : kFileKeys) {
    if (EnvironmentName(key) == variable) return std::string(key);
  }
  if (IsOfService(variable, value)) return "";
  for (const ScalarKey& key : ConfigSchema()) {
    const size_t dot = key.key.name.find('.');
    if (dot == std::string_view::npos) continue;
    const std::string group(key.key.name.substr(0, dot + 1));
    const std::string prefix = EnvironmentName(group);
    if (variable.starts_with(prefix)) {
      return group + absl::AsciiStrToLower(variable.substr(prefix.size()));
    }
  }
  return "";
}

ConfigOverrides EnvironmentOverrides(const char* const* environment) {
  ConfigOverrides overrides;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::pair<std::string, std::string> variable =
        absl::StrSplit(*environment, absl::MaxSplits('=', 1));
    if (std::string key = KeyOfVariable(variable.first, variable.second); !key.empty()) {
      overrides.emplace_back(std::move(key), variable.second);
    }
  }
  return overrides;
}

ConfigResult ParseConfig(const std::string& yaml, const std::string& name,
                         const ConfigOverrides& environment, const ConfigOverrides& flags) {
  ConfigResult result;
  ConfigErrors errors(&result.errors);
  ConfigOrigins origins;
  ReadConfigDocument(yaml, name, &result.config, &errors, &origins);
  if (!result.errors.empty() && origins.empty()) return result;  // not even YAML
  ApplyOverrides(environment, "environment", &result.config, &errors, &origins);
  ApplyOverrides(flags, "command line", &result.config, &errors, &origins);
  CrossCheck(name, &result.config, &errors, origins).Run();
  if (result.errors.empty()) {
    ReadTokenFile("http.token", &origins, &result.config, &errors);
    ReadTokenFile("http.operator_token", &origins, &result.config, &errors);
  }
  if (result.errors.empty()) ReadTls(origins, &result.config, &errors);
  if (result.errors.empty()) result.values = ValuesOf(result.config, origins);
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
