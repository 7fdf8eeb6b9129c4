// How many seeds each planted bug took until it was noticed, and whether that is good enough.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/batch.h"
#include "tests/sim/mutants.h"

namespace quorumbook::sim {

// A planted bug that survives this many is a hole in the simulator.
inline constexpr uint64_t kMutantSeeds = 2'000;
// Half of all are noticed within fewer seeds.
inline constexpr uint64_t kMedianBelow = 200;

class MutantReport {
 public:
  // `all`: of all that there are, for which alone the bar of the median is meant.
  MutantReport(const BatchOptions& options, bool all) : options_(options), all_(all) {}

  // `seeds`: how many it took, and `noticed` what was said; empty: it survived all.
  void Add(const NamedMutant& mutant, std::optional<uint64_t> seeds, const std::string& noticed);

  // None survived, and the median is low enough.
  bool ok() const;
  // Of those that were noticed; empty: none was.
  std::optional<uint64_t> Median() const;

  // Of the one that was added last.
  std::string Line() const;
  std::string Summary() const;
  std::string ToJson() const;

 private:
  struct Row {
    std::string name;
    std::string what;
    std::optional<uint64_t> seeds;
    std::string noticed;
  };
  size_t Survivors() const;
  bool MedianIsLow() const;

  const BatchOptions options_;
  const bool all_;
  std::vector<Row> rows_;
};

}  // namespace quorumbook::sim
