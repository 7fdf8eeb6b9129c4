// A market made by chance, recorded the way LOBSTER records: the messages that change the best K
// levels, with the book after each.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "client/replay/shadow_book.h"
#include "tests/unit/client/replay/exchange_market.h"
#include "tests/unit/client/replay/written_recording.h"

namespace quorumbook::replay {

// The orders trade on the real state machine, which decides who fills whom.
class MadeMarket {
 public:
  MadeMarket(uint64_t seed, size_t levels) : random_(seed), levels_(levels), recording_(levels) {}

  // Trades `unseen` steps before the recording begins and `recorded` steps after.
  void Run(int unseen, int recorded);

  const WrittenRecording& recording() const { return recording_; }
  uint64_t visible_messages() const { return visible_messages_; }

 private:
  struct Order {
    uint64_t id;
    v1::Side side;
    int64_t price;
    int64_t quantity;
  };

  uint64_t Draw(uint64_t below) { return random_() % below; }
  void Step();
  void AddOrder();
  void CancelOrder();
  void SweepBook();
  // Applies a change to the book and records the message if either book shows it.
  void Record(int type, const Order& order, int64_t quantity, int64_t change);
  std::vector<BookLevel> Best(v1::Side side) const;

  std::mt19937_64 random_;
  const size_t levels_;
  WrittenRecording recording_;
  ExchangeMarket market_;
  std::vector<Order> open_;
  std::map<int64_t, int64_t> bids_, asks_;  // rank to quantity
  uint64_t next_id_ = 1;
  uint64_t time_ = 0;
  bool recording_on_ = false;
  uint64_t visible_messages_ = 0;
};

}  // namespace quorumbook::replay
