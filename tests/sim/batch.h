// Many seeds, in several processes: what fails, what happened, how fast it was.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/mutants.h"
#include "tests/sim/scenario.h"
#include "tests/sim/simulation.h"

namespace quorumbook::sim {

struct BatchOptions {
  uint64_t first_seed = 1;
  uint64_t last_seed = 1;
  Profile profile = Profile::kSwarm;
  SimTime time = 0;                     // as DrawScenario
  const NamedMutant* mutant = nullptr;  // null: none
  bool twice = true;                    // and the two runs of a seed must have the same trace
  // What runs a seed the second time (tests/sim/twin.h); empty: this process does.
  std::vector<std::string> twin{};
  bool stop_at_failure = false;  // seeds beyond the first failing one may not be run
  int jobs = 1;                  // processes
  bool verbose = false;          // one line a step
};

struct SeedResult {
  uint64_t seed = 0;
  SimulationResult result;
  SimTime election_timeout = 0;  // the longest that a node waits
  double cpu_seconds = 0;        // of all its runs
  int runs = 0;
};

// Runs a seed, once.
SeedResult RunSeed(const BatchOptions& options, uint64_t seed);

// Calls `on_result` for each seed as it is done, in any order. A simulation that ends its process
// (a CHECK) is a failure of its seed. Errors: the system's, e.g. no more processes.
absl::Status RunBatch(const BatchOptions& options,
                      const std::function<void(const SeedResult&)>& on_result);

// The command of the process that runs seeds the second time.
std::vector<std::string> TwinOf(const BatchOptions& options);

// The command that runs a seed again, and shows it.
std::string CommandFor(const BatchOptions& options, uint64_t seed);

}  // namespace quorumbook::sim
