// Balances behind orders: what is held while an order is open, and what a trade moves.
//
// A buyer holds price * quantity of the quote asset, a seller the quantity of the base asset. It
// is all linear in the quantity, so that holds never leave a rest.
#include <algorithm>

#include "common/check.h"
#include "exchange/market.h"

namespace quorumbook::exchange {
namespace {

Uint128 Product(Quantity quantity, Amount scale) {
  return Uint128{static_cast<uint64_t>(quantity)} * static_cast<uint64_t>(scale);
}

Uint128 Notional(const Symbol& symbol, Price price, Quantity quantity) {
  return Product(quantity, symbol.scale.quote) * static_cast<uint64_t>(price);
}

}  // namespace

Reason Market::CheckFunds(const Symbol& symbol, const Account& account, const NewOrder& order,
                          const Order* replaced) const {
  const Quantity executed = replaced == nullptr ? 0 : replaced->executed;
  const Quantity open = order.quantity - executed;
  const AccountLimits& limits = account.limits;
  if (limits.max_order_quantity != 0 && order.quantity > limits.max_order_quantity) {
    return Reason::kOrderQuantityLimit;
  }
  const Uint128 notional = Notional(symbol, order.price, order.quantity);
  const Uint128 bought = Product(order.quantity, symbol.scale.base);
  if (notional > kMaxAmount || bought > kMaxAmount) return Reason::kNotionalTooLarge;
  if (limits.max_notional != 0 && notional > static_cast<Uint128>(limits.max_notional)) {
    return Reason::kNotionalLimit;
  }
  if (replaced == nullptr && limits.max_open_orders != 0 &&
      account.open_orders >= limits.max_open_orders) {
    return Reason::kOpenOrderLimit;
  }
  const bool buys = order.side == Side::kBuy;
  const Quantity had = replaced == nullptr ? 0 : replaced->leaves();
  const Balance* const base = account.Find(symbol.info.base);
  if (buys && base != nullptr && base->position_limit != 0) {
    const Uint128 position = static_cast<Uint128>(base->free) + static_cast<Uint128>(base->held) +
                             base->incoming - Product(had, symbol.scale.base);
    if (position + Product(open, symbol.scale.base) > static_cast<Uint128>(base->position_limit)) {
      return Reason::kPositionLimit;
    }
  }
  const Balance* const paid = buys ? account.Find(symbol.info.quote) : base;
  Uint128 available = paid == nullptr ? 0 : static_cast<Uint128>(paid->free);
  if (replaced != nullptr) available += static_cast<Uint128>(HoldOf(symbol, *replaced, had));
  const Uint128 needed =
      buys ? Notional(symbol, order.price, open) : Product(open, symbol.scale.base);
  return needed > available ? Reason::kInsufficientBalance : Reason::kNone;
}

Amount Market::HoldOf(const Symbol& symbol, const Order& order, Quantity quantity) {
  return static_cast<Amount>(order.side == Side::kBuy ? Notional(symbol, order.price, quantity)
                                                      : Product(quantity, symbol.scale.base));
}

void Market::Hold(const Symbol& symbol, OrderHandle handle, Quantity quantity) {
  const Order& order = memory_.orders[handle];
  Account& account = accounts_.OwnerOf(handle);
  const bool buys = order.side == Side::kBuy;
  const Amount amount = HoldOf(symbol, order, quantity);
  if (buys) account.FindOrAdd(symbol.info.base).incoming += Product(quantity, symbol.scale.base);
  Balance& paid = account.FindOrAdd(buys ? symbol.info.quote : symbol.info.base);
  QB_CHECK(amount <= paid.free);
  paid.free -= amount;
  paid.held += amount;
}

void Market::Release(const Symbol& symbol, OrderHandle handle, Quantity quantity) {
  const Order& order = memory_.orders[handle];
  Account& account = accounts_.OwnerOf(handle);
  const bool buys = order.side == Side::kBuy;
  const Amount amount = HoldOf(symbol, order, quantity);
  if (buys) account.Find(symbol.info.base)->incoming -= Product(quantity, symbol.scale.base);
  Balance& paid = *account.Find(buys ? symbol.info.quote : symbol.info.base);
  QB_CHECK(amount <= paid.held);
  paid.held -= amount;
  paid.free += amount;
}

void Market::SetPrice(const Symbol& symbol, OrderHandle handle, Price price) {
  Order& order = memory_.orders[handle];
  const bool funded = (order.flags & kFundedFlag) != 0;
  if (funded) Release(symbol, handle, order.leaves());
  order.price = price;
  if (funded) Hold(symbol, handle, order.leaves());
}

Market::Fees Market::SettleTrade(const Symbol& symbol, OrderHandle buyer, OrderHandle seller,
                                 const Execution& execution) {
  const SymbolInfo& info = symbol.info;
  const Quantity quantity = execution.quantity;
  const auto goods = static_cast<Amount>(Product(quantity, symbol.scale.base));
  const auto money = static_cast<Amount>(Notional(symbol, execution.price, quantity));
  const Fees fees{.buyer = FeeOf(goods, execution.buyer_fee_bp),
                  .seller = FeeOf(money, execution.seller_fee_bp)};

  // What the buyer held at the order's price and does not pay is free again.
  Release(symbol, buyer, quantity);
  Account& payer = accounts_.OwnerOf(buyer);
  Balance& paid = *payer.Find(info.quote);
  QB_CHECK(money <= paid.free);
  paid.free -= money;
  payer.Find(info.base)->free += goods - fees.buyer;

  Release(symbol, seller, quantity);
  Account& deliverer = accounts_.OwnerOf(seller);
  Balance& delivered = *deliverer.Find(info.base);
  QB_CHECK(goods <= delivered.free);
  delivered.free -= goods;
  deliverer.FindOrAdd(info.quote).free += money - fees.seller;

  accounts_.assets().Find(info.base)->fees += fees.buyer;
  accounts_.assets().Find(info.quote)->fees += fees.seller;
  return fees;
}

}  // namespace quorumbook::exchange
