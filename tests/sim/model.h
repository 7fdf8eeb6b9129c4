// What a shard must do, said as simply as possible and apart from the code under test: sessions,
// and the kinds of orders that simulated clients send. Executes what was committed, in the order
// of the log.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exchange/command.h"
#include "exchange/event.h"

namespace quorumbook::sim {

class Model {
 public:
  // Executes one batch and compares with what a replica made of it. Empty: equal.
  std::optional<std::string> Execute(const exchange::Batch& batch,
                                     const exchange::ApplyResult& result);

  // Of the last event.
  uint64_t last_sequence() const { return last_sequence_; }

 private:
  struct Session {
    exchange::AccountId account;
    uint64_t next = 1;
    uint64_t acknowledged = 0;
    std::map<uint64_t, std::vector<exchange::Event>> results;
  };
  struct Order {
    exchange::OrderId id;
    exchange::AccountId account;
    exchange::SymbolId symbol;
    exchange::ClientOrderId client_order_id;
    exchange::Side side = exchange::Side::kBuy;
    exchange::Price price = 0;
    exchange::Quantity quantity = 0;
    exchange::Quantity executed = 0;
    bool finished = false;

    exchange::Quantity leaves() const { return finished ? 0 : quantity - executed; }
  };
  using Level = std::list<Order*>;
  struct Market {
    std::map<exchange::Price, Level> bids;  // best last
    std::map<exchange::Price, Level> asks;  // best first
    uint64_t trades = 0;
  };
  using Name = std::pair<uint64_t, uint64_t>;  // symbol and account, client order id

  struct Outcome {
    exchange::GroupResult group;
    std::vector<exchange::CommandResult> commands;
    std::vector<exchange::Event> events;
  };
  void Run(const exchange::OpenSession& group, Outcome* outcome);
  void Run(const exchange::CloseSession& group, Outcome* outcome);
  void Run(const exchange::SessionCommands& group, Outcome* outcome);

  void Run(const exchange::AddSymbol& command);
  void Run(const exchange::NewOrder& command);
  void Run(const exchange::CancelOrder& command);
  void Run(const exchange::ReduceOrder& command);

  void Match(Market* market, Order* taker);
  void Leave(const Order& order);
  void Cancel(Order* order, exchange::Reason reason);
  // The open order that a command names, or nullptr after having refused it.
  Order* Open(exchange::SymbolId symbol, exchange::ClientOrderId id, exchange::Quantity quantity);
  exchange::Event& Emit(exchange::EventType type);
  exchange::Event& EmitOrder(exchange::EventType type, const Order& order,
                             exchange::Quantity quantity);

  std::map<uint64_t, Session> sessions_;
  uint64_t last_session_ = 0;
  std::vector<std::string> symbols_;  // id 1 first
  std::vector<Market> markets_;
  absl::flat_hash_map<Name, Order*> by_name_;
  std::list<Order> orders_;
  uint64_t last_order_id_ = 0;
  uint64_t last_sequence_ = 0;
  // Of the command being executed.
  exchange::AccountId account_;
  exchange::CommandKind kind_ = exchange::CommandKind::kNewOrder;
  std::vector<exchange::Event> events_;
};

}  // namespace quorumbook::sim
