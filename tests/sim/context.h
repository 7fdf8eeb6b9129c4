// What all parts of one simulated run share.
#pragma once

#include <optional>
#include <string>

#include "tests/sim/event_queue.h"
#include "tests/sim/fault_count.h"
#include "tests/sim/scenario.h"
#include "tests/sim/trace.h"

namespace quorumbook::sim {

struct Context {
  Context(const Scenario& the_scenario, bool verbose) : scenario(the_scenario), trace(verbose) {}

  // The first one counts: what follows is often its consequence.
  void Fail(const std::string& what) {
    if (!failure) failure = what;
    trace.Line(queue.now(), "FAILED: " + what);
  }

  const Scenario scenario;
  EventQueue queue;
  Trace trace;
  FaultCount fired;
  std::optional<std::string> failure;
};

}  // namespace quorumbook::sim
