// Work that may be too much for one command: it is done in steps of about kMaxStepEvents events,
// the first at once, one at the start of each later batch and one after each command.
#pragma once

#include <cstdint>

#include "exchange/event.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

enum class JobKind : uint8_t {
  kCancelAccount = 1,  // the orders of an account up to an id, perhaps of one symbol or side
  kCancelSymbol = 2,   // all orders of a symbol that is delisted
  kSettlePhase = 3,    // the trades of an auction, then what the new phase ends
};

struct Job {
  JobKind kind = JobKind::kCancelAccount;
  CommandKind command = CommandKind::kNone;  // that brought it about
  Reason reason = Reason::kNone;             // of what it cancels
  Side side{};                               // of kCancelAccount; 0: both
  SymbolId symbol = {};                      // of kCancelAccount 0: all
  AccountId account = {};                    // of kCancelAccount
  OrderId up_to = {};                        // of kCancelAccount: later orders are spared
  SymbolId from = {};                        // of kCancelAccount: symbols before are done
  // Of kSettlePhase: whether the reference price was given and stays; whether trades at the
  // auction's price go on, what is to trade at it yet and what has traded.
  bool keeps_reference = false;
  bool uncrosses = false;
  Price price = 0;
  Quantity left = 0;
  Quantity traded = 0;
};

}  // namespace quorumbook::exchange
