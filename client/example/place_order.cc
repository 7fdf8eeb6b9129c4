// Adds a symbol, buys some of it, and prints what became of the order.
//
//   place_order [host:port]
#include <cstdio>
#include <random>

#include "quorumbook/client.h"

int main(int argc, char** argv) {
  auto client = quorumbook::Client::Connect({.endpoints = {argc > 1 ? argv[1] : "127.0.0.1:7001"}});
  if (!client.ok()) {
    std::fprintf(stderr, "%s\n", client.status().ToString().c_str());
    return 1;
  }
  quorumbook::v1::AddSymbol symbol;  // prices in steps of 0.01, quantities in steps of 1
  symbol.set_name("EXAMPLE");
  symbol.mutable_tick_size()->set_mantissa(1);
  symbol.mutable_tick_size()->set_exponent(-2);
  symbol.mutable_lot_size()->set_mantissa(1);
  auto added = (*client)->AddSymbol(symbol);
  if (!added.ok()) {
    std::fprintf(stderr, "%s\n", added.status().ToString().c_str());
    return 1;
  }
  auto session = (*client)->OpenSession("EXAMPLE", /*account=*/1);
  if (!session.ok()) {
    std::fprintf(stderr, "%s\n", session.status().ToString().c_str());
    return 1;
  }
  quorumbook::v1::Command command;
  quorumbook::v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol("EXAMPLE");
  order.set_client_order_id((uint64_t{std::random_device()()} << 16) + 1);
  order.set_side(quorumbook::v1::BUY);
  order.set_type(quorumbook::v1::LIMIT);
  order.set_time_in_force(quorumbook::v1::GOOD_TILL_CANCEL);
  order.set_price(10'050);  // ticks: 100.50
  order.set_quantity(10);   // lots
  auto result = (*session)->Execute(command);
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    return 1;
  }
  std::printf("%s", result->DebugString().c_str());
  return 0;
}
