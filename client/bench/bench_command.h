// The command `qb bench`.
#pragma once

#include <CLI/CLI.hpp>

#include "client/qb/context.h"

namespace quorumbook::bench {

// Adds the command to `app`; it runs when the arguments are parsed and leaves its exit code in
// `context`, which outlives `app`.
void AddBenchCommand(CLI::App& app, qb::Context& context);

}  // namespace quorumbook::bench
