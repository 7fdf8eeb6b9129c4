// quorumbookd: one node of a quorumbook cluster.
//
// Exit codes: 0 after SIGTERM or SIGINT, or when check-config found no error; 1 when the node can
// not start or can not go on; 64 when the command line or the configuration is wrong.

#include <absl/synchronization/mutex.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "server/config.h"
#include "server/logging.h"
#include "server/node.h"
#include "server/version.h"

extern char** environ;

namespace quorumbook::server {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 64;  // EX_USAGE of sysexits.h

int PrintErrors(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) std::cerr << error.ToString() << "\n";
  return kExitUsage;
}

int CheckConfig(const std::string& file, const ConfigOverrides& flags) {
  const ConfigResult result = LoadConfig(file, EnvironmentOverrides(environ), flags);
  if (!result.errors.empty()) return PrintErrors(result.errors);
  std::cout << file << ": ok: node " << result.config.node_id << " of cluster "
            << result.config.cluster_id << ", " << result.config.peers.size() << " nodes, "
            << result.config.shards.size() << " shards\n";
  return 0;
}

int Run(const std::string& file, const ConfigOverrides& flags) {
  const ConfigResult loaded = LoadConfig(file, EnvironmentOverrides(environ), flags);
  if (!loaded.errors.empty()) return PrintErrors(loaded.errors);
  const Config& config = loaded.config;
  // Before any thread starts, so that all of them leave these signals to sigwait below.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  SetUpLogging(config.log_level, config.log_format);

  absl::StatusOr<std::unique_ptr<Node>> node = Node::Start(config, loaded.values);
  if (!node.ok()) {
    spdlog::critical("can not start: {}", std::string(node.status().message()));
    return kExitFailure;
  }
  spdlog::info("quorumbookd {}: node {} of cluster '{}', clients at {}, peers at {}", kVersion,
               config.node_id.value(), config.cluster_id, config.listen_client, config.listen_peer);
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping on {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  (*node)->Stop();
  spdlog::info("stopped");
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app{"quorumbookd: one node of a quorumbook cluster"};
  app.set_version_flag("--version", kVersion);
  app.footer(
      "Every key below is also a key of the file (a.b is `a: {b: ...}`) and a variable of the\n"
      "environment (QUORUMBOOK_A_B). Flags win over the environment, which wins over the file.");
  std::string file;
  app.add_option("--config", file, "configuration file (YAML)");
  std::vector<std::string> values(ScalarConfigKeys().size());
  for (size_t i = 0; i < values.size(); ++i) {
    const ConfigKey& key = ScalarConfigKeys()[i];
    app.add_option("--" + std::string(key.name), values[i], std::string(key.description));
  }
  std::string checked;
  CLI::App* check = app.add_subcommand("check-config", "name every error of a configuration file");
  check->add_option("FILE", checked, "configuration file (YAML)")->required();
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  ConfigOverrides flags;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string name(ScalarConfigKeys()[i].name);
    if (app.count("--" + name) > 0) flags.emplace_back(name, values[i]);
  }
  if (check->parsed()) return CheckConfig(checked, flags);
  if (file.empty()) {
    std::cerr << "which configuration? Use --config FILE; deploy/local-cluster.sh makes some\n";
    return kExitUsage;
  }
  return Run(file, flags);
}

}  // namespace
}  // namespace quorumbook::server

int main(int argc, char** argv) {
  // gRPC's mutexes would look for cycles at each lock, which takes a tenth of the daemon's time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return quorumbook::server::Main(argc, argv);
}
