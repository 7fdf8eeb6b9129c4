#include <cstdio>
#include <cstdlib>

#include "tests/sim/simulation.h"
using namespace quorumbook::sim;
int main(int argc, char** argv) {
  uint64_t a = strtoull(argv[1], 0, 10), b = strtoull(argv[2], 0, 10);
  for (uint64_t s = a; s <= b; ++s) {
    Scenario sc = DrawScenario(s, {});
    auto r = Simulate(sc, argc > 3);
    printf(
        "%lu %s | t %.1f events %lu msgs %lu committed %lu commands %lu requests %lu trace %lx "
        "%s\n",
        s, sc.ToString().c_str(), r.time / 1e9, r.events, r.messages, r.committed, r.commands,
        r.requests, r.trace, r.failure ? r.failure->c_str() : "ok");
  }
}
