// Symbols, assets and accounts of the reference market.
#include <algorithm>

#include "reference_market.h"

namespace quorumbook::exchange {
namespace {

Event Named(SymbolId symbol) {
  Event event;
  event.side = Side{};
  event.symbol = symbol;
  return event;
}

// value * 10^exponent, which is whole where it is asked for.
Amount Scaled(Amount value, int exponent) {
  for (; exponent > 0; --exponent) value *= 10;
  for (; exponent < 0; ++exponent) value /= 10;
  return value;
}

bool ValidRules(const SymbolRules& rules) {
  return rules.min_quantity >= 0 && rules.max_quantity >= 0 && rules.protection >= 0;
}

}  // namespace

Amount ReferenceMarket::BaseScale(const SymbolMarket& market) const {
  const Asset& base = assets_.at(market.added.base.value() - 1);
  return Scaled(market.added.lot_size.mantissa,
                market.added.lot_size.exponent - base.added.exponent);
}

Amount ReferenceMarket::QuoteScale(const SymbolMarket& market) const {
  const Asset& quote = assets_.at(market.added.quote.value() - 1);
  return Scaled(
      market.added.lot_size.mantissa * market.added.tick_size.mantissa,
      market.added.lot_size.exponent + market.added.tick_size.exponent - quote.added.exponent);
}

// Valid names, sizes and assets only: goldens have the rest.
void ReferenceMarket::Run(const AddSymbol& command) {
  for (size_t i = 0; i < markets_.size(); ++i) {
    const AddSymbol& added = markets_[i].added;
    if (added.name != command.name) continue;
    if (markets_[i].delisted) return Reject(Reason::kSymbolDelisted, Named(SymbolId()));
    const bool same = added.tick_size == command.tick_size && added.lot_size == command.lot_size &&
                      added.base == command.base && added.quote == command.quote;
    if (!same) return Reject(Reason::kSymbolExists, Named(SymbolId()));
    Emit(EventType::kSymbolAdded).symbol = SymbolId(static_cast<uint32_t>(i + 1));
    return;
  }
  SymbolMarket& market = markets_.emplace_back();
  market.added = command;
  market.rules = command.rules;
  market.phase = command.phase;
  Emit(EventType::kSymbolAdded).symbol = SymbolId(static_cast<uint32_t>(markets_.size()));
}

Reason ReferenceMarket::SymbolProblem(SymbolId symbol) const {
  if (Market(symbol) == nullptr) return Reason::kUnknownSymbol;
  return Market(symbol)->delisted ? Reason::kSymbolDelisted : Reason::kNone;
}

void ReferenceMarket::Run(const SetSymbolRules& command) {
  Reason reason = SymbolProblem(command.symbol);
  if (reason == Reason::kNone && !ValidRules(command.rules)) reason = Reason::kInvalidRules;
  if (reason != Reason::kNone) return Reject(reason, Named(command.symbol));
  Market(command.symbol)->rules = command.rules;
  Emit(EventType::kRulesChanged).symbol = command.symbol;
}

void ReferenceMarket::Run(const SetPhase& command) {
  Reason reason = SymbolProblem(command.symbol);
  if (reason == Reason::kNone &&
      (command.reference_price < 0 || command.reference_price > kMaxPrice)) {
    reason = Reason::kInvalidPrice;
  }
  if (reason == Reason::kNone && Market(command.symbol)->phase == command.phase) {
    reason = Reason::kPhaseUnchanged;
  }
  if (reason != Reason::kNone) return Reject(reason, Named(command.symbol));
  SymbolMarket* market = Market(command.symbol);
  const Phase before = market->phase;
  market->phase = command.phase;
  if (command.reference_price != 0) market->reference = command.reference_price;
  Event& event = Emit(EventType::kPhaseChanged);
  event.symbol = command.symbol;
  event.price = market->reference;
  event.quantity = static_cast<Quantity>(command.phase);
  const bool opens = command.phase == Phase::kContinuous;
  const bool closes = command.phase == Phase::kClosed;
  const bool auction = before == Phase::kOpeningAuction || before == Phase::kClosingAuction;
  if (opens || (closes && auction)) Uncross(command.symbol);
  if (!opens && !closes) return;
  std::map<OrderId, Name> waiting;
  std::map<OrderId, Name> day;
  for (const Name& name : QueuedIn(command.symbol)) {
    const OrderInfo& order = orders_.at(name);
    if (order.time_in_force == TimeInForce::kDay) day[order.id] = name;
    if (order.time_in_force == TimeInForce::kImmediateOrCancel) waiting[order.id] = name;
  }
  for (const auto& entry : waiting) {
    CancelQueued(&orders_.at(entry.second), Reason::kUnfilledRemainder);
  }
  if (!closes) return;
  for (const auto& entry : day) CancelQueued(&orders_.at(entry.second), Reason::kDayOver);
  if (!market->trades.empty()) market->reference = market->trades.back().price;
  if (command.reference_price != 0) market->reference = command.reference_price;
}

void ReferenceMarket::Run(const DelistSymbol& command) {
  const Reason reason = SymbolProblem(command.symbol);
  if (reason != Reason::kNone) return Reject(reason, Named(command.symbol));
  Market(command.symbol)->delisted = true;
  Emit(EventType::kSymbolDelisted).symbol = command.symbol;
  CancelAll(QueuedIn(command.symbol), Reason::kDelisted);
}

void ReferenceMarket::Run(const AddAsset& command) {  // valid ones only
  for (size_t i = 0; i < assets_.size(); ++i) {
    if (assets_[i].added.name != command.name) continue;
    if (assets_[i].added != command) return Reject(Reason::kAssetExists, Named(SymbolId()));
    Emit(EventType::kAssetAdded).symbol = SymbolId(static_cast<uint32_t>(i + 1));
    return;
  }
  assets_.push_back({.added = command});
  Emit(EventType::kAssetAdded).symbol = SymbolId(static_cast<uint32_t>(assets_.size()));
}

void ReferenceMarket::Run(const Deposit& command) {
  const bool known = command.asset.value() >= 1 && command.asset.value() <= assets_.size();
  Event as = Named(SymbolId(command.asset.value()));
  as.quantity = command.amount;
  Reason reason = Reason::kNone;
  if (command.account == AccountId()) {
    reason = Reason::kInvalidAccount;
  } else if (!known) {
    reason = Reason::kUnknownAsset;
  } else if (command.amount <= 0) {
    reason = Reason::kInvalidAmount;
  }
  if (reason != Reason::kNone) {
    Reject(reason, as);
    events_.back().account = command.account;
    return;
  }
  accounts_[command.account].total[command.asset] += command.amount;
  assets_[command.asset.value() - 1].deposited += command.amount;
  Event& event = Emit(EventType::kBalanceChanged);
  event.account = command.account;
  event.symbol = SymbolId(command.asset.value());
  event.quantity = command.amount;
  event.leaves = Total(command.account, command.asset) - Held(command.account, command.asset);
}

void ReferenceMarket::Run(const Withdraw& command) {
  const bool known = command.asset.value() >= 1 && command.asset.value() <= assets_.size();
  const bool fees = command.account == AccountId();
  Event as = Named(SymbolId(command.asset.value()));
  as.quantity = command.amount;
  Amount free = 0;
  Reason reason = Reason::kNone;
  if (!known) {
    reason = Reason::kUnknownAsset;
  } else if (command.amount <= 0) {
    reason = Reason::kInvalidAmount;
  } else if (!fees && !accounts_.contains(command.account)) {
    reason = Reason::kUnknownAccount;
  } else {
    free = fees ? Fees(command.asset)
                : Total(command.account, command.asset) - Held(command.account, command.asset);
    if (command.amount > free) reason = Reason::kInsufficientBalance;
  }
  if (reason != Reason::kNone) {
    Reject(reason, as);
    events_.back().account = command.account;
    return;
  }
  Asset& asset = assets_[command.asset.value() - 1];
  (fees ? asset.fees : accounts_[command.account].total[command.asset]) -= command.amount;
  asset.deposited -= command.amount;
  Event& event = Emit(EventType::kBalanceChanged);
  event.account = command.account;
  event.symbol = SymbolId(command.asset.value());
  event.quantity = command.amount;
  event.leaves = free - command.amount;
}

void ReferenceMarket::Run(const SetAccountLimits& command) {  // valid ones only
  if (command.account == AccountId()) {
    Reject(Reason::kInvalidAccount, Named(SymbolId()));
  } else {
    accounts_[command.account].limits = command.limits;
    Emit(EventType::kAccountChanged);
  }
  events_.back().account = command.account;
}

void ReferenceMarket::Run(const SetPositionLimit& command) {  // no negative ones
  const bool known = command.asset.value() >= 1 && command.asset.value() <= assets_.size();
  if (command.account == AccountId()) {
    Reject(Reason::kInvalidAccount, Named(SymbolId()));
  } else if (!known) {
    Reject(Reason::kUnknownAsset, Named(SymbolId()));
  } else {
    accounts_[command.account].position_limit[command.asset] = command.limit;
    Emit(EventType::kAccountChanged);
  }
  events_.back().account = command.account;
}

void ReferenceMarket::Run(const SetKillSwitch& command) {
  if (command.account == AccountId()) {
    Reject(Reason::kInvalidAccount, Named(SymbolId()));
    events_.back().account = command.account;
    return;
  }
  accounts_[command.account].blocked = command.engaged;
  Emit(EventType::kAccountChanged).account = command.account;
  if (command.engaged) {
    CancelAll(OrdersOf(command.account, SymbolId(), Side{}), Reason::kKillSwitch);
  }
}

void ReferenceMarket::Settle(const SymbolMarket& market, OrderInfo* buyer, OrderInfo* seller,
                             Event* trade, bool auction) {
  const Amount goods = trade->quantity * BaseScale(market);
  const Amount money = trade->quantity * trade->price * QuoteScale(market);
  const bool buyer_takes = trade->side == Side::kBuy && !auction;
  const bool seller_takes = trade->side == Side::kSell && !auction;
  const auto fee_of = [&](Amount received, bool takes) {
    const Amount basis_points = takes ? market.rules.taker_fee_bp : market.rules.maker_fee_bp;
    const Amount exact = received * basis_points;  // in 1/10,000 of a unit
    return exact / 10'000 + (exact % 10'000 != 0 ? 1 : 0);
  };
  const Amount buyer_fee = fee_of(goods, buyer_takes);
  const Amount seller_fee = fee_of(money, seller_takes);
  const AssetId base = market.added.base;
  const AssetId quote = market.added.quote;
  accounts_[buyer->account].total[base] += goods - buyer_fee;
  accounts_[buyer->account].total[quote] -= money;
  accounts_[seller->account].total[base] -= goods;
  accounts_[seller->account].total[quote] += money - seller_fee;
  assets_[base.value() - 1].fees += buyer_fee;
  assets_[quote.value() - 1].fees += seller_fee;
  trade->fee = trade->side == Side::kBuy ? buyer_fee : seller_fee;
  trade->maker_fee = trade->side == Side::kBuy ? seller_fee : buyer_fee;
}

}  // namespace quorumbook::exchange
