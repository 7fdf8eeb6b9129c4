// Icebergs: orders that show a part of themselves at a time. A level counts them whole; what they
// hide is kept beside it, for those who look at the book.
#include <algorithm>

#include "common/check.h"
#include "exchange/market.h"

namespace quorumbook::exchange {

void Market::CountHidden(Symbol& symbol, OrderHandle handle) {
  const Order& order = memory_.orders[handle];
  const Quantity amount = order.leaves() - terms_[handle].displayed;
  if (amount > 0) symbol.hidden(order.side)[symbol.side(order.side).KeyOf(order.price)] += amount;
  if (++symbol.icebergs == 1) symbol.Refresh();
}

void Market::UncountHidden(Symbol& symbol, OrderHandle handle) {
  const Order& order = memory_.orders[handle];
  const Quantity amount = order.leaves() - terms_[handle].displayed;
  if (--symbol.icebergs == 0) symbol.Refresh();
  if (amount == 0) return;
  Symbol::HiddenQuantities& hidden = symbol.hidden(order.side);
  const auto it = hidden.find(symbol.side(order.side).KeyOf(order.price));
  QB_CHECK(it != hidden.end());
  it->second -= amount;
  if (it->second == 0) hidden.erase(it);
}

void Market::ShowSlice(Symbol& symbol, OrderHandle handle) {
  const Order& order = memory_.orders[handle];
  SpecialTerms& special = terms_[handle];
  special.displayed = std::min(special.terms.display, order.leaves());
  CountHidden(symbol, handle);
  EmitOrder(EventType::kOrderDisplayed, order, special.displayed);
}

}  // namespace quorumbook::exchange
