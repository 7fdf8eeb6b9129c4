// Commands about assets, balances and limits.
#include "exchange/market.h"

namespace quorumbook::exchange {
namespace {

bool ValidAmount(Amount amount) { return amount > 0 && amount <= kMaxAmount; }

}  // namespace

void Market::Execute(const CommandContext& context, const AddAsset& command) {
  Begin(context, CommandKind::kAddAsset);
  AssetTable& assets = accounts_.assets();
  Reason reason = CheckAsset(command);
  const AssetInfo* asset = assets.Find(command.name);
  if (reason == Reason::kNone && asset != nullptr) {
    if (asset->exponent != command.exponent) reason = Reason::kAssetExists;
  } else if (reason == Reason::kNone && assets.size() >= kMaxAssets) {
    reason = Reason::kTooManyAssets;
  }
  if (reason != Reason::kNone) return Reject(reason, SymbolId());
  if (asset == nullptr) asset = &assets.Add(command);
  Emit(EventType::kAssetAdded).symbol = SymbolId(asset->id.value());
}

void Market::RejectTransfer(Reason reason, AccountId account, AssetId asset, Amount amount) {
  Reject(reason, SymbolId(asset.value()), ClientOrderId(), 0, amount);
  task_.events->back().account = account;
}

void Market::EmitBalance(AccountId account, AssetId asset, Amount amount, Amount free) {
  Event& event = Emit(EventType::kBalanceChanged);
  event.account = account;
  event.symbol = SymbolId(asset.value());
  event.quantity = amount;
  event.leaves = free;
}

void Market::Execute(const CommandContext& context, const Deposit& command) {
  Begin(context, CommandKind::kDeposit);
  AssetInfo* const asset = accounts_.assets().Find(command.asset);
  Account* account = nullptr;
  Reason reason = Reason::kNone;
  if (command.account == AccountId()) {
    reason = Reason::kInvalidAccount;
  } else if (asset == nullptr) {
    reason = Reason::kUnknownAsset;
  } else if (!ValidAmount(command.amount)) {
    reason = Reason::kInvalidAmount;
  } else if (command.amount > kMaxAmount - asset->deposited) {
    reason = Reason::kAmountLimit;
  } else if (account = accounts_.FindOrAdd(command.account); account == nullptr) {
    reason = Reason::kTooManyAccounts;
  }
  if (reason != Reason::kNone) {
    return RejectTransfer(reason, command.account, command.asset, command.amount);
  }
  Balance& balance = account->FindOrAdd(command.asset);
  balance.free += command.amount;
  asset->deposited += command.amount;
  EmitBalance(command.account, command.asset, command.amount, balance.free);
}

void Market::Execute(const CommandContext& context, const Withdraw& command) {
  Begin(context, CommandKind::kWithdraw);
  AssetInfo* const asset = accounts_.assets().Find(command.asset);
  Account* const account = accounts_.Find(command.account);
  Amount* from = nullptr;
  Reason reason = Reason::kNone;
  if (asset == nullptr) {
    reason = Reason::kUnknownAsset;
  } else if (!ValidAmount(command.amount)) {
    reason = Reason::kInvalidAmount;
  } else if (command.account == AccountId()) {
    from = &asset->fees;
  } else if (account == nullptr) {
    reason = Reason::kUnknownAccount;
  } else if (Balance* const balance = account->Find(command.asset); balance != nullptr) {
    from = &balance->free;
  }
  if (reason == Reason::kNone && (from == nullptr || *from < command.amount)) {
    reason = Reason::kInsufficientBalance;
  }
  if (reason != Reason::kNone) {
    return RejectTransfer(reason, command.account, command.asset, command.amount);
  }
  *from -= command.amount;
  asset->deposited -= command.amount;
  EmitBalance(command.account, command.asset, command.amount, *from);
}

void Market::Execute(const CommandContext& context, const SetAccountLimits& command) {
  Begin(context, CommandKind::kSetAccountLimits);
  const AccountLimits& limits = command.limits;
  const bool valid = limits.max_order_quantity >= 0 && limits.max_notional >= 0;
  ChangeAccount(command.account, valid ? Reason::kNone : Reason::kInvalidAmount,
                [&](Account& account) { account.limits = limits; });
}

void Market::Execute(const CommandContext& context, const SetPositionLimit& command) {
  Begin(context, CommandKind::kSetPositionLimit);
  Reason reason = Reason::kNone;
  if (accounts_.assets().Find(command.asset) == nullptr) {
    reason = Reason::kUnknownAsset;
  } else if (command.limit < 0) {
    reason = Reason::kInvalidAmount;
  }
  ChangeAccount(command.account, reason, [&](Account& account) {
    account.FindOrAdd(command.asset).position_limit = command.limit;
  });
}

void Market::Execute(const CommandContext& context, const SetKillSwitch& command) {
  Begin(context, CommandKind::kSetKillSwitch);
  const bool changed = ChangeAccount(command.account, Reason::kNone, [&](Account& account) {
    accounts_.SetBlocked(&account, command.engaged);
  });
  if (!changed || !command.engaged) return;
  Start({.kind = JobKind::kCancelAccount,
         .command = CommandKind::kSetKillSwitch,
         .reason = Reason::kKillSwitch,
         .account = command.account,
         .up_to = OrderId(counters_.last_order_id)});
}

}  // namespace quorumbook::exchange
