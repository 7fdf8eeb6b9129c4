// What the engine benchmark compares: ways to run the same flow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "flow.h"
#include "map_book.h"

namespace quorumbook::bench {

// The trades of a flow: equal for all that run it.
struct Trades {
  uint64_t count = 0;
  uint64_t hash = 0;

  void Add(const std::vector<Fill>& fills);
};

class Contestant {
 public:
  virtual ~Contestant() = default;

  virtual std::string_view name() const = 0;
  // Back to an empty book.
  virtual void Reset() = 0;
  // Runs operations [begin, end) as it likes best. What was run before ended where this begins.
  virtual void Run(size_t begin, size_t end) = 0;
  // Appends what the last Run traded, when that was of a single operation.
  virtual void TakeFills(std::vector<Fill>* fills) = 0;
};

// The plain book of map_book.h.
std::unique_ptr<Contestant> MapContestant(const std::vector<Operation>& flow);
// exchange::OrderBook, by batches of so many operations that it sees ahead; 1: one at a time.
std::unique_ptr<Contestant> BookContestant(const std::vector<Operation>& flow, size_t batch);
// The complete exchange::Exchange: encoded batches checked and decoded, a session with results kept
// for retries and acknowledged with the next batch, accounts, events, the running hash.
// REQUIRES: `begin` of what is run is a multiple of `batch`.
std::unique_ptr<Contestant> EngineContestant(const std::vector<Operation>& flow, size_t batch);

}  // namespace quorumbook::bench
