#include "script_reader.h"

#include <limits>
#include <utility>

namespace quorumbook::exchange {

uint8_t ScriptReader::Byte() {
  if (rest_.empty()) return 0;
  const auto byte = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return byte;
}

int64_t ScriptReader::Number(int64_t usual) {
  constexpr int64_t kEdges[] = {0,
                                -1,
                                kMaxQuantity,
                                kMaxQuantity + 1,
                                kMaxPrice,
                                kMaxPrice + 1,
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min()};
  const uint8_t byte = Byte();
  return byte < 248 ? usual : kEdges[byte - 248];
}

Batch ScriptReader::Setup() {
  Batch batch{.time = time_, .groups = {}};
  for (uint64_t i = 1; i <= kAccounts; ++i) {
    batch.groups.emplace_back(OpenSession{AccountId(i), /*cancel_on_disconnect=*/i == kAccounts});
  }
  SessionCommands setup{SessionId(1), 1, 0, {AddAsset{"GOODS", -2}, AddAsset{"MONEY", -4}}};
  for (uint64_t i = 1; i <= kAccounts; ++i) {
    setup.commands.emplace_back(Deposit{AccountId(i), AssetId(1), 100'000});
    setup.commands.emplace_back(Deposit{AccountId(i), AssetId(2), 1'000'000'000});
  }
  const AssetId goods(1), money(2);
  setup.commands.emplace_back(AddSymbol{"BARE", {1, -2}, {1, 0}});
  setup.commands.emplace_back(AddSymbol{"FUNDED", {1, -2}, {1, 0}, goods, money});
  setup.commands.emplace_back(AddSymbol{"RULED",
                                        {1, -2},
                                        {1, 0},
                                        goods,
                                        money,
                                        {.protection = 5, .maker_fee_bp = 10, .taker_fee_bp = 20},
                                        Phase::kPreOpen});
  next_[1] += setup.commands.size();
  batch.groups.emplace_back(std::move(setup));
  return batch;
}

Batch ScriptReader::Next() {
  constexpr Time kSteps[] = {0, 1, 10, 60'000'000'000};
  time_ += kSteps[Below(4)];
  Batch batch{.time = time_, .groups = {}};
  const uint8_t shape = Byte();
  if (shape >= 252) {
    const SessionId session(Below(kAccounts + 2));
    if (shape == 255) {
      batch.groups.emplace_back(CloseSession{session});
    } else {
      batch.groups.emplace_back(SessionLost{session});
    }
    return batch;
  }
  const uint64_t who = 1 + shape % kAccounts;
  SessionCommands group{SessionId(who), next_[who], 0, {}};
  if ((shape & 64) != 0) group.acknowledged = group.first_sequence - 1;
  for (uint64_t commands = 1 + Below(6); commands > 0; --commands) {
    group.commands.push_back(AnyCommand());
  }
  next_[who] += group.commands.size();
  if ((shape & 128) != 0) batch.groups.emplace_back(group);  // sent twice
  batch.groups.emplace_back(std::move(group));
  return batch;
}

NewOrder ScriptReader::AnyOrder() {
  NewOrder order;
  order.symbol = AnySymbol();
  order.client_order_id = AnyName();
  const uint8_t bits = Byte();
  order.side = (bits & 1) != 0 ? Side::kSell : Side::kBuy;
  order.post_only = (bits & 14) == 14;
  order.self_trade = static_cast<SelfTrade>((bits >> 4) % 5);
  const uint8_t kind = Byte();
  order.type = kind < 200 ? OrderType::kLimit : static_cast<OrderType>(1 + kind % 5);
  order.time_in_force = static_cast<TimeInForce>(1 + Below(5));
  order.quantity = AnyQuantity();
  const bool priced = order.type == OrderType::kLimit || order.type == OrderType::kStopLimit;
  order.price = priced || bits == 0 ? AnyPrice() : 0;
  return order;
}

OrderTerms ScriptReader::AnyTerms() {
  OrderTerms terms;
  const uint8_t bits = Byte();
  if ((bits & 1) != 0) terms.stop_price = AnyPrice();
  if ((bits & 2) != 0) terms.trail = Number(static_cast<int64_t>(Below(8)));
  if ((bits & 4) != 0) terms.display = AnyQuantity();
  if ((bits & 8) != 0) terms.minimum = AnyQuantity();
  if ((bits & 16) != 0) terms.protection = Number(static_cast<int64_t>(Below(8)));
  if ((bits & 32) != 0) terms.expires = Number(time_ + static_cast<int64_t>(Below(40)));
  terms.all_or_none = (bits & 192) == 192;
  return terms;
}

SymbolRules ScriptReader::AnyRules() {
  SymbolRules rules;
  if (Flag()) rules.min_quantity = Number(static_cast<int64_t>(Below(4)));
  if (Flag()) rules.max_quantity = Number(static_cast<int64_t>(Below(64)));
  if (Flag()) rules.static_band_bp = static_cast<uint32_t>(Below(128)) * 100;
  if (Flag()) rules.dynamic_band_bp = static_cast<uint32_t>(Below(128)) * 100;
  if (Flag()) rules.protection = Number(static_cast<int64_t>(Below(16)));
  if (Flag()) rules.maker_fee_bp = static_cast<uint32_t>(Below(128)) * 100;
  if (Flag()) rules.taker_fee_bp = static_cast<uint32_t>(Below(128)) * 100;
  return rules;
}

Command ScriptReader::AnyCommand() {
  const uint8_t kind = Byte();
  if (kind < 90) return AnyOrder();
  if (kind < 160) {
    const NewOrder order = AnyOrder();
    return SpecialOrder{order, AnyTerms()};
  }
  const SymbolId symbol = AnySymbol();
  if (kind < 185) return CancelOrder{symbol, AnyName()};
  if (kind < 200) {
    const ClientOrderId name = AnyName();
    return ReduceOrder{symbol, name, AnyQuantity()};
  }
  if (kind < 225) {
    const ClientOrderId name = AnyName();
    const Price price = AnyPrice();
    return ReplaceOrder{symbol, name, price, AnyQuantity()};
  }
  return kind < 244 ? AnyOperatorCommand() : AnyAccountCommand();
}

Command ScriptReader::AnyOperatorCommand() {
  const SymbolId symbol = AnySymbol();
  switch (Below(8)) {
    case 0: {
      const AccountId account = AnyAccount();
      return MassCancel{account, symbol, static_cast<Side>(Below(3))};
    }
    case 1:
      return SetSymbolRules{symbol, AnyRules()};
    case 2:
      return Byte() == 255 ? Command(DelistSymbol{symbol}) : AddSymbol{"MORE", {1, -2}, {1, 0}};
    default: {
      const auto phase = static_cast<Phase>(1 + Below(6));
      return SetPhase{symbol, phase, Flag() ? AnyPrice() : 0};
    }
  }
}

Command ScriptReader::AnyAccountCommand() {
  const AccountId account = AnyAccount();
  const AssetId asset(static_cast<uint32_t>(Below(4)));
  switch (Below(6)) {
    case 0:
      return AddAsset{"OTHER", static_cast<int8_t>(-static_cast<int>(Below(20)))};
    case 1:
      return Deposit{account, asset, Number(static_cast<int64_t>(Below(100)))};
    case 2:
      return Withdraw{account, asset, Number(static_cast<int64_t>(Below(100)) * 1'000)};
    case 3: {
      AccountLimits limits;
      if (Flag()) limits.max_order_quantity = AnyQuantity();
      if (Flag()) limits.max_notional = Number(static_cast<int64_t>(Below(200)) * 100'000);
      if (Flag()) limits.max_open_orders = Below(16);
      return SetAccountLimits{account, limits};
    }
    case 4:
      return SetPositionLimit{account, asset, Number(static_cast<int64_t>(Below(200)) * 1'000)};
    default:
      return SetKillSwitch{account, Flag()};
  }
}

}  // namespace quorumbook::exchange
