// What stands behind Exchange: the replicated state, and how groups act on it.
#pragma once

#include <vector>

#include "common/bytes.h"
#include "exchange/command_codec.h"
#include "exchange/exchange.h"
#include "exchange/lookahead.h"
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
  void AnswerRepeat(const Session& session, uint64_t sequence, ApplyResult* result);
  // Executes the i-th command of a group; `named` is what Lookahead says of it.
  void ExecuteNew(Session* session, const GroupView& group, uint32_t i, OrderHandle named,
                  ApplyResult* result);
  // Executes the command that bytes begin with.
  void ExecuteUnusual(const CommandContext& context, std::string_view bytes);
  static void AddCommand(uint64_t sequence, size_t first, bool repeated, ApplyResult* result);
  // Events are hashed, and kept for their session, some commands after they came about: read at
  // once, in larger pieces than they were written in, they would be waited for.
  void HashNew(const ApplyResult& result);
  void Keep(Session* session, const ApplyResult& result);
  void MeasureRoom(const Session& session, const ApplyResult& result);
  // Whether a session may have no room for the results of one more command.
  bool Full(Session* session, const ApplyResult& result);
  // Whether a command's answer asks for orders to be counted first.
  static bool Counts(const GroupView& group, const CommandView& view);
  // Cancels what a session that has ended wanted to be cancelled.
  void Disconnect(const Disconnected& session, ApplyResult* result);
  // Lets the market do what no command asks for.
  template <typename Act>
  void Run(ApplyResult* result, Act&& act);
  void AddToGroupHash(const ApplyResult& result);

  Lookahead lookahead_;
  // Of what is being executed:
  size_t hashed_events_ = 0;  // events of the result that are hashed, or are to be left out
  size_t kept_commands_ = 0;  // commands of the result that their session has
  // The session is not full while it expects a smaller sequence number, and the result has fewer
  // events, than that.
  struct Room {
    uint64_t sequence = 0;
    size_t events = 0;
  } room_;
  std::vector<uint64_t> to_be_hashed_;  // a buffer, of results
};

}  // namespace quorumbook::exchange
