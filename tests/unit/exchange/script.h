// A small language for tests: one step a line, and what it brought about as text.
//
//   1 symbol AMZN 0.01 1             account 1 adds a symbol
//   1 buy AMZN id=5 10@100 [ioc|fok] a limit order
//   1 sell AMZN id=6 10@market ioc   a market order (`gtc` may be named too)
//   1 cancel id=5
//   1 reduce id=5 by=3
//   1 replace id=5 12@101
//   book AMZN      summary AMZN      trades AMZN      order 1 id=5
//   time 17                          of the batches that follow
//   open account=1 [times=N]         sessions by hand; those of `1 ...` open themselves
//   close session=1
//   send session=1 from=3 [ack=2] [times=N] [quiet]: cancel id=5; reduce id=6 by=1
//
// `times` repeats the commands of a message, or the opening of sessions; `quiet` prints the status
// alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/exchange.h"

namespace quorumbook::exchange {

class Script {
 public:
  // Runs one line and returns its transcript, each line of which ends with a newline.
  std::string Run(const std::string& line);

 private:
  struct Own {
    SessionId session;
    uint64_t next = 1;
  };
  using Words = std::vector<std::string>;

  Command ParseCommand(const Words& words) const;
  NewOrder ParseOrder(const Words& words) const;
  SymbolId ParseSymbol(const std::string& name) const;
  std::string Book(const std::string& name) const;
  std::string Summary(const std::string& name) const;
  std::string Trades(const std::string& name) const;
  std::string Open(const Words& words);
  std::string Send(const std::string& line);
  std::string RunAs(AccountId account, const Words& words);
  void Apply(Group group);

  Exchange exchange_;
  ApplyResult result_;
  Time time_ = 0;
  std::map<AccountId, Own> own_;
};

}  // namespace quorumbook::exchange
