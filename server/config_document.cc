#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <utility>

#include "exchange/types.h"
#include "server/config_schema.h"

namespace quorumbook::server {
namespace {

ConfigOrigin OriginOf(const std::string& name, const YAML::Node& node) {
  return {name, node.Mark().is_null() ? 0 : node.Mark().line + 1};
}

// As the exchange takes it (exchange::AddSymbol): under another name nothing would ever be found.
bool IsSymbolName(const std::string& name) {
  return !name.empty() && name.size() <= exchange::kMaxSymbolName &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

// Reads the YAML document into a Config.
class FileReader {
 public:
  FileReader(std::string name, Config* config, ConfigErrors* errors, ConfigOrigins* origins)
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
      const ConfigOrigin origin = OriginOf(name_, item.first);
      if (!seen.insert(key).second) {
        errors_->Add(origin, fmt::format("key '{}' stands twice", key), "remove one of them");
        continue;
      }
      ReadKey(key, origin, item.second);
    }
  }

  void ReadKey(const std::string& key, const ConfigOrigin& origin, const YAML::Node& value) {
    if (key == "peers") return ReadPeers(origin, value);
    if (key == "shards") return ReadShards(origin, value);
    if (key == "symbols.shards") return ReadSymbolShards(value);
    if (const ScalarKey* scalar = FindConfigKey(key)) return ReadScalar(*scalar, origin, value);
    const bool is_group = std::any_of(
        ConfigSchema().begin(), ConfigSchema().end(),
        [&](const ScalarKey& k) { return k.key.name.substr(0, key.size() + 1) == key + "."; });
    if (!is_group) {
      errors_->Add(origin, fmt::format("unknown key '{}'", key), SuggestConfigKey(key));
    } else if (value.IsMap()) {
      ReadMap(value, key + ".");
    } else if (!value.IsNull()) {
      errors_->Add(origin, fmt::format("'{}' holds further keys, not a value", key),
                   fmt::format("write its keys indented below it"));
    }
  }

  void ReadScalar(const ScalarKey& scalar, const ConfigOrigin& origin, const YAML::Node& value) {
    (*origins_)[std::string(scalar.key.name)] = origin;
    if (!value.IsScalar()) {
      errors_->Add(origin, fmt::format("'{}' has no plain value", scalar.key.name),
                   std::string(scalar.key.description));
      return;
    }
    ConfigFault fault = scalar.set(*config_, value.Scalar());
    if (!fault.message.empty()) {
      errors_->Add(origin, fmt::format("{}: {}", scalar.key.name, fault.message), fault.hint);
    }
  }

  void ReadPeers(const ConfigOrigin& origin, const YAML::Node& value) {
    (*origins_)["peers"] = origin;
    if (!value.IsSequence()) {
      errors_->Add(origin, "'peers' is not a list",
                   "write `- {id: 1, client: host:port, peer: host:port}` a node");
      return;
    }
    for (const YAML::Node& item : value) ReadPeer(item);
  }

  void ReadPeer(const YAML::Node& item) {
    const ConfigOrigin origin = OriginOf(name_, item);
    if (!item.IsMap()) {
      errors_->Add(origin, "a peer is not a map",
                   "write `- {id: 1, client: host:port, peer: host:port}`");
      return;
    }
    PeerConfig peer;
    for (const auto& field : item) {
      const std::string key = field.first.IsScalar() ? field.first.Scalar() : "";
      const std::string text = field.second.IsScalar() ? field.second.Scalar() : "";
      ConfigFault fault;
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

  void ReadShards(const ConfigOrigin& origin, const YAML::Node& value) {
    (*origins_)["shards"] = origin;
    if (!value.IsSequence()) {
      errors_->Add(origin, "'shards' is not a list", "write e.g. `shards: [1]`");
      return;
    }
    for (const YAML::Node& item : value) {
      uint64_t id = 0;
      const ConfigFault fault = SetNumber(item.IsScalar() ? item.Scalar() : "", 1, 1'000'000, &id);
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
      const ConfigFault fault =
          SetNumber(item.second.IsScalar() ? item.second.Scalar() : "", 1, 1'000'000, &id);
      const ConfigOrigin origin = OriginOf(name_, item.first);
      const std::string symbol = item.first.IsScalar() ? item.first.Scalar() : "";
      if (!IsSymbolName(symbol)) {
        errors_->Add(origin, fmt::format("symbols.shards: '{}' is no name of a symbol", symbol),
                     fmt::format("write 1 to {} printable characters without spaces",
                                 exchange::kMaxSymbolName));
        continue;
      }
      if (config_->symbol_shards.contains(symbol)) {
        errors_->Add(origin, fmt::format("symbols.shards: '{}' stands twice", symbol),
                     "remove one of them");
        continue;
      }
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
  ConfigErrors* errors_;
  ConfigOrigins* origins_;
};

}  // namespace

void ReadConfigDocument(const std::string& yaml, const std::string& name, Config* config,
                        ConfigErrors* errors, ConfigOrigins* origins) {
  try {
    FileReader(name, config, errors, origins).Read(YAML::Load(yaml));
  } catch (const YAML::Exception& e) {
    errors->Add({name, e.mark.is_null() ? 0 : e.mark.line + 1},
                fmt::format("is not valid YAML: {}", e.msg), "check indentation and quotes");
  }
}

}  // namespace quorumbook::server
