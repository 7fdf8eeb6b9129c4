// All planted bugs by name: those of the core, the replica, the store and its host.
#pragma once

#include <span>
#include <string_view>

#include "tests/sim/scenario.h"

namespace quorumbook::sim {

struct NamedMutant {
  std::string_view name;
  std::string_view what;
  consensus::Mutant consensus = consensus::Mutant::kNone;
  ReplicaMutant replica = ReplicaMutant::kNone;
  StoreMutant store = StoreMutant::kNone;
  HostMutant host = HostMutant::kNone;
  bool leases_off = false;

  void PlantIn(Scenario* scenario) const {
    scenario->mutant = consensus;
    scenario->replica_mutant = replica;
    scenario->store_mutant = store;
    scenario->host_mutant = host;
    if (leases_off) scenario->lease_reads = false;
  }
};

std::span<const NamedMutant> AllMutants();
// Null: no such mutant.
const NamedMutant* FindMutant(std::string_view name);

}  // namespace quorumbook::sim
