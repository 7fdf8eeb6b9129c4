// Brings what the commands of a batch will use into the cache, some commands ahead of them.
//
// An order that is cancelled was usually added long ago: its entry in the index, itself and its
// neighbours in the queue are three cache misses, each of which needs what the one before brings.
// A batch says which orders come, so that these misses of several commands overlap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exchange/command_codec.h"
#include "exchange/order_index.h"
#include "exchange/order_table.h"
#include "exchange/session_table.h"

namespace quorumbook::exchange {

class Lookahead {
 public:
  // REQUIRES: `orders` outlives the calls of Before() that follow.
  void Start(const BatchView& batch, const SessionTable& sessions, const OrderTable& orders) {
    orders_ = &orders;
    targets_.clear();
    if (batch.keys.size() == 1) return;  // nothing to overlap with
    for (const GroupView& group : batch.groups) {
      if (group.command_count == 0) continue;
      const Session* const session = sessions.Find(group.session);
      const AccountId account = session == nullptr ? AccountId() : session->account;
      for (size_t i = 0; i < group.command_count; ++i) {
        const OrderKey& key = batch.keys[group.first_command + i];
        Target& target = targets_.emplace_back();
        target.hash = OrderIndex::HashOf({account, key.symbol, key.id});
        target.exists = key.exists;
      }
    }
    for (size_t i = 0; i < std::min(3 * kStep, targets_.size()); ++i) Entry(i);
    for (size_t i = 0; i < std::min(2 * kStep, targets_.size()); ++i) Order(i);
    for (size_t i = 0; i < std::min(kStep, targets_.size()); ++i) Neighbors(i);
  }

  // Says that the i-th command of the batch is next.
  void Before(size_t i) {
    if (i + 3 * kStep < targets_.size()) Entry(i + 3 * kStep);
    if (i + 2 * kStep < targets_.size()) Order(i + 2 * kStep);
    if (i + kStep < targets_.size()) Neighbors(i + kStep);
  }

 private:
  static constexpr size_t kStep = 6;  // commands: some hundred nanoseconds, which a miss may take

  // The order that a command names.
  struct Target {
    uint32_t hash = 0;
    OrderHandle handle = kNullHandle;
    bool exists = false;  // probably: the command is not the one that brings it
  };

  void Entry(size_t i) const { orders_->PrefetchEntry(targets_[i].hash); }
  void Order(size_t i) {
    Target& target = targets_[i];
    if (target.exists) target.handle = orders_->PrefetchOrder(target.hash);
  }
  void Neighbors(size_t i) const { orders_->PrefetchNeighbors(targets_[i].handle); }

  const OrderTable* orders_ = nullptr;
  std::vector<Target> targets_;  // of the batch's commands, one after another
};

}  // namespace quorumbook::exchange
