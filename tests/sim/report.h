// What a batch found, for people and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/batch.h"

namespace quorumbook::sim {

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
  // Of the time until a dead leader was followed by another, in election timeouts. 0: none died.
  double ElectionPercentile(double part) const;
  // Virtual hours in an hour of one core.
  double Speed() const;

  const BatchOptions options_;
  uint64_t seeds_ = 0;
  uint64_t runs_ = 0;
  double cpu_seconds_ = 0;
  double virtual_seconds_ = 0;  // of all runs
  uint64_t events_ = 0;
  uint64_t messages_ = 0;
  uint64_t committed_ = 0;
  uint64_t commands_ = 0;
  uint64_t requests_ = 0;
  FaultCount fired_;
  std::array<uint64_t, kByzantines> byzantine_{};
  std::vector<double> elections_;  // in election timeouts
  std::vector<Failure> failures_;
};

}  // namespace quorumbook::sim
