// A market that is wrong on purpose: among orders of one price the last comes first. A replay that
// compares fills has to notice.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

class LastInFirstOutMarket {
 public:
  v1::CommandResult Execute(const v1::Command& command);

 private:
  struct Order {
    uint64_t id;
    int64_t quantity;
  };
  struct Place {
    v1::Side side;
    int64_t rank;
  };

  void New(const v1::NewOrder& request, v1::CommandResult* result);
  void Take(uint64_t id, int64_t quantity, v1::CommandResult* result);

  std::map<int64_t, std::vector<Order>> bids_, asks_;  // by rank: lower is better
  std::map<uint64_t, Place> places_;
};

}  // namespace quorumbook::replay
