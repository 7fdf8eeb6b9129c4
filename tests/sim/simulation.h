// One seed from beginning to end: faults, then a healed quorum that must serve again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/fault_count.h"
#include "tests/sim/scenario.h"

namespace quorumbook::sim {

struct SimulationResult {
  // What was violated; empty: nothing.
  std::optional<std::string> failure;
  SimTime failed_at = 0;
  uint64_t trace = 0;
  SimTime time = 0;  // virtual
  uint64_t events = 0;
  uint64_t messages = 0;
  uint64_t committed = 0;  // entries
  uint64_t commands = 0;
  uint64_t requests = 0;  // of clients, answered
  FaultCount fired;
  std::vector<SimTime> elections;          // after a leader's death, in true time
  std::vector<SimTime> silent_elections;   // when no stream broke by it
  Byzantine byzantine = Byzantine::kNone;  // whose misdeeds were seen and named
};

SimulationResult Simulate(const Scenario& scenario, bool verbose);

}  // namespace quorumbook::sim
