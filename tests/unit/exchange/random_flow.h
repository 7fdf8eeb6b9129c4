// Random commands that are likely to meet: few names, few prices, every kind of order and error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/command.h"

namespace quorumbook::exchange {

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): the same
// numbers on every platform.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 to bound - 1.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  bool OneIn(uint64_t odds) { return Below(odds) == 0; }

 private:
  uint64_t state_;
};

struct FlowShape {
  uint32_t symbols = 3;
  uint64_t names = 40;     // client order ids
  Price price_range = 12;  // around the middle
  bool sparse = false;     // prices over nine decades
  // All kinds of commands, not only plain orders: symbols S0 and S1 have assets, the others none.
  bool everything = false;
  Time tick = 1;              // that batches are about apart
  uint64_t delist_odds = 40;  // that a change of phase is one in so many times a delisting
};

// Commands of one account.
class RandomFlow {
 public:
  RandomFlow(uint64_t seed, const FlowShape& shape) : random_(seed), shape_(shape) {}

  // `now` is the time of the batch that the command will be in.
  Command Next(Time now = 0);
  Command NewSymbol();
  // What everything else needs: assets, balances of accounts 1 to 4, the symbols with their rules.
  static std::vector<Command> Setup();

 private:
  SymbolId AnySymbol();  // nearly always one of the shape
  ClientOrderId Name();
  Quantity RandomQuantity();
  Price RandomPrice();
  Command RandomOrder();
  Command AnySpecialOrder(Time now);
  Command AnyOperatorCommand();
  Command AnyAccountCommand();
  SymbolRules AnyRules();

  Random random_;
  const FlowShape shape_;
};

}  // namespace quorumbook::exchange
