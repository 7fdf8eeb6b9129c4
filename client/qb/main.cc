// qb: the command line of a quorumbook cluster.
#include <absl/synchronization/mutex.h>

#include <cstdlib>
#include <string_view>

#include "client/bench/bench_command.h"
#include "client/qb/commands.h"
#include "client/replay/replay_command.h"

namespace quorumbook::qb {

constexpr char kFooter[] =
    "Exit codes: 0 done; 1 rejected by the exchange, or a check failed; 2 the cluster does not\n"
    "answer, or not in time; 64 the command line is wrong.";

CLI::App* AddCommand(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->fallthrough();
  return command;
}

CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* group = AddCommand(parent, name, description);
  group->require_subcommand(1);
  return group;
}

static void AddGlobalOptions(CLI::App& app, Context& context) {
  app.add_option("--endpoints", context.endpoints,
                 "Client addresses of some nodes, host:port,...; the others are learned")
      ->delimiter(',')
      ->envname("QUORUMBOOK_ENDPOINTS")
      ->capture_default_str();
  app.add_option("--ca", context.ca_file,
                 "File with the CA's certificate (PEM), for clusters that use TLS")
      ->envname("QUORUMBOOK_CA");
  app.add_option_function<std::string>(
         "-o,--output", [&context](const std::string& format) { context.json = format == "json"; },
         "table or json; with json, errors are JSON on stderr")
      ->check(CLI::IsMember({"table", "json"}));
  app.add_option_function<std::string>(
      "--timeout",
      [&context](const std::string& text) {
        absl::StatusOr<std::chrono::milliseconds> timeout = ParseDuration(text);
        if (!timeout.ok()) {
          throw CLI::ValidationError("--timeout", std::string(timeout.status().message()));
        }
        context.timeout = *timeout;
      },
      "For one call, all retries included: 500ms, 10s, 2m (default 10s)");
  app.add_option("--account", context.account, "Account that trades")
      ->check(CLI::Range(uint64_t{1}, UINT64_MAX))
      ->capture_default_str();
}

// The command line may be wrong before or after its -o json: errors are JSON either way.
static bool WantsJson(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "-ojson" || argument == "--output=json") return true;
    if ((argument == "-o" || argument == "--output") && i + 1 < argc &&
        std::string_view(argv[i + 1]) == "json") {
      return true;
    }
  }
  return false;
}

// "A subcommand is required" alone would not say which word was not understood.
static std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  for (const std::string& word : app.remaining(/*recurse=*/true)) {
    if (message.find(word) == std::string::npos) message += "; '" + word + "' is not understood";
  }
  return message + "; see --help";
}

static int Main(int argc, char** argv) {
  Context context;
  CLI::App app("Trade on a quorumbook cluster, look at its markets, look after it", "qb");
  app.footer(kFooter);
  app.require_subcommand(1);
  AddGlobalOptions(app, context);
  AddClusterCommands(app, context);
  AddSymbolCommands(app, context);
  AddOrderCommands(app, context);
  AddMarketCommands(app, context);
  AddWatchCommand(app, context);
  AddAssetCommands(app, context);
  AddAccountCommands(app, context);
  replay::AddReplayCommand(app, context);
  bench::AddBenchCommand(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    return ReportError(WantsJson(argc, argv),
                       absl::InvalidArgumentError(ExplainParseError(app, error)), kExitUsage);
  }
  return context.exit_code;
}

}  // namespace quorumbook::qb

int main(int argc, char** argv) {
  // What gRPC would write of connections that fail is in qb's errors, which may be JSON.
  ::setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  // gRPC's mutexes would look for cycles at each lock, which qb bench would be measured with.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return quorumbook::qb::Main(argc, argv);
}
