// What stands behind Exchange: the replicated state, and how groups act on it.
#pragma once

#include "common/bytes.h"
#include "exchange/command_codec.h"
#include "exchange/exchange.h"
#include "exchange/market.h"
#include "exchange/session_table.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// All that the replicas of a shard agree on.
struct ReplicatedState {
  Time time = 0;
  Market market;
  SessionTable sessions;
};

class Exchange::State {
 public:
  void Execute(const GroupView& group, ApplyResult* result);

  ReplicatedState replicated;
  BatchView batch;  // a buffer

 private:
  void ExecuteCommands(const GroupView& group, ApplyResult* result, GroupResult* outcome);
  // The status of a group that names `session` before its commands are looked at.
  static SessionStatus CheckSequence(const GroupView& group, const Session& session);
  // Brings the orders of the next commands, `left` at most, into the cache.
  void Prefetch(const Session& session, ByteReader ahead, uint32_t left) const;
  void ExecuteNew(Session* session, ByteReader* reader, ApplyResult* result);
};

}  // namespace quorumbook::exchange
