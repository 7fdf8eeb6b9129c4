// The real state machine behind a local session: commands and reports of the API translated to and
// from those of exchange/, as the daemon does it, without daemon or network.
#pragma once

#include <string>

#include "exchange/exchange.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

class ExchangeMarket {
 public:
  static constexpr const char* kSymbol = "AMZN";  // tick 0.01, lot 1

  ExchangeMarket();

  v1::CommandResult Execute(const v1::Command& command);
  const exchange::Exchange& exchange() const { return exchange_; }

 private:
  void Run(exchange::Command command);

  exchange::Exchange exchange_;
  exchange::ApplyResult result_;
  exchange::SymbolId symbol_;
  uint64_t sequence_ = 0;  // of the last command
};

}  // namespace quorumbook::replay
