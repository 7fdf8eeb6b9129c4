// What stands behind Exchange: the replicated state, and how groups act on it.
#pragma once

#include <string>
#include <vector>

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
  uint64_t group_hash = 0;  // over the times of all batches and what became of their groups
  Market market;
  SessionTable sessions;
};

class Exchange::State {
 public:
  void Execute(Time time, ApplyResult* result);

  ReplicatedState replicated;
  BatchView batch;  // a buffer, of what Execute executes

 private:
  void Execute(const GroupView& group, ApplyResult* result);
  void ExecuteCommands(const GroupView& group, ApplyResult* result, GroupResult* outcome);
  // The status of a group that names `session` before its commands are looked at.
  static SessionStatus CheckSequence(const GroupView& group, const Session& session);
  // Brings the orders of the next commands, `left` at most, into the cache.
  void Prefetch(const Session& session, ByteReader ahead, uint32_t left) const;
  void ExecuteNew(Session* session, ByteReader* reader, ApplyResult* result);
  // Cancels the orders of a session's account if the session wants that when it ends.
  void Disconnect(const Session& session, ApplyResult* result);
  // Lets the market do what no command asks for.
  template <typename Act>
  void Run(ApplyResult* result, Act&& act);
  void AddToGroupHash(const ApplyResult& result);

  std::string encoded_;                 // a buffer, of events
  std::vector<uint64_t> to_be_hashed_;  // likewise, of results
};

}  // namespace quorumbook::exchange
