#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <ostream>
#include <string>
#include <vector>

namespace quorumbook::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGood[] = R"(cluster:
  id: local
node:
  id: 2
data_dir: /var/lib/quorumbook
listen:
  client: 127.0.0.1:7002
  peer: 127.0.0.1:7102
peers:
  - {id: 3, client: 127.0.0.1:7003, peer: 127.0.0.1:7103}
  - {id: 1, client: 127.0.0.1:7001, peer: 127.0.0.1:7101}
  - {id: 2, client: 127.0.0.1:7002, peer: 127.0.0.1:7102}
shards: [1, 2]
symbols:
  default_shard: 2
  shards: {AMZN: 1}
)";

std::vector<std::string> ErrorsOf(const std::string& yaml, const ConfigOverrides& environment = {},
                                  const ConfigOverrides& flags = {}) {
  std::vector<std::string> errors;
  for (const ConfigError& error : ParseConfig(yaml, "n.yaml", environment, flags).errors) {
    errors.push_back(error.ToString());
  }
  return errors;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Config, ReadsEveryPart) {
  const ConfigResult result = ParseConfig(kGood, "n.yaml", {}, {});
  ASSERT_THAT(ErrorsOf(kGood), IsEmpty());
  const Config& config = result.config;
  EXPECT_EQ(config.cluster_id, "local");
  EXPECT_EQ(config.node_id, NodeId(2));
  EXPECT_EQ(config.data_dir, "/var/lib/quorumbook");
  EXPECT_EQ(config.listen_client, "127.0.0.1:7002");
  ASSERT_EQ(config.peers.size(), 3u);
  EXPECT_EQ(config.peers[0].id, NodeId(1)) << "sorted by id";
  EXPECT_EQ(config.peer(NodeId(3)).peer_address, "127.0.0.1:7103");
  EXPECT_EQ(config.ShardOf("AMZN"), ShardId(1));
  EXPECT_EQ(config.ShardOf("MSFT"), ShardId(2));
}

TEST(Config, FlagsWinOverEnvironmentWinsOverFile) {
  const ConfigResult file = ParseConfig(kGood, "n.yaml", {}, {});
  EXPECT_EQ(file.config.log_level, "info");
  const ConfigOverrides environment = {{"log.level", "debug"}, {"threads", "3"}};
  const ConfigResult both = ParseConfig(kGood, "n.yaml", environment, {{"log.level", "error"}});
  EXPECT_THAT(both.errors, IsEmpty());
  EXPECT_EQ(both.config.log_level, "error");
  EXPECT_EQ(both.config.threads, 3u);
}

TEST(Config, EnvironmentVariablesAreNamedAfterKeys) {
  EXPECT_EQ(EnvironmentName("listen.client"), "QUORUMBOOK_LISTEN_CLIENT");
  const char* const environment[] = {"HOME=/nonexistent", "QUORUMBOOK_LISTEN_CLIENT=0.0.0.0:9=x",
                                     "QUORUMBOOK_ENDPOINTS=a:1", nullptr};
  const ConfigOverrides overrides = EnvironmentOverrides(environment);
  ASSERT_EQ(overrides.size(), 1u);
  EXPECT_EQ(overrides[0].first, "listen.client");
  EXPECT_EQ(overrides[0].second, "0.0.0.0:9=x");
}

TEST(Config, AVariableThatIsMeantForAKeyMustNameOne) {
  const char* const environment[] = {"QUORUMBOOK_RAFT_PRIORTY=0",   "QUORUMBOOK_PEERS=x",
                                     "QUORUMBOOK_SYMBOLS_SHARDS=x", "QUORUMBOOK_ENDPOINTS=a:1",
                                     "QUORUMBOOK_TEST_DATA=/x",     "QUORUMBOOK_RAFT_PRIORITY=1",
                                     "QUORUMBOOK_HTTP_TOKEN_FILE=", nullptr};
  EXPECT_THAT(
      ErrorsOf(kGood, EnvironmentOverrides(environment)),
      ::testing::UnorderedElementsAre(
          "environment: unknown key 'raft.priorty' (did you mean 'raft.priority'?)",
          "environment: unknown key 'peers' (say it in the file: it is a list or a map)",
          "environment: unknown key 'symbols.shards' (say it in the file: it is a list or a map)",
          HasSubstr("environment: http.token_file: is empty")));
}

// A Service may have a name like quorumbook-http.
TEST(Config, VariablesThatKubernetesSetsForServicesAreMeantForOthers) {
  const char* const environment[] = {"QUORUMBOOK_HTTP_SERVICE_HOST=10.96.0.7",
                                     "QUORUMBOOK_HTTP_SERVICE_PORT=8080",
                                     "QUORUMBOOK_HTTP_SERVICE_PORT_WEB=8080",
                                     "QUORUMBOOK_HTTP_PORT=tcp://10.96.0.7:8080",
                                     "QUORUMBOOK_HTTP_PORT_8080_TCP=tcp://10.96.0.7:8080",
                                     "QUORUMBOOK_HTTP_PORT_8080_TCP_PROTO=tcp",
                                     "QUORUMBOOK_HTTP_PORT_8080_TCP_PORT=8080",
                                     "QUORUMBOOK_HTTP_PORT_8080_TCP_ADDR=10.96.0.7",
                                     "QUORUMBOOK_LOG_UDP_PORT=udp://10.96.0.8:514",
                                     "QUORUMBOOK_NODE_ID_PORT_1_UDP_ADDR=10.96.0.9",
                                     nullptr};
  EXPECT_THAT(EnvironmentOverrides(environment), IsEmpty());
  const char* const mistakes[] = {"QUORUMBOOK_HTTP_PORT=8080", "QUORUMBOOK_LISTEN_SERVICE=x",
                                  "QUORUMBOOK_HTTP_PORT_WEB=1", nullptr};
  EXPECT_EQ(EnvironmentOverrides(mistakes).size(), 3u);
}

TEST(Config, AddressesMayBeIpv6) {
  const std::string yaml = Replaced(kGood, "client: 127.0.0.1:7002\n", "client: '[::1]:7002'\n");
  ASSERT_THAT(ErrorsOf(yaml), IsEmpty());
  EXPECT_EQ(ParseConfig(yaml, "n.yaml", {}, {}).config.listen_client, "[::1]:7002");
}

TEST(Config, EveryErrorIsNamedWithItsLineAndAHint) {
  const std::string yaml =
      Replaced(Replaced(Replaced(kGood, "cluster:\n  id: local", "cluster:\n  id: 'lo cal'"),
                        "data_dir:", "datadir:"),
               "client: 127.0.0.1:7002\n", "client: 127.0.0.1:70020\n");
  EXPECT_THAT(
      ErrorsOf(yaml),
      ::testing::UnorderedElementsAre(
          AllOf(HasSubstr("n.yaml:2: cluster.id: 'lo cal'"), HasSubstr("letters")),
          AllOf(HasSubstr("n.yaml:5: unknown key 'datadir'"),
                HasSubstr("did you mean 'data_dir'?")),
          AllOf(HasSubstr("n.yaml:7: listen.client: '127.0.0.1:70020'"), HasSubstr("host:port")),
          AllOf(HasSubstr("n.yaml: 'data_dir' is missing"), HasSubstr("add it"))));
}

struct BadCase {
  const char* name;
  const char* from;
  const char* to;
  const char* error;
};

void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

class BadConfig : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadConfig, IsOneClearError) {
  const std::vector<std::string> errors = ErrorsOf(Replaced(kGood, GetParam().from, GetParam().to));
  ASSERT_EQ(errors.size(), 1u) << ::testing::PrintToString(errors);
  EXPECT_THAT(errors[0], HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadConfig,
    ::testing::Values(
        BadCase{"NotYaml", "shards: [1, 2]", "shards: [1, 2", "is not valid YAML"},
        BadCase{"KeyTwice",
                "data_dir:", "data_dir: /tmp\ndata_dir:", "key 'data_dir' stands twice"},
        BadCase{"ValueWhereKeysBelong", "cluster:\n  id: local", "cluster: local\ncluster.id: x",
                "'cluster' holds further keys"},
        BadCase{"NodeNotAPeer", "node:\n  id: 2", "node:\n  id: 4",
                "n.yaml:4: node.id 4 is not among the peers"},
        BadCase{"NodeIdNoNumber", "node:\n  id: 2", "node:\n  id: two", "'two' is not a number"},
        BadCase{"PeerTwice", "{id: 3,", "{id: 1,", "two peers have id 1"},
        BadCase{"AddressTwice", "peer: 127.0.0.1:7103", "peer: 127.0.0.1:7101",
                "address 127.0.0.1:7101 stands twice"},
        BadCase{"PeerUnknownField", "{id: 3, client", "{id: 3, zone: a, client", "'zone'"},
        BadCase{"ShardTwice", "shards: [1, 2]", "shards: [1, 2, 1]", "a shard stands twice"},
        BadCase{"NoShards", "default_shard: 2\n  shards: {AMZN: 1}", "default_shard: 3",
                "shard 3 is not in `shards`"},
        BadCase{"SymbolTwice", "{AMZN: 1}", "{AMZN: 1, AMZN: 2}", "'AMZN' stands twice"},
        BadCase{"SymbolNoName", "{AMZN: 1}", "{'AM ZN': 1}", "'AM ZN' is no name of a symbol"},
        BadCase{"SymbolTooLong", "{AMZN: 1}", "{ABCDEFGHIJKLMNOPQ: 1}", "1 to 16 printable"},
        BadCase{"SymbolNoText", "{AMZN: 1}", "{[AMZN]: 1}", "'' is no name of a symbol"},
        BadCase{"TokenFileEmpty",
                "data_dir:", "http: {token_file: ''}\ndata_dir:", "http.token_file: is empty"},
        BadCase{"WebRootNowhere", "data_dir:", "http: {web_root: /nowhere}\ndata_dir:",
                "http.web_root: '/nowhere' is no directory"},
        BadCase{"AddressWithoutBrackets", "client: 127.0.0.1:7002\n", "client: '::1:7002'\n",
                "'::1:7002' is not an address"},
        BadCase{"SymbolOnNoShard", "{AMZN: 1}", "{AMZN: 7}",
                "symbols.shards.AMZN: shard 7 is not in `shards`"}),
    [](const auto& param) { return param.param.name; });

TEST(Config, TimeoutsMustFitTogether) {
  EXPECT_THAT(
      ErrorsOf(kGood, {}, {{"raft.election_timeout_max_ms", "300"}}),
      ::testing::ElementsAre(HasSubstr("command line: raft.election_timeout_max_ms is not above")));
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"raft.heartbeat_interval_ms", "101"}}),
              ::testing::ElementsAre(HasSubstr("above a third")));
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"snapshot.log_bytes", "1000000"}}),
              ::testing::ElementsAre(HasSubstr("above a sixteenth of snapshot.log_bytes")));
}

// Reading is open to whoever reaches it.
TEST(Config, HttpListensOnLoopbackUnlessToldOtherwise) {
  const ConfigResult unset = ParseConfig(kGood, "n.yaml", {}, {});
  EXPECT_EQ(unset.config.listen_http, "127.0.0.1:8080");
  EXPECT_EQ(unset.config.http_token, "") << "and changes nothing";
  EXPECT_EQ(ParseConfig(kGood, "n.yaml", {}, {{"listen.http", "0.0.0.0:80"}}).config.listen_http,
            "0.0.0.0:80");
}

TEST(Config, LeasesAndSilenceAreOffUnlessAskedFor) {
  const ConfigResult off = ParseConfig(kGood, "n.yaml", {}, {});
  EXPECT_FALSE(off.config.lease_reads);
  EXPECT_EQ(off.config.quiesce_after.count(), 0);
  const ConfigResult on = ParseConfig(
      kGood, "n.yaml", {}, {{"raft.lease_reads", "true"}, {"raft.quiesce_after_ms", "2000"}});
  EXPECT_THAT(on.errors, IsEmpty());
  EXPECT_TRUE(on.config.lease_reads);
  EXPECT_EQ(on.config.quiesce_after.count(), 2000);
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"raft.quiesce_after_ms", "0"}}), IsEmpty());
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"raft.lease_reads", "maybe"}}),
              ::testing::ElementsAre(HasSubstr("'maybe' is not known (use one of true, false)")));
}

TEST(Config, PriorityAndRateOfSnapshotsHaveBounds) {
  const ConfigResult unset = ParseConfig(kGood, "n.yaml", {}, {});
  EXPECT_EQ(unset.config.priority, consensus::kPriorityMax);
  EXPECT_EQ(unset.config.snapshot_bytes_per_second, 0u);
  const ConfigResult set = ParseConfig(
      kGood, "n.yaml", {}, {{"raft.priority", "1"}, {"snapshot.bytes_per_second", "1048576"}});
  EXPECT_THAT(set.errors, IsEmpty());
  EXPECT_EQ(set.config.priority, 1u);
  EXPECT_EQ(set.config.snapshot_bytes_per_second, 1'048'576u);
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"raft.priority", "0"}, {"snapshot.bytes_per_second", "0"}}),
              IsEmpty());
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"raft.priority", "4"}}),
              ::testing::ElementsAre(HasSubstr("raft.priority")));
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"snapshot.bytes_per_second", "1048575"}}),
              ::testing::ElementsAre(HasSubstr("write 0 for no bound, or at least a mebibyte")));
}

std::string SourceOf(const ConfigResult& result, const std::string& key) {
  for (const ConfigValue& value : result.values) {
    if (value.key == key) return value.source;
  }
  return "no such key";
}

TEST(Config, ATokenOfAFileHasTheFileAsItsSource) {
  const std::string path = ::testing::TempDir() + "/quorumbook_token";
  std::ofstream(path) << "token-of-a-file\n";
  for (const std::string key : {"token", "operator_token"}) {
    const std::string yaml = std::string(kGood) + "http: {" + key + "_file: " + path + "}\n";
    const ConfigResult result = ParseConfig(yaml, "n.yaml", {}, {});
    ASSERT_THAT(ErrorsOf(yaml), IsEmpty());
    const bool of_operators = key == "operator_token";
    EXPECT_EQ(result.config.http_token, of_operators ? "" : "token-of-a-file");
    EXPECT_EQ(result.config.http_operator_token, of_operators ? "token-of-a-file" : "");
    EXPECT_EQ(SourceOf(result, "http." + key), path + ":1");
    EXPECT_THAT(ErrorsOf(yaml, {{"http." + key, "another-token"}}),
                ::testing::ElementsAre(HasSubstr("there is http." + key + " too")));
  }
}

TEST(Config, WhereBrowsersReachANode) {
  for (const char* good : {"10.0.0.1:8080", "http://n1:8080", "https://book.example.com"}) {
    EXPECT_THAT(ErrorsOf(kGood, {{"http.advertise", good}}), IsEmpty()) << good;
  }
  for (const char* bad :
       {"n1", "ftp://n1:80", "https://", "https://n1/path", "n 1:80", ":80", "http://n1:8080/"}) {
    EXPECT_THAT(ErrorsOf(kGood, {{"http.advertise", bad}}),
                ::testing::ElementsAre(HasSubstr("http.advertise")))
        << bad;
  }
  EXPECT_THAT(ErrorsOf(kGood, {{"http.hosts", "book.example.com, n1"}}), IsEmpty());
  EXPECT_THAT(ErrorsOf(kGood, {{"http.hosts", "a,,b"}}),
              ::testing::ElementsAre(HasSubstr("no name of a host")));
}

TEST(Config, UnknownFlagIsAnError) {
  EXPECT_THAT(ErrorsOf(kGood, {}, {{"log.lvl", "info"}}),
              ::testing::ElementsAre(HasSubstr("did you mean 'log.level'?")));
}

TEST(Config, FileThatIsNotThereOrTooLarge) {
  const ConfigResult missing = LoadConfig("/nonexistent/n.yaml", {}, {});
  ASSERT_EQ(missing.errors.size(), 1u);
  EXPECT_THAT(missing.errors[0].ToString(), HasSubstr("can not be read"));

  const std::string name = ::testing::TempDir() + "/large.yaml";
  std::ofstream(name) << std::string((1 << 20) + 1, '#');
  const ConfigResult large = LoadConfig(name, {}, {});
  ASSERT_EQ(large.errors.size(), 1u);
  EXPECT_THAT(large.errors[0].ToString(), HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace quorumbook::server
