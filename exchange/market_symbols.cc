// Commands of operators on symbols; the changes of phase are in phases.cc.
#include "common/check.h"
#include "exchange/market.h"

namespace quorumbook::exchange {

void Market::Execute(const CommandContext& context, const AddSymbol& command) {
  Begin(context, CommandKind::kAddSymbol);
  AssetScale scale;
  Reason reason = CheckSymbol(command);
  if (reason == Reason::kNone) reason = FindAssets(command, &scale);
  const Symbol* symbol = symbols_.Find(command.name);
  if (reason == Reason::kNone && symbol != nullptr) {
    const SymbolInfo& info = symbol->info;
    const bool same = SameValue(info.tick_size, command.tick_size) &&
                      SameValue(info.lot_size, command.lot_size) && info.base == command.base &&
                      info.quote == command.quote;
    if (!same) reason = Reason::kSymbolExists;
    if (info.delisted) reason = Reason::kSymbolDelisted;
  } else if (reason == Reason::kNone && symbols_.size() >= kMaxSymbols) {
    reason = Reason::kTooManySymbols;
  }
  if (reason != Reason::kNone) return Reject(reason, SymbolId());
  if (symbol == nullptr) symbol = &symbols_.Add(command, scale, &memory_);
  Emit(EventType::kSymbolAdded).symbol = symbol->info.id;
}

Reason Market::FindAssets(const AddSymbol& command, AssetScale* scale) const {
  if (command.base == AssetId() && command.quote == AssetId()) return Reason::kNone;
  const AssetInfo* const base = accounts_.assets().Find(command.base);
  const AssetInfo* const quote = accounts_.assets().Find(command.quote);
  if (base == nullptr || quote == nullptr) return Reason::kUnknownAsset;
  if (base == quote || !FindScale(command, *base, *quote, scale)) return Reason::kInvalidSymbol;
  return Reason::kNone;
}

void Market::Execute(const CommandContext& context, const SetSymbolRules& command) {
  Begin(context, CommandKind::kSetSymbolRules);
  Symbol* const symbol = symbols_.Find(command.symbol);
  Reason reason = CheckRules(command.rules);
  if (symbol == nullptr) {
    reason = Reason::kUnknownSymbol;
  } else if (symbol->info.delisted) {
    reason = Reason::kSymbolDelisted;
  }
  if (reason != Reason::kNone) return Reject(reason, command.symbol);
  symbol->info.rules = command.rules;
  symbol->Refresh();
  Emit(EventType::kRulesChanged).symbol = command.symbol;
}

void Market::Execute(const CommandContext& context, const DelistSymbol& command) {
  Begin(context, CommandKind::kDelistSymbol);
  Symbol* const symbol = symbols_.Find(command.symbol);
  Reason reason = Reason::kNone;
  if (symbol == nullptr) {
    reason = Reason::kUnknownSymbol;
  } else if (symbol->info.delisted) {
    reason = Reason::kSymbolDelisted;
  } else if (symbol->info.busy) {
    reason = Reason::kSymbolBusy;
  }
  if (reason != Reason::kNone) return Reject(reason, command.symbol);
  symbol->info.delisted = true;
  symbol->info.busy = true;
  symbol->Refresh();
  Emit(EventType::kSymbolDelisted).symbol = command.symbol;
  Start({.kind = JobKind::kCancelSymbol,
         .command = CommandKind::kDelistSymbol,
         .reason = Reason::kDelisted,
         .symbol = command.symbol});
}

}  // namespace quorumbook::exchange
