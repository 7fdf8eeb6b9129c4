// What a node is told at start: flags over environment over file, one schema for the three.
//
// A key "a.b" of the schema is `a: {b: ...}` in the YAML file, QUORUMBOOK_A_B in the environment
// and --a.b on the command line. Lists and maps (peers, shards, symbols.shards) are file only.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "consensus/raft.h"
#include "proto/grpc_threads.h"

namespace quorumbook::server {

struct Tls;  // server/tls.h

struct PeerConfig {
  NodeId id;
  std::string client_address;  // host:port, as clients and peers reach it
  std::string peer_address;
};

struct Config {
  std::string cluster_id;
  NodeId node_id;
  std::string data_dir;
  std::string listen_client;
  std::string listen_peer;
  std::vector<PeerConfig> peers;  // all nodes by id, this one included
  std::vector<ShardId> shards;    // each an own Raft group over all peers; ascending
  ShardId default_shard;          // where symbols live that symbol_shards does not name
  std::map<std::string, ShardId> symbol_shards;

  std::chrono::milliseconds election_timeout_min{300};
  std::chrono::milliseconds election_timeout_max{600};
  std::chrono::milliseconds heartbeat_interval{60};
  std::chrono::milliseconds quiesce_after{0};  // 0: never
  bool lease_reads = false;
  uint32_t priority = consensus::kPriorityMax;       // of this node as a leader; 0: the last choice
  uint64_t snapshot_log_bytes = uint64_t{64} << 20;  // take a snapshot when the log is larger
  uint64_t keep_log_bytes = uint64_t{4} << 20;       // kept behind a snapshot for slow followers
  uint64_t snapshot_bytes_per_second = 0;            // that a leader sends; 0: no bound
  uint32_t threads = 2;                              // for shards and timers
  uint32_t grpc_threads = GrpcThreads::Default();    // that run gRPC's callbacks

  std::string log_level = "info";
  std::string log_format = "text";

  std::string listen_http = "127.0.0.1:8080";  // host:port, or "off"
  std::string http_token;                      // for what changes something; empty: writes are off
  std::string http_token_file;           // whose first line is the token, in place of the above
  std::string http_operator_token;       // for /api/admin; empty: http_token does for that too
  std::string http_operator_token_file;  // likewise
  std::string http_hosts;      // further names that browsers may use for this node, with commas
  std::string http_advertise;  // where browsers reach it; empty: at listen_http
  std::string web_root;        // the dashboard's files; empty: those installed beside the daemon

  std::string tls_certificate_file;  // PEM, as the next two; all three, or none
  std::string tls_key_file;
  std::string tls_ca_file;
  std::shared_ptr<const Tls> tls;  // what they hold; null: plain text

  // REQUIRES: `id` is one of `peers`.
  const PeerConfig& peer(NodeId id) const;
  ShardId ShardOf(std::string_view symbol) const;
};

struct ConfigError {
  std::string source;  // file name, "environment" or "command line"
  int line = 0;        // 1-based; 0: not of a line
  std::string message;
  std::string hint;  // what to do

  std::string ToString() const;  // "FILE:LINE: message (hint)"
};

// Values by schema key, in the order of the command line.
using ConfigOverrides = std::vector<std::pair<std::string, std::string>>;

// One line of the schema, for --help and for the generated flags.
struct ConfigKey {
  std::string_view name;
  std::string_view description;
};
const std::vector<ConfigKey>& ScalarConfigKeys();

// The name of a key's environment variable: "listen.client" -> "QUORUMBOOK_LISTEN_CLIENT".
std::string EnvironmentName(std::string_view key);

// A value as it is in force, and where it was said.
struct ConfigValue {
  std::string key;
  std::string value;   // "***" for a secret that is set
  std::string source;  // "default", "environment", "command line" or FILE:LINE
  std::string description;
  bool secret = false;
};

struct ConfigResult {
  Config config;                         // meaningful only when errors is empty
  std::vector<ConfigError> errors;       // every error, not only the first
  std::vector<ConfigValue> values = {};  // likewise meaningful; all of them, lists and maps too
};

// Reads `file`, then applies `environment` and `flags`. Every error is reported.
ConfigResult LoadConfig(const std::string& file, const ConfigOverrides& environment,
                        const ConfigOverrides& flags);
// The same from YAML text; `name` stands for the file in errors.
ConfigResult ParseConfig(const std::string& yaml, const std::string& name,
                         const ConfigOverrides& environment, const ConfigOverrides& flags);

// The overrides that an environment holds: variables named by EnvironmentName, and, for an error,
// what begins like a group of keys but names none. Others are not ours to judge, for `qb` reads
// some too.
ConfigOverrides EnvironmentOverrides(const char* const* environment);

}  // namespace quorumbook::server
