// The open sessions of a shard: what makes a retry harmless (Raft thesis, section 6.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "exchange/order_index.h"
#include "exchange/result_window.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

struct Session {
  SessionId id;
  AccountId account;
  bool cancel_on_disconnect = false;
  uint64_t next_sequence = 1;
  ResultWindow results;  // of the commands acknowledged() + 1 to next_sequence - 1
  uint32_t older = kNullHandle;
  uint32_t newer = kNullHandle;

  uint64_t acknowledged() const { return next_sequence - 1 - results.size(); }
};

// At most kMaxSessions, with at most `max_result_bytes` of results among them: what goes beyond
// evicts the least recently used; whose orders are to go with it is told by TakeDisconnected().
// Results are added and forgotten through the table alone.
class SessionTable {
 public:
  explicit SessionTable(uint64_t max_result_bytes = kMaxResultBytes)
      : max_result_bytes_(max_result_bytes) {}
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // A session with an id never given before, the most recently used one.
  Session& Open(AccountId account, bool cancel_on_disconnect = false);
  // False when there is none.
  bool Close(SessionId id);
  // nullptr when there is none. Does not count as a use.
  const Session* Find(SessionId id) const;
  // Makes the session the most recently used one; nullptr when there is none.
  Session* Use(SessionId id);

  // Keeps the results of some more commands of the most recently used session, each with its range
  // of `events`. REQUIRES: !session->results.full() before the last of them.
  void Append(Session* session, std::span<const CommandResult> commands,
              std::span<const Event> events) {
    const size_t before = session->results.bytes();
    session->results.Append(commands, events);
    result_bytes_ += session->results.bytes() - before;
    while (result_bytes_ > max_result_bytes_ && oldest_ != newest_) EvictOldest();
  }
  // Forgets results up to `sequence`, or up to the last command executed if that is less.
  void Acknowledge(Session* session, uint64_t sequence);
  // The accounts of the cancel_on_disconnect sessions evicted since the last call, in that order.
  std::vector<AccountId> TakeDisconnected() { return std::exchange(disconnected_, {}); }

  size_t size() const { return by_id_.size(); }
  uint64_t result_bytes() const { return result_bytes_; }
  uint64_t last_id() const { return last_id_; }
  // Least recently used first.
  template <typename Visitor>
  void ForEach(Visitor&& visit) const {
    for (uint32_t at = oldest_; at != kNullHandle; at = sessions_[at].newer) visit(sessions_[at]);
  }

  // For a table filled from a snapshot, least recently used first: adds one as the most recently
  // used; nullptr when its id is taken or above last_id().
  Session* Restore(SessionId id, AccountId account, bool cancel_on_disconnect,
                   uint64_t next_sequence);
  // Adds a result to a session just restored. False when it exceeds a bound.
  bool RestoreResult(Session* session, std::string_view events);
  void set_last_id(uint64_t id) { last_id_ = id; }

 private:
  // kNullHandle when there is none.
  uint32_t HandleOf(SessionId id) const {
    return by_id_.Find(OrderIndex::HashOf(id.value()),
                       [&](uint32_t handle) { return sessions_[handle].id == id; });
  }
  Session& Insert(SessionId id, AccountId account, bool cancel_on_disconnect);
  void EvictOldest();
  void Erase(uint32_t handle);
  void LinkNewest(uint32_t handle);
  void Unlink(const Session& session);

  const uint64_t max_result_bytes_;
  uint64_t result_bytes_ = 0;
  Slab<Session, 6> sessions_;
  OrderIndex by_id_;
  uint32_t oldest_ = kNullHandle;
  uint32_t newest_ = kNullHandle;
  uint64_t last_id_ = 0;
  std::vector<AccountId> disconnected_;
};

}  // namespace quorumbook::exchange
