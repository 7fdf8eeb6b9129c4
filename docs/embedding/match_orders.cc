// Reads orders, one a line, and prints what becomes of them:
//
//   buy 100 5      buy 5 lots at 100 ticks or better; what is left rests
//   sell 101 3
//   cancel 1       the first order of the input
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "exchange/order_book.h"

using quorumbook::exchange::BookAdded;
using quorumbook::exchange::BookFill;
using quorumbook::exchange::BookOrderId;
using quorumbook::exchange::OrderBook;
using quorumbook::exchange::OrderBookMemory;
using quorumbook::exchange::Price;
using quorumbook::exchange::Quantity;
using quorumbook::exchange::Reason;
using quorumbook::exchange::Side;

int main() {
  OrderBookMemory memory;  // shared by the books of all symbols; here there is one
  OrderBook book(&memory);
  std::vector<BookOrderId> ids;  // of the orders of the input, first to last; 0: does not rest

  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string what;
    in >> what;
    if (what == "cancel") {
      size_t order = 0;
      const bool known = (in >> order) && order >= 1 && order <= ids.size();
      std::cout << (known && book.Cancel(ids[order - 1]) ? "canceled" : "not in the book") << '\n';
      continue;
    }
    Price price = 0;
    Quantity quantity = 0;
    if ((what != "buy" && what != "sell") || !(in >> price >> quantity)) {
      std::cerr << "expected: buy|sell PRICE QUANTITY, or cancel ORDER; not: " << line << '\n';
      return 1;
    }
    const BookAdded added = book.Add({.side = what == "buy" ? Side::kBuy : Side::kSell,
                                      .price = price,
                                      .quantity = quantity,
                                      .tag = ids.size() + 1},
                                     [](const BookFill& fill) {
                                       std::cout << "traded " << fill.quantity << " at "
                                                 << fill.price << " with order " << fill.maker_tag
                                                 << '\n';
                                     });
    ids.push_back(added.id);
    if (added.reason != Reason::kNone) std::cout << "refused\n";
    if (added.id != 0) std::cout << "order " << ids.size() << " rests with " << added.left << '\n';
  }
  std::cout << "best bid " << book.best_price(Side::kBuy) << ", best ask "
            << book.best_price(Side::kSell) << '\n';
}
