// A small language for tests: one step a line, and what it brought about as text. Events that are
// not part of the answer to the command are marked with `>`.
//
//   1 symbol AMZN 0.01 1             account 1 adds a symbol; [base=BTC quote=USD] [pre-open ...]
//   1 rules AMZN max=100 static=1000 min, max, static, dynamic, protection, maker, taker
//   1 phase AMZN halt [reference=P]  pre-open, opening-auction, continuous, closing-auction, closed
//   1 delist AMZN
//   1 buy AMZN id=5 10@100 [terms]   a limit order
//   1 sell AMZN id=6 10@market ioc   a market order
//     terms: ioc fok day gtd until=T post aon stop=P trail=N show=N min=N protection=N
//            self=taker self=maker self=both self=decrement
//   1 cancel AMZN id=5
//   1 reduce AMZN id=5 by=3
//   1 replace AMZN id=5 12@101
//   1 mass-cancel [symbol=AMZN] [buys|sells] [account=2]
//   1 asset USD -2                   1 deposit account=2 USD 100      1 withdraw account=2 USD 100
//   1 limits account=2 quantity=5 notional=100 orders=3
//   1 position account=2 USD 100     1 kill account=2 on
//   book AMZN      summary AMZN      trades AMZN      order 1 AMZN id=5      orders 1
//   auction AMZN   candles AMZN minute|5-minutes|hour|day
//   account 2      assets            conservation     deadline
//   time 17                          of the batches that follow
//   tick                             a batch of nothing
//   open account=1 [times=N] [accounts=N] [cancel-on-disconnect]  those of `1 ...` open themselves
//   close session=1                  lost session=1
//   send session=1 from=3 [ack=2] [times=N] [quiet]: cancel AMZN id=5; reduce AMZN id=6 by=1
//
// `times` repeats the commands of a message, or the opening of sessions, by one of `accounts` after
// the other; `quiet` prints the status alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "exchange/exchange.h"
#include "script_commands.h"

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

  std::string Look(const Words& words) const;  // "" when it is no view
  std::string Book(const std::string& name) const;
  std::string Summary(const std::string& name) const;
  std::string Trades(const std::string& name) const;
  std::string Candles(const Words& words) const;
  std::string Auction(const std::string& name) const;
  std::string Account(AccountId id) const;
  std::string Assets() const;
  std::string Open(const Words& words);
  std::string Close(const Words& words);
  std::string Send(const std::string& line);
  std::string RunAs(AccountId account, const Words& words);
  std::string Events() const;  // of the last batch
  void Apply(Group group);

  Exchange exchange_;
  ApplyResult result_;
  Time time_ = 0;
  std::map<AccountId, Own> own_;
};

}  // namespace quorumbook::exchange
