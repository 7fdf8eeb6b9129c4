// A book kept from events alone, by the rules that docs/market-model.md gives to market data.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "exchange/event.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

class FeedBook {
 public:
  struct Entry {
    OrderId id;
    Price price = 0;
    Quantity leaves = 0;
    Quantity shown = 0;

    bool operator==(const Entry&) const = default;
  };

  void Apply(const Event& event);
  // In priority order, best first.
  std::vector<Entry> Orders(SymbolId symbol, Side side) const;
  // Trades of resting orders that did not have the best price of their side, or were not the first
  // at it. In an auction both orders rest.
  uint64_t out_of_turn() const { return out_of_turn_; }

 private:
  struct Place {
    SymbolId symbol;
    Side side{};
    Price price = 0;
    std::list<Entry>::iterator entry;
  };
  using Queues = std::map<Price, std::list<Entry>>;

  void Add(const Event& event);
  void Remove(OrderId id);
  bool IsFirst(OrderId id) const;
  void Fill(OrderId id, Quantity quantity);
  void Shrink(OrderId id, Quantity leaves);
  void Replace(const Event& event);
  void Display(const Event& event);

  std::map<std::pair<SymbolId, Side>, Queues> sides_;
  std::map<OrderId, Place> places_;
  std::set<SymbolId> uncrossing_;
  uint64_t out_of_turn_ = 0;
};

}  // namespace quorumbook::exchange
