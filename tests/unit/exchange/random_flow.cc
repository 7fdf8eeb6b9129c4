#include "random_flow.h"

#include <string>
#include <variant>

#include "exchange/order_checks.h"

namespace quorumbook::exchange {

Command RandomFlow::Next(Time now) {
  if (shape_.everything) {
    const uint64_t dice = random_.Below(100);
    if (dice < 40) return AnySpecialOrder(now);
    if (dice < 43) return AnyOperatorCommand();
    if (dice < 47) return AnyAccountCommand();
  }
  const uint64_t dice = random_.Below(100);
  if (dice < 1) return NewSymbol();
  if (dice < 58) return RandomOrder();
  if (dice < 70) return CancelOrder{AnySymbol(), Name()};
  if (dice < 78) return ReduceOrder{AnySymbol(), Name(), RandomQuantity()};
  const bool stop = shape_.everything && random_.OneIn(4);  // whose price is 0
  return ReplaceOrder{AnySymbol(), Name(), stop ? 0 : RandomPrice(), RandomQuantity()};
}

Command RandomFlow::NewSymbol() {
  const uint64_t which = random_.Below(shape_.symbols);
  const Decimal tick{.mantissa = random_.OneIn(10) ? 2 : 1, .exponent = -2};
  return AddSymbol{"S" + std::to_string(which), tick, {.mantissa = 1, .exponent = 0}};
}

SymbolId RandomFlow::AnySymbol() {
  return SymbolId(static_cast<uint32_t>(random_.OneIn(200) ? random_.Below(100)
                                                           : 1 + random_.Below(shape_.symbols)));
}

ClientOrderId RandomFlow::Name() {
  return ClientOrderId(random_.OneIn(200) ? 0 : 1 + random_.Below(shape_.names));
}

Quantity RandomFlow::RandomQuantity() {
  if (random_.OneIn(200)) return static_cast<Quantity>(random_.Below(3)) - 1;
  if (random_.OneIn(200)) return kMaxQuantity + static_cast<Quantity>(random_.Below(2));
  return 1 + static_cast<Quantity>(random_.Below(20));
}

Price RandomFlow::RandomPrice() {
  if (random_.OneIn(200)) return static_cast<Price>(random_.Below(2));
  if (random_.OneIn(200)) return kMaxPrice + static_cast<Price>(random_.Below(2));
  if (shape_.sparse) {
    Price scale = 1;
    for (uint64_t decade = random_.Below(10); decade > 0; --decade) scale *= 10;
    return scale * static_cast<Price>(1 + random_.Below(100));
  }
  return 1000 + static_cast<Price>(random_.Below(static_cast<uint64_t>(shape_.price_range)));
}

Command RandomFlow::RandomOrder() {
  NewOrder order;
  order.symbol = AnySymbol();
  order.client_order_id = Name();
  order.side = random_.OneIn(2) ? Side::kBuy : Side::kSell;
  order.quantity = RandomQuantity();
  order.time_in_force = TimeInForce::kGoodTillCancel;
  if (random_.OneIn(5)) order.time_in_force = TimeInForce::kImmediateOrCancel;
  if (random_.OneIn(5)) order.time_in_force = TimeInForce::kFillOrKill;
  order.type = random_.OneIn(12) ? OrderType::kMarket : OrderType::kLimit;
  const bool priced = order.type == OrderType::kLimit || random_.OneIn(20);
  order.price = priced ? RandomPrice() : 0;
  if (shape_.everything && random_.OneIn(500)) {  // their product is above all bounds
    order.quantity = kMaxQuantity;
    order.price = order.type == OrderType::kLimit ? kMaxPrice : 0;
  }
  if (shape_.everything) {
    if (random_.OneIn(3)) order.self_trade = static_cast<SelfTrade>(random_.Below(5));
    if (random_.OneIn(4)) order.time_in_force = TimeInForce::kDay;
    order.post_only = random_.OneIn(20);
  }
  return order;
}

std::vector<Command> RandomFlow::Setup() {
  std::vector<Command> commands = {AddAsset{"GOODS", -2}, AddAsset{"MONEY", -4}};
  for (uint64_t account = 1; account <= 4; ++account) {
    commands.emplace_back(Deposit{AccountId(account), AssetId(1), 100'000});
    commands.emplace_back(Deposit{AccountId(account), AssetId(2), 1'000'000'000});
  }
  const Decimal tick{.mantissa = 1, .exponent = -2};
  const Decimal lot{.mantissa = 1, .exponent = 0};
  commands.emplace_back(AddSymbol{"S0",
                                  tick,
                                  lot,
                                  AssetId(1),
                                  AssetId(2),
                                  {.protection = 3, .maker_fee_bp = 7, .taker_fee_bp = 23}});
  commands.emplace_back(
      AddSymbol{"S1", tick, lot, AssetId(1), AssetId(2), {}, Phase::kOpeningAuction});
  commands.emplace_back(AddSymbol{"S2", tick, lot});
  return commands;
}

Command RandomFlow::AnySpecialOrder(Time now) {
  SpecialOrder special;
  NewOrder& order = special.order;
  OrderTerms& terms = special.terms;
  order = std::get<NewOrder>(RandomOrder());
  order.time_in_force = random_.OneIn(4) ? TimeInForce::kDay : TimeInForce::kGoodTillCancel;
  order.type = OrderType::kLimit;
  if (order.price == 0) order.price = RandomPrice();
  switch (random_.Below(8)) {
    case 0:
      terms.display = 1 + static_cast<Quantity>(random_.Below(6));
      break;
    case 1:
      order.type = OrderType::kStop;
      terms.stop_price = RandomPrice();
      terms.protection = static_cast<Price>(random_.Below(5));
      order.price = 0;
      break;
    case 2:
      order.type = OrderType::kStopLimit;
      terms.stop_price = RandomPrice();
      if (random_.OneIn(3)) terms.display = 2;
      break;
    case 3:
      order.type = OrderType::kTrailingStop;
      terms.trail = 1 + static_cast<Price>(random_.Below(6));
      terms.protection = static_cast<Price>(random_.Below(5));
      order.price = 0;
      break;
    case 4:
      terms.minimum = 1 + static_cast<Quantity>(random_.Below(12));
      if (random_.OneIn(2)) order.time_in_force = TimeInForce::kImmediateOrCancel;
      if (random_.OneIn(6)) order.time_in_force = TimeInForce::kFillOrKill;
      break;
    case 5:
      terms.all_or_none = true;
      break;
    case 6:
      order.type = OrderType::kMarket;
      order.time_in_force =
          random_.OneIn(4) ? TimeInForce::kFillOrKill : TimeInForce::kImmediateOrCancel;
      order.price = 0;
      terms.protection = static_cast<Price>(random_.Below(5));
      break;
    default:
      order.time_in_force = TimeInForce::kGoodTillTime;
      if (random_.OneIn(3)) terms.display = 3;
      break;
  }
  if (Rests(order.time_in_force) && random_.OneIn(4)) {
    order.time_in_force = TimeInForce::kGoodTillTime;
  }
  if (order.time_in_force == TimeInForce::kGoodTillTime) {
    terms.expires = now + static_cast<Time>(random_.Below(60)) * shape_.tick;
  }
  if (random_.OneIn(40)) terms.minimum = static_cast<Quantity>(random_.Below(9)) - 1;
  if (random_.OneIn(40)) terms.stop_price = RandomPrice();
  if (random_.OneIn(40)) order.post_only = true;
  return special;
}

SymbolRules RandomFlow::AnyRules() {
  SymbolRules rules;
  rules.protection = static_cast<Price>(random_.Below(6)) - (random_.OneIn(30) ? 1 : 0);
  if (random_.OneIn(3)) rules.static_band_bp = static_cast<uint32_t>(30 + random_.Below(100));
  if (random_.OneIn(3)) rules.dynamic_band_bp = static_cast<uint32_t>(20 + random_.Below(60));
  if (random_.OneIn(4)) rules.min_quantity = static_cast<Quantity>(random_.Below(4));
  if (random_.OneIn(4)) rules.max_quantity = static_cast<Quantity>(10 + random_.Below(15));
  rules.maker_fee_bp = static_cast<uint32_t>(random_.Below(30));
  rules.taker_fee_bp = static_cast<uint32_t>(random_.Below(60));
  return rules;
}

Command RandomFlow::AnyOperatorCommand() {
  const SymbolId symbol = AnySymbol();
  switch (random_.Below(10)) {
    case 0:
      return SetSymbolRules{symbol, AnyRules()};
    case 1:
      return MassCancel{AccountId(random_.Below(5)), random_.OneIn(2) ? symbol : SymbolId(),
                        Side{}};
    case 2:
      return MassCancel{AccountId(), symbol, random_.OneIn(2) ? Side::kBuy : Side::kSell};
    case 3:
      if (random_.OneIn(shape_.delist_odds)) return DelistSymbol{symbol};
      return SetPhase{symbol, Phase::kContinuous, 0};
    case 4:
    case 5:
    case 6:
    case 7:
      return SetPhase{symbol, static_cast<Phase>(1 + random_.Below(6)),
                      random_.OneIn(3) ? RandomPrice() : 0};
    default:
      return SetPhase{symbol, Phase::kContinuous, random_.OneIn(3) ? RandomPrice() : 0};
  }
}

Command RandomFlow::AnyAccountCommand() {
  const AccountId account(random_.OneIn(30) ? random_.Below(8) : 1 + random_.Below(4));
  const AssetId asset(1 + static_cast<uint32_t>(random_.OneIn(30) ? 2 : random_.Below(2)));
  const auto amount = static_cast<Amount>(random_.Below(asset == AssetId(1) ? 20'000 : 20'000'000));
  switch (random_.Below(8)) {
    case 0:
      return AddAsset{random_.OneIn(2) ? "GOODS" : "MORE", static_cast<int8_t>(-2)};
    case 1:
    case 2:
      return Deposit{account, asset, amount};
    case 3:
      return Withdraw{random_.OneIn(5) ? AccountId() : account, asset, amount};
    case 4:
      return SetAccountLimits{
          account,
          {.max_order_quantity = static_cast<Quantity>(random_.OneIn(2) ? 0 : 15),
           .max_notional = random_.OneIn(2) ? 0 : 1'500'000,
           .max_open_orders = random_.OneIn(2) ? 0 : 1 + random_.Below(20)}};
    case 5:
      return SetPositionLimit{account, asset, random_.OneIn(2) ? 0 : 100'000};
    default:
      return SetKillSwitch{account, random_.OneIn(3)};
  }
}

}  // namespace quorumbook::exchange
