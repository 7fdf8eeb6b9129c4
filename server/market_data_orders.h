// Channel L3: every order that the book shows.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <vector>

#include "server/market_data_topic.h"

namespace quorumbook::server {

class OrdersTopic final : public MarketDataTopic {
 public:
  explicit OrdersTopic(exchange::SymbolId symbol) : symbol_(symbol) {}

  bool Snapshot(const exchange::Exchange& exchange, uint32_t limit,
                v1::MarketDataUpdate* out) const override;
  void Reset(const exchange::Exchange& exchange, uint32_t depth) override;
  bool Update(const exchange::Exchange& exchange, exchange::Time time,
              const std::vector<const exchange::Event*>& events, uint32_t depth,
              v1::MarketDataUpdate* out) override;

 private:
  // What was said of an order.
  struct Shown {
    exchange::Side side{};
    exchange::Price price = 0;
    exchange::Quantity quantity = 0;  // that is shown
    exchange::Quantity total = 0;     // as ordered: more of it loses priority
  };
  // An order that events of a batch speak of.
  struct Touched {
    exchange::OrderId id;
    exchange::OrderName name;
    exchange::Price price = 0;
    exchange::Quantity total = 0;
    uint64_t queued = 0;  // the last event that made it the last of its price; 0: none
  };

  void Touch(const exchange::Event& event);
  Touched& At(exchange::OrderId id, const exchange::OrderName& name);
  void AddChange(const exchange::Exchange& exchange, const Touched& touched, v1::OrderChanges* out);

  const exchange::SymbolId symbol_;
  absl::flat_hash_map<exchange::OrderId, Shown> shown_;
  // Of the batch at hand; kept for their memory.
  std::vector<Touched> touched_;
  absl::flat_hash_map<exchange::OrderId, size_t> index_;  // into touched_
};

}  // namespace quorumbook::server
