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

#include "common/prefetch.h"
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
    const size_t count = batch.commands.size();
    idle_ = count == 1 || orders.empty();  // nothing to overlap with, or to be fetched
    if (idle_) return;
    targets_.clear();
    targets_.resize(count + 3 * kStep);  // the last ones are no command's
    for (const GroupView& group : batch.groups) {
      if (group.command_count == 0) continue;
      const Session* const session = sessions.Find(group.session);
      const AccountId account = session == nullptr ? AccountId() : session->account;
      for (size_t i = 0; i < group.command_count; ++i) {
        const CommandView& command = batch.commands[group.first_command + i];
        targets_[group.first_command + i].hash =
            OrderIndex::HashOf({account, command.symbol, command.id});
      }
    }
    for (size_t i = 0; i < std::min(3 * kStep, count); ++i) Entry(i);
    for (size_t i = 0; i < std::min(2 * kStep, count); ++i) Order(i);
    for (size_t i = 0; i < std::min(kStep, count); ++i) Neighbors(i);
  }

  // Says that the i-th command of the batch is next. Returns probably the order that it names, or
  // kNullHandle.
  OrderHandle Before(size_t i) {
    if (idle_) return kNullHandle;
    Entry(i + 3 * kStep);
    Order(i + 2 * kStep);
    Neighbors(i + kStep);
    return targets_[i].handle;
  }

 private:
  static constexpr size_t kStep = 6;  // commands: some hundred nanoseconds, which a miss may take

  // Which commands name an order that exists can not be foreseen: so nothing here branches on it.
  struct Target {
    uint32_t hash = 0;
    OrderHandle handle = kNullHandle;
  };

  void Entry(size_t i) const { orders_->PrefetchEntry(targets_[i].hash); }
  void Order(size_t i) { targets_[i].handle = orders_->PrefetchOrder(targets_[i].hash); }
  void Neighbors(size_t i) const { orders_->PrefetchNeighbors(targets_[i].handle); }

  const OrderTable* orders_ = nullptr;
  bool idle_ = true;
  std::vector<Target> targets_;  // of the batch's commands, one after another
};

}  // namespace quorumbook::exchange
