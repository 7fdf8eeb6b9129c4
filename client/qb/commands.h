// The commands of qb, by topic. Each function adds its commands to `app`; a command runs when the
// arguments are parsed and leaves its exit code in `context`, which outlives `app`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/qb/context.h"

namespace quorumbook::qb {

void AddClusterCommands(CLI::App& app, Context& context);
void AddSymbolCommands(CLI::App& app, Context& context);
void AddOrderCommands(CLI::App& app, Context& context);
void AddMarketCommands(CLI::App& app, Context& context);
void AddWatchCommand(CLI::App& app, Context& context);
void AddAssetCommands(CLI::App& app, Context& context);
void AddAccountCommands(CLI::App& app, Context& context);

// A command, or a group of them that needs one to be named. Global options may stand behind it.
CLI::App* AddCommand(CLI::App& parent, const std::string& name, const std::string& description);
CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& description);

}  // namespace quorumbook::qb
