// How the cost of the book grows.
#pragma once

namespace quorumbook::bench {

// Prints tables: nanoseconds of an operation against open orders, price levels, symbols and orders
// swept by one order, with the step from each row to the next; and the memory of an open order.
void PrintCurves();

}  // namespace quorumbook::bench
