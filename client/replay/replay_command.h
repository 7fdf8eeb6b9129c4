// The command `qb replay`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/qb/context.h"

namespace quorumbook::replay {

// Adds the command to `app`; it runs when the arguments are parsed and leaves its exit code in
// `context`, which outlives `app`.
void AddReplayCommand(CLI::App& app, qb::Context& context);

}  // namespace quorumbook::replay
