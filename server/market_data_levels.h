// Channel L2: price levels, to any number of depths at once.
#pragma once

#include <cstdint>
#include <vector>

#include "server/market_data_topic.h"

namespace quorumbook::server {

// The levels of one side, best first: as they are, and what became of those before.
class LevelHistory {
 public:
  using Levels = std::vector<exchange::LevelInfo>;

  explicit LevelHistory(exchange::Side side) : side_(side) {}

  void Reset(Levels now);
  // Time proportional to the levels now and before.
  void Advance(Levels now);
  // What the last Advance changed for who sees the best `depth` levels: what came or changed as it
  // is now, what went with quantity 0. REQUIRES: both states are at least that deep, or whole. Time
  // proportional to the changes, whatever the depth.
  void AddChanges(uint32_t depth, google::protobuf::RepeatedPtrField<v1::Level>* out) const;

 private:
  // A level that is not as it was. Positions: how many levels were, and are, better.
  struct Change {
    uint32_t before = 0;
    uint32_t now = 0;
    bool was = false;
    bool is = false;
  };
  static constexpr uint32_t kChanged = UINT32_MAX;

  bool Better(exchange::Price a, exchange::Price b) const {
    return side_ == exchange::Side::kBuy ? a > b : a < b;
  }
  // Of the best `depth` levels, from where on all that did not change are beyond that in the other
  // state. `positions`: there, or kChanged.
  static size_t FirstBeyond(const std::vector<uint32_t>& positions, uint32_t depth);

  const exchange::Side side_;
  Levels now_;
  Levels before_;
  std::vector<Change> changes_;  // best price first
  std::vector<uint32_t> to_;     // by position before: the position now
  std::vector<uint32_t> from_;   // by position now: the position before
};

class LevelsTopic final : public MarketDataTopic {
 public:
  explicit LevelsTopic(exchange::SymbolId symbol) : symbol_(symbol) {}

  bool Snapshot(const exchange::Exchange& exchange, uint32_t limit,
                v1::MarketDataUpdate* out) const override;
  void Reset(const exchange::Exchange& exchange, uint32_t depth) override;
  void Advance(const exchange::Exchange& exchange, uint32_t depth) override;
  bool Update(const exchange::Exchange& exchange, exchange::Time time,
              const std::vector<const exchange::Event*>& events, uint32_t depth,
              v1::MarketDataUpdate* out) override;

 private:
  const exchange::SymbolId symbol_;
  LevelHistory bids_{exchange::Side::kBuy};
  LevelHistory asks_{exchange::Side::kSell};
};

}  // namespace quorumbook::server
