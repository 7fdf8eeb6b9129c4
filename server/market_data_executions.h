// Channel EXECUTIONS: what happens to the orders of one account.
#pragma once

#include <cstdint>
#include <vector>

#include "server/market_data_topic.h"

namespace quorumbook::server {

// Open orders in a snapshot.
inline constexpr uint32_t kDefaultListedOrders = 1'000;
inline constexpr uint32_t kMaxListedOrders = 10'000;

// `events` of Update are those in which the account has a part. A trade of the account with itself
// gives two reports, the incoming order's first.
class ExecutionsTopic final : public MarketDataTopic {
 public:
  // `symbol`: SymbolId() for all.
  ExecutionsTopic(exchange::AccountId account, exchange::SymbolId symbol)
      : account_(account), symbol_(symbol) {}

  bool Snapshot(const exchange::Exchange& exchange, uint32_t limit,
                v1::MarketDataUpdate* out) const override;
  void Reset(const exchange::Exchange&, uint32_t) override {}  // events tell all there is to tell
  bool Update(const exchange::Exchange& exchange, exchange::Time time,
              const std::vector<const exchange::Event*>& events, uint32_t depth,
              v1::MarketDataUpdate* out) override;

 private:
  const exchange::AccountId account_;
  const exchange::SymbolId symbol_;
};

}  // namespace quorumbook::server
