#include "random_flow.h"

#include <string>

namespace quorumbook::exchange {

Command RandomFlow::Next() {
  const uint64_t dice = random_.Below(100);
  if (dice < 1) return NewSymbol();
  if (dice < 60) return RandomOrder();
  if (dice < 75) return CancelOrder{AnySymbol(), Name()};
  if (dice < 85) return ReduceOrder{AnySymbol(), Name(), RandomQuantity()};
  return ReplaceOrder{AnySymbol(), Name(), RandomPrice(), RandomQuantity()};
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
  return order;
}

}  // namespace quorumbook::exchange
