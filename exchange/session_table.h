// The open sessions of a shard: what makes a retry harmless (Raft thesis, section 6.3).
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "exchange/order_index.h"
#include "exchange/result_window.h"
#include "exchange/slab.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// Sessions in the order of their last use.
struct SessionLinks {
  uint32_t older = kNullHandle;
  uint32_t newer = kNullHandle;
};
struct SessionList {
  uint32_t oldest = kNullHandle;
  uint32_t newest = kNullHandle;
  uint32_t size = 0;
};

struct Session {
  SessionId id;
  AccountId account;
  bool cancel_on_disconnect = false;
  // If that is so, the last order that it entered; 0: none since it was opened, or last lost.
  OrderId last_order = {};
  uint64_t next_sequence = 1;
  ResultWindow results;  // of the commands acknowledged() + 1 to next_sequence - 1
  SessionLinks all;      // of the table's sessions
  SessionLinks own;      // of those of its account

  uint64_t acknowledged() const { return next_sequence - 1 - results.size(); }
};

// What is to be cancelled because a session is gone: open orders of its account, up to the last
// that it entered. So whoever comes after it, another session of the account, keeps what is his.
struct Disconnected {
  AccountId account;
  OrderId last_order;  // 0: nothing

  bool operator==(const Disconnected&) const = default;
};

// At most kMaxSessions, kMaxAccountSessions of them an account's: one more evicts the least
// recently used, of the account or of all. At most `max_result_bytes` of results among them: more
// evicts those that hold most, of the account that holds most first, until there is an eighth of
// room again. Whose orders are to go with them is told by TakeDisconnected(). Results are added and
// forgotten through the table alone.
class SessionTable {
 public:
  explicit SessionTable(uint64_t max_result_bytes = kMaxResultBytes,
                        uint32_t max_account_sessions = kMaxAccountSessions)
      : max_result_bytes_(max_result_bytes), max_account_sessions_(max_account_sessions) {}
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // A session with an id never given before, the most recently used one.
  Session& Open(AccountId account, bool cancel_on_disconnect = false);
  // False when there is none.
  bool Close(SessionId id);
  // nullptr when there is none. Not a use.
  const Session* Find(SessionId id) const;
  // What its loss cancels, which is told once; nullopt when there is none. Not a use.
  std::optional<Disconnected> Disconnect(SessionId id);
  // Makes the session the most recently used one; nullptr when there is none.
  Session* Use(SessionId id);

  // Keeps the results of some more commands of the most recently used session, each with its range
  // of `events`. REQUIRES: !session->results.full() before the last of them.
  void Append(Session* session, std::span<const CommandResult> commands,
              std::span<const Event> events) {
    const size_t before = session->results.bytes();
    session->results.Append(commands, events);
    result_bytes_ += session->results.bytes() - before;
    if (result_bytes_ > max_result_bytes_) [[unlikely]] {
      EvictLargest();
    }
  }
  // Forgets results up to `sequence`, or up to the last command executed if that is less.
  void Acknowledge(Session* session, uint64_t sequence);
  // Of the sessions evicted since the last call, in that order.
  std::vector<Disconnected> TakeDisconnected() { return std::exchange(disconnected_, {}); }

  size_t size() const { return by_id_.size(); }
  uint64_t result_bytes() const { return result_bytes_; }
  uint64_t last_id() const { return last_id_; }
  // Least recently used first.
  template <typename Visitor>
  void ForEach(Visitor&& visit) const {
    for (uint32_t at = all_.oldest; at != kNullHandle; at = sessions_[at].all.newer) {
      visit(sessions_[at]);
    }
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
  void Evict(uint32_t handle);
  // Of the accounts that hold most, those of the sessions that are not the most recently used one.
  void EvictLargest();
  void Erase(uint32_t handle);
  void LinkNewest(uint32_t handle, SessionLinks Session::* links, SessionList* list);
  void Unlink(uint32_t handle, SessionLinks Session::* links, SessionList* list);

  const uint64_t max_result_bytes_;
  const uint32_t max_account_sessions_;
  uint64_t result_bytes_ = 0;
  Slab<Session, 6> sessions_;
  OrderIndex by_id_;
  SessionList all_;
  absl::flat_hash_map<AccountId, SessionList> by_account_;  // those with sessions
  uint64_t last_id_ = 0;
  std::vector<Disconnected> disconnected_;
};

}  // namespace quorumbook::exchange
