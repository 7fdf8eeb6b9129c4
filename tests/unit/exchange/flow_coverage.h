// Counts what a random run has met, so that a test can say that nothing was left out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "exchange/command.h"
#include "exchange/event.h"
#include "reference_market.h"

namespace quorumbook::exchange {

class FlowCoverage {
 public:
  // To be called before and after the reference market executes a command.
  void Before(const ReferenceMarket& market, AccountId account, const Command& command);
  void After(const ReferenceMarket& market, const std::vector<Event>& events);
  // Events that came about without a command.
  void Others(const ReferenceMarket& market, const std::vector<Event>& events);

  // The names of what should be met and was not.
  std::vector<std::string> Missing() const;

 private:
  void Count(const std::string& name) { ++counts_[name]; }
  void Begin(const ReferenceMarket& market);
  void CountEvent(const ReferenceMarket& market, const Event& event);

  std::map<std::string, uint64_t> counts_;
  // Of the command: what it is and where; for a new order, its self-trade choice.
  std::string what_;
  std::string self_trade_;
  std::set<OrderId> all_or_none_;     // that were entered as such
  std::map<SymbolId, Phase> phases_;  // before it
};

}  // namespace quorumbook::exchange
