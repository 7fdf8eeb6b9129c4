#include "server/config_schema.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "server/listen_address.h"

namespace quorumbook::server {

constexpr size_t kMaxClusterIdLength = 64;

bool IsClusterId(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  return plain && !text.empty() && text.size() <= kMaxClusterIdLength;
}

ConfigFault SetNumber(const std::string& text, uint64_t min, uint64_t max, uint64_t* out) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
    return {fmt::format("'{}' is not a number from {} to {}", text, min, max),
            fmt::format("write a whole number from {} to {}", min, max)};
  }
  *out = value;
  return {};
}

ConfigFault SetAddress(const std::string& text, std::string* out) {
  if (!SplitAddress(text)) {
    return {fmt::format("'{}' is not an address", text),
            "write host:port, e.g. 127.0.0.1:7001 or [::1]:7001"};
  }
  *out = text;
  return {};
}

namespace {

constexpr size_t kMinTokenLength = 8;
constexpr size_t kMaxTokenLength = 256;

using Setter = std::function<ConfigFault(Config&, const std::string&)>;

ConfigFault SetChoice(const std::string& text, const std::vector<std::string>& choices,
                      std::string* out) {
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    return {fmt::format("'{}' is not known", text),
            fmt::format("use one of {}", absl::StrJoin(choices, ", "))};
  }
  *out = text;
  return {};
}

ConfigFault SetClusterId(const std::string& text, std::string* out) {
  if (!IsClusterId(text)) {
    return {fmt::format("'{}' is no cluster id", text),
            "use 1 to 64 letters, digits, '-', '_' or '.'"};
  }
  *out = text;
  return {};
}

Setter Milliseconds(std::chrono::milliseconds Config::* field, uint64_t min = 1) {
  return [field, min](Config& config, const std::string& text) {
    uint64_t value = 0;
    ConfigFault fault = SetNumber(text, min, 60'000, &value);
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

using Getter = std::function<std::string(const Config&)>;

Getter TextOf(std::string Config::* field) {
  return [field](const Config& config) { return config.*field; };
}

Getter CountOf(std::chrono::milliseconds Config::* field) {
  return [field](const Config& config) { return fmt::to_string((config.*field).count()); };
}

ConfigFault SetListenHttp(Config& config, const std::string& text) {
  if (text == "off") {
    config.listen_http = text;
    return {};
  }
  ConfigFault fault = SetAddress(text, &config.listen_http);
  if (!fault.message.empty()) fault.hint = "write host:port, e.g. 127.0.0.1:8080, or off";
  return fault;
}

ConfigFault SetToken(const std::string& text, std::string* out) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (!plain || text.size() < kMinTokenLength || text.size() > kMaxTokenLength) {
    return {"is no token",
            fmt::format("use {} to {} printable characters without spaces, e.g. what "
                        "`openssl rand -hex 16` prints",
                        kMinTokenLength, kMaxTokenLength)};
  }
  *out = text;
  return {};
}

Setter Token(std::string Config::* field) {
  return
      [field](Config& config, const std::string& text) { return SetToken(text, &(config.*field)); };
}

constexpr std::string_view kNameMarks = "-._:[]";

bool IsHost(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           kNameMarks.find(c) != std::string_view::npos;
  });
}

ConfigFault SetAdvertise(Config& config, const std::string& text) {
  std::string host = text;
  bool url = false;
  for (const std::string scheme : {"http://", "https://"}) {
    if (!absl::StartsWith(text, scheme)) continue;
    url = true;
    host = text.substr(scheme.size());
  }
  std::string address;
  if (!IsHost(host) || (!url && !SetAddress(host, &address).message.empty())) {
    return {fmt::format("'{}' is not an address", text),
            "write host:port, or http://host:port or https://host[:port] without a path"};
  }
  config.http_advertise = text;
  return {};
}

ConfigFault SetHosts(Config& config, const std::string& text) {
  for (const absl::string_view name : absl::StrSplit(text, ',')) {
    const std::string plain(absl::StripAsciiWhitespace(name));
    if (IsHost(plain)) continue;
    return {fmt::format("'{}' is no name of a host", plain),
            "write names without ports, commas between them, e.g. book.example.com"};
  }
  config.http_hosts = text;
  return {};
}

ConfigFault SetLeaseReads(Config& config, const std::string& text) {
  std::string choice;
  ConfigFault fault = SetChoice(text, {"true", "false"}, &choice);
  config.lease_reads = choice == "true";
  return fault;
}

// An empty one would leave off without a word what it is for.
Setter File(std::string Config::* field) {
  return [field](Config& config, const std::string& text) -> ConfigFault {
    if (text.empty()) return {"is empty", "name a file, or leave the key out"};
    config.*field = text;
    return {};
  };
}

ConfigFault SetWebRoot(Config& config, const std::string& text) {
  std::error_code error;
  if (!std::filesystem::is_directory(text, error)) {
    return {fmt::format("'{}' is no directory that can be read", text),
            "name the directory of index.html, or leave the key out"};
  }
  config.web_root = text;
  return {};
}

// Below, a transfer would hardly outrun what is written meanwhile.
constexpr uint64_t kMinSnapshotRate = 1 << 20;
constexpr uint64_t kMaxSnapshotRate = uint64_t{1} << 40;

ConfigFault SetSnapshotRate(Config& config, const std::string& text) {
  uint64_t value = 0;
  ConfigFault fault = SetNumber(text, 0, kMaxSnapshotRate, &value);
  if (fault.message.empty() && value != 0 && value < kMinSnapshotRate) {
    return {fmt::format("{} is below {}", value, kMinSnapshotRate),
            "write 0 for no bound, or at least a mebibyte a second"};
  }
  config.snapshot_bytes_per_second = value;
  return fault;
}

ConfigFault SetPriority(Config& config, const std::string& text) {
  uint64_t value = 0;
  ConfigFault fault = SetNumber(text, 0, consensus::kPriorityMax, &value);
  config.priority = static_cast<uint32_t>(value);
  return fault;
}

ConfigFault SetNodeId(Config& config, const std::string& text) {
  uint64_t value = 0;
  ConfigFault fault = SetNumber(text, 1, 65'535, &value);
  config.node_id = NodeId(value);
  return fault;
}

ConfigFault SetDataDir(Config& config, const std::string& text) {
  if (text.empty()) return {"is empty", "name a directory of this node alone"};
  config.data_dir = text;
  return {};
}

ConfigFault SetDefaultShard(Config& config, const std::string& text) {
  uint64_t value = 0;
  ConfigFault fault = SetNumber(text, 1, 1'000'000, &value);
  config.default_shard = ShardId(value);
  return fault;
}

template <uint32_t Config::* threads>
ConfigFault SetThreads(Config& config, const std::string& text) {
  uint64_t value = 0;
  ConfigFault fault = SetNumber(text, 1, 256, &value);
  config.*threads = static_cast<uint32_t>(value);
  return fault;
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

std::vector<ScalarKey> HttpKeys() {
  return {
      {{"listen.http", "host:port for the dashboard, REST and metrics, or off"},
       false,
       SetListenHttp,
       TextOf(&Config::listen_http)},
      {{"http.token", "who sends it may change things over HTTP; none: nobody may"},
       false,
       Token(&Config::http_token),
       TextOf(&Config::http_token),
       true},
      {{"http.token_file", "a file whose first line is the token"},
       false,
       File(&Config::http_token_file),
       TextOf(&Config::http_token_file)},
      {{"http.operator_token",
        "operators alone have it: /api/admin; none: http.token does for both"},
       false,
       Token(&Config::http_operator_token),
       TextOf(&Config::http_operator_token),
       true},
      {{"http.operator_token_file", "a file whose first line is that token"},
       false,
       File(&Config::http_operator_token_file),
       TextOf(&Config::http_operator_token_file)},
      {{"http.advertise", "where browsers reach this node's pages: host:port or a URL"},
       false,
       SetAdvertise,
       TextOf(&Config::http_advertise)},
      {{"http.hosts", "further names by which browsers may ask this node, commas between them"},
       false,
       SetHosts,
       TextOf(&Config::http_hosts)},
      {{"http.web_root", "directory of the dashboard's files"},
       false,
       SetWebRoot,
       TextOf(&Config::web_root)},
  };
}

std::vector<ScalarKey> TlsKeys() {
  return {
      {{"tls.certificate_file", "certificate of this node (PEM): nodes and clients then use TLS"},
       false,
       File(&Config::tls_certificate_file),
       TextOf(&Config::tls_certificate_file)},
      {{"tls.key_file", "its private key (PEM)"},
       false,
       File(&Config::tls_key_file),
       TextOf(&Config::tls_key_file)},
      {{"tls.ca_file", "certificates of the CAs whose nodes this one believes (PEM)"},
       false,
       File(&Config::tls_ca_file),
       TextOf(&Config::tls_ca_file)},
  };
}

std::vector<ScalarKey> NodeKeys() {
  return {
      {{"cluster.id", "name of the cluster; nodes of another one are refused"},
       true,
       [](Config& c, const std::string& text) { return SetClusterId(text, &c.cluster_id); },
       TextOf(&Config::cluster_id)},
      {{"node.id", "number of this node in `peers`"},
       true,
       SetNodeId,
       [](const Config& c) { return fmt::to_string(c.node_id.value()); }},
      {{"data_dir", "directory of this node alone"}, true, SetDataDir, TextOf(&Config::data_dir)},
      {{"listen.client", "host:port for clients"},
       true,
       Address(&Config::listen_client),
       TextOf(&Config::listen_client)},
      {{"listen.peer", "host:port for the other nodes"},
       true,
       Address(&Config::listen_peer),
       TextOf(&Config::listen_peer)},
      {{"symbols.default_shard", "shard of symbols that symbols.shards does not name"},
       false,
       SetDefaultShard,
       [](const Config& c) { return fmt::to_string(c.default_shard.value()); }},
      {{"raft.election_timeout_min_ms", "a follower waits at least this long for its leader"},
       false,
       Milliseconds(&Config::election_timeout_min),
       CountOf(&Config::election_timeout_min)},
      {{"raft.election_timeout_max_ms", "and less than this"},
       false,
       Milliseconds(&Config::election_timeout_max),
       CountOf(&Config::election_timeout_max)},
      {{"raft.heartbeat_interval_ms", "at most a third of election_timeout_min_ms"},
       false,
       Milliseconds(&Config::heartbeat_interval),
       CountOf(&Config::heartbeat_interval)},
      {{"raft.lease_reads", "leaders answer reads by a lease, without asking the others"},
       false,
       SetLeaseReads,
       [](const Config& c) { return std::string(c.lease_reads ? "true" : "false"); }},
      {{"raft.quiesce_after_ms", "a shard falls silent after this time without work; 0: never"},
       false,
       Milliseconds(&Config::quiesce_after, 0),
       CountOf(&Config::quiesce_after)},
      {{"raft.priority", "of this node as a leader, 0 to 3: lower ones wait for higher ones"},
       false,
       SetPriority,
       [](const Config& c) { return fmt::to_string(c.priority); }},
      {{"snapshot.log_bytes",
        "take a snapshot when a shard's log is larger than the last snapshot by this"},
       false,
       Number(&Config::snapshot_log_bytes, 64 << 10, uint64_t{4} << 30),
       [](const Config& c) { return fmt::to_string(c.snapshot_log_bytes); }},
      {{"snapshot.keep_log_bytes", "log kept behind a snapshot for slow followers"},
       false,
       Number(&Config::keep_log_bytes, 0, uint64_t{1} << 30),
       [](const Config& c) { return fmt::to_string(c.keep_log_bytes); }},
      {{"snapshot.bytes_per_second", "a shard's leader sends snapshots no faster; 0: no bound"},
       false,
       SetSnapshotRate,
       [](const Config& c) { return fmt::to_string(c.snapshot_bytes_per_second); }},
      {{"threads", "threads for shards and timers"},
       false,
       SetThreads<&Config::threads>,
       [](const Config& c) { return fmt::to_string(c.threads); }},
      {{"grpc_threads", "threads for gRPC; it has half as many as there are cores, at least two"},
       false,
       SetThreads<&Config::grpc_threads>,
       [](const Config& c) { return fmt::to_string(c.grpc_threads); }},
      {{"log.level", "trace, debug, info, warn or error"},
       false,
       Choice(&Config::log_level, {"trace", "debug", "info", "warn", "error"}),
       TextOf(&Config::log_level)},
      {{"log.format", "text or json"},
       false,
       Choice(&Config::log_format, {"text", "json"}),
       TextOf(&Config::log_format)},
  };
}

}  // namespace

const std::vector<ScalarKey>& ConfigSchema() {
  static const auto& schema = *[] {
    auto* all = new std::vector<ScalarKey>(NodeKeys());
    std::ranges::copy(HttpKeys(), std::back_inserter(*all));
    std::ranges::copy(TlsKeys(), std::back_inserter(*all));
    return all;
  }();
  return schema;
}

const ScalarKey* FindConfigKey(std::string_view name) {
  for (const ScalarKey& key : ConfigSchema()) {
    if (key.key.name == name) return &key;
  }
  return nullptr;
}

std::string SuggestConfigKey(std::string_view unknown) {
  std::string best;
  size_t best_distance = 4;
  for (const std::string_view key : kFileKeys) {
    const size_t distance = EditDistance(unknown, key);
    if (distance < best_distance) best = key, best_distance = distance;
  }
  for (const ScalarKey& key : ConfigSchema()) {
    const size_t distance = EditDistance(unknown, key.key.name);
    if (distance < best_distance) best = key.key.name, best_distance = distance;
  }
  if (!best.empty()) return fmt::format("did you mean '{}'?", best);
  return "remove it; quorumbookd --help lists the keys";
}

}  // namespace quorumbook::server
