// What a batch found, for people and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/batch.h"

namespace quorumbook::sim {

// Of what a run gave its figures, in a line: profile, seeds, processes, build.
std::string HowMeasured(const BatchOptions& options);

class Report {
 public:
  explicit Report(const BatchOptions& options) : options_(options) {}

  void Add(const SeedResult& result);

  bool ok() const { return failures_.empty(); }
  // Classes of faults that never happened; Byzantine ones count when they were found out.
  std::vector<std::string> Missing() const;

  std::string ToTable() const;
  std::string ToJson() const;

 private:
  struct Failure {
    uint64_t seed = 0;
    std::string what;
  };
  // Times until a dead leader was followed by another, in election timeouts.
  using Elections = std::vector<double>;
  static void AddElections(const std::vector<SimTime>& times, SimTime timeout,
                           Elections* elections);
  // 0: none died.
  static double Percentile(Elections elections, double part);
  // Requests a virtual second.
  double Load() const;
  // Virtual hours in an hour of one core.
  double Speed() const;

  const BatchOptions options_;
  uint64_t seeds_ = 0;
  uint64_t runs_ = 0;
  double cpu_seconds_ = 0;
  double virtual_seconds_ = 0;  // of all runs
  double once_seconds_ = 0;     // of the first run of each seed
  uint64_t events_ = 0;
  uint64_t messages_ = 0;
  uint64_t committed_ = 0;
  uint64_t commands_ = 0;
  uint64_t requests_ = 0;
  FaultCount fired_;
  std::array<uint64_t, kByzantines> byzantine_{};
  Elections elections_;         // when streams broke with the leader
  Elections silent_elections_;  // when its machine was gone
  std::vector<Failure> failures_;
};

}  // namespace quorumbook::sim
