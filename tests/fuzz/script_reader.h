// Reads bytes as a script of batches, in which commands are likely to meet: few names, prices and
// accounts, now and then a number from the edge. Any bytes are a script.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "exchange/command.h"

namespace quorumbook::exchange {

class ScriptReader {
 public:
  static constexpr uint64_t kAccounts = 3;  // and sessions 1 to kAccounts of theirs

  explicit ScriptReader(std::string_view script) : rest_(script) {}

  bool AtEnd() const { return rest_.empty(); }
  // Opens the sessions, adds assets, balances, and symbols with and without assets.
  Batch Setup();
  // A batch of the script, after Setup().
  Batch Next();

 private:
  uint8_t Byte();  // 0 at the end
  uint64_t Below(uint64_t bound) { return Byte() % bound; }
  bool Flag() { return (Byte() & 1) != 0; }
  // `usual` for most bytes, else a number from the edge of what is allowed, or beyond.
  int64_t Number(int64_t usual);
  Price AnyPrice() { return Number(1'000 + static_cast<int64_t>(Below(16))); }
  Quantity AnyQuantity() { return Number(1 + static_cast<int64_t>(Below(32))); }
  SymbolId AnySymbol() { return SymbolId(static_cast<uint32_t>(Below(5))); }
  ClientOrderId AnyName() { return ClientOrderId(Below(24)); }
  AccountId AnyAccount() { return AccountId(Below(kAccounts + 2)); }

  NewOrder AnyOrder();
  OrderTerms AnyTerms();
  SymbolRules AnyRules();
  Command AnyCommand();
  Command AnyOperatorCommand();
  Command AnyAccountCommand();

  std::string_view rest_;
  Time time_ = 1;
  std::vector<uint64_t> next_ = std::vector<uint64_t>(kAccounts + 1, 1);  // by session
};

}  // namespace quorumbook::exchange
