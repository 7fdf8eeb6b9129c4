// A shard of the exchange in a program of its own: adds a symbol, trades, and prints the events,
// the book and the digest that any other program which applies the same batches has as well.
#include <iostream>
#include <string>

#include "exchange/exchange.h"

using quorumbook::exchange::AccountId;
using quorumbook::exchange::AddSymbol;
using quorumbook::exchange::ApplyResult;
using quorumbook::exchange::ClientOrderId;
using quorumbook::exchange::Event;
using quorumbook::exchange::EventType;
using quorumbook::exchange::Exchange;
using quorumbook::exchange::LevelInfo;
using quorumbook::exchange::NewOrder;
using quorumbook::exchange::OpenSession;
using quorumbook::exchange::Price;
using quorumbook::exchange::Quantity;
using quorumbook::exchange::SessionCommands;
using quorumbook::exchange::SessionId;
using quorumbook::exchange::Side;
using quorumbook::exchange::SymbolId;

namespace {

constexpr SymbolId kSymbol(1);

NewOrder Limit(uint64_t id, Side side, Price price, Quantity quantity) {
  return {.symbol = kSymbol,
          .client_order_id = ClientOrderId(id),
          .side = side,
          .price = price,
          .quantity = quantity};
}

void Print(const ApplyResult& result) {
  for (const Event& event : result.events) {
    std::cout << event.sequence << ": ";
    switch (event.type) {
      case EventType::kSymbolAdded:
        std::cout << "symbol " << event.symbol.value() << " added\n";
        break;
      case EventType::kOrderAccepted:
        std::cout << "order " << event.order_id.value() << " accepted\n";
        break;
      case EventType::kTrade:
        std::cout << event.quantity << " traded at " << event.price << '\n';
        break;
      default:
        std::cout << "event of type " << static_cast<int>(event.type) << '\n';
    }
  }
}

}  // namespace

int main() {
  Exchange exchange;
  ApplyResult result;
  exchange.Apply({.time = 1, .groups = {OpenSession{.account = AccountId(1)}}}, &result);
  const SessionId session = result.groups[0].session;

  SessionCommands commands{session, /*first_sequence=*/1, /*acknowledged=*/0, {}};
  commands.commands = {
      AddSymbol{.name = "BTC-EUR", .tick_size = {1, -2}, .lot_size = {1, -8}},
      Limit(1, Side::kSell, 100, 5),
      Limit(2, Side::kBuy, 101, 3),
  };
  exchange.Apply({.time = 2, .groups = {commands}}, &result);
  Print(result);

  // A retry changes nothing and is answered with the same events.
  const quorumbook::Digest before = exchange.MarketDigest();
  exchange.Apply({.time = 3, .groups = {commands}}, &result);
  std::cout << (result.commands[2].repeated && exchange.MarketDigest() == before
                    ? "the retry changed nothing\n"
                    : "the retry was executed\n");

  const absl::StatusOr<Exchange> restored = Exchange::Restore(exchange.Snapshot());
  if (!restored.ok()) {
    std::cerr << restored.status() << '\n';
    return 1;
  }
  for (const LevelInfo& ask : restored->GetDepth(kSymbol, 10).asks) {
    std::cout << ask.quantity << " offered at " << ask.price << '\n';
  }
}
