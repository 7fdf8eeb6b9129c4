#include "exchange/session_table.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace quorumbook::exchange {

void SessionTable::Acknowledge(Session* session, uint64_t sequence) {
  const uint64_t known = std::min(sequence, session->next_sequence - 1);
  const uint64_t acknowledged = session->acknowledged();
  if (known <= acknowledged) return;
  result_bytes_ -= session->results.bytes();
  session->results.ForgetOldest(known - acknowledged);
  result_bytes_ += session->results.bytes();
}

Session& SessionTable::Open(AccountId account, bool cancel_on_disconnect) {
  const auto own = by_account_.find(account);
  if (own != by_account_.end() && own->second.size >= max_account_sessions_) {
    Evict(own->second.oldest);
  } else if (size() >= kMaxSessions) {
    Evict(all_.oldest);
  }
  return Insert(SessionId(++last_id_), account, cancel_on_disconnect);
}

const Session* SessionTable::Find(SessionId id) const {
  const uint32_t handle = HandleOf(id);
  return handle == kNullHandle ? nullptr : &sessions_[handle];
}

std::optional<Disconnected> SessionTable::Disconnect(SessionId id) {
  const uint32_t handle = HandleOf(id);
  if (handle == kNullHandle) return std::nullopt;
  Session& session = sessions_[handle];
  return Disconnected{session.account, std::exchange(session.last_order, OrderId())};
}

bool SessionTable::Close(SessionId id) {
  const uint32_t handle = HandleOf(id);
  if (handle == kNullHandle) return false;
  Erase(handle);
  return true;
}

Session* SessionTable::Use(SessionId id) {
  const uint32_t handle = HandleOf(id);
  if (handle == kNullHandle) return nullptr;
  Session& session = sessions_[handle];
  if (handle != all_.newest) {
    if (session.own.newer != kNullHandle) {  // mostly an account has one
      SessionList& own = by_account_.find(session.account)->second;
      Unlink(handle, &Session::own, &own);
      LinkNewest(handle, &Session::own, &own);
    }
    Unlink(handle, &Session::all, &all_);
    LinkNewest(handle, &Session::all, &all_);
  }
  return &session;
}

Session* SessionTable::Restore(SessionId id, AccountId account, bool cancel_on_disconnect,
                               uint64_t next_sequence) {
  if (id.value() == 0 || id.value() > last_id_ || HandleOf(id) != kNullHandle) {
    return nullptr;
  }
  Session& session = Insert(id, account, cancel_on_disconnect);
  session.next_sequence = next_sequence;
  return &session;
}

bool SessionTable::RestoreResult(Session* session, std::string_view events) {
  if (session->results.bytes() + events.size() > kMaxSessionBytes) return false;
  if (result_bytes_ + events.size() > max_result_bytes_) return false;
  session->results.AppendEncoded(events);
  result_bytes_ += events.size();
  return true;
}

Session& SessionTable::Insert(SessionId id, AccountId account, bool cancel_on_disconnect) {
  const uint32_t handle = sessions_.Allocate();
  Session& session = sessions_[handle];
  session = Session();
  session.id = id;
  session.account = account;
  session.cancel_on_disconnect = cancel_on_disconnect;
  by_id_.Insert(OrderIndex::HashOf(id.value()), handle);
  LinkNewest(handle, &Session::all, &all_);
  LinkNewest(handle, &Session::own, &by_account_[account]);
  return session;
}

void SessionTable::Evict(uint32_t handle) {
  const Session& session = sessions_[handle];
  if (session.last_order != OrderId()) {
    disconnected_.push_back({session.account, session.last_order});
  }
  Erase(handle);
}

// Looking at all sessions is worth it: so many bytes have come since the last time.
[[gnu::noinline]] void SessionTable::EvictLargest() {
  std::vector<uint32_t> holders;  // least recently used first
  absl::flat_hash_map<AccountId, uint64_t> by_account;
  for (uint32_t at = all_.oldest; at != kNullHandle; at = sessions_[at].all.newer) {
    const uint64_t bytes = sessions_[at].results.bytes();
    if (bytes == 0) continue;
    by_account[sessions_[at].account] += bytes;
    if (at != all_.newest) holders.push_back(at);
  }
  // An account does not get away with many sessions that each hold less than those of others.
  std::ranges::stable_sort(holders, std::ranges::greater(), [&](uint32_t at) {
    return std::pair(by_account[sessions_[at].account], sessions_[at].results.bytes());
  });
  const uint64_t enough = max_result_bytes_ - max_result_bytes_ / 8;
  for (const uint32_t holder : holders) {
    if (result_bytes_ <= enough) return;
    Evict(holder);
  }
}

void SessionTable::Erase(uint32_t handle) {
  Session& session = sessions_[handle];
  Unlink(handle, &Session::all, &all_);
  const auto own = by_account_.find(session.account);
  Unlink(handle, &Session::own, &own->second);
  if (own->second.size == 0) by_account_.erase(own);
  by_id_.Erase(OrderIndex::HashOf(session.id.value()), handle);
  result_bytes_ -= session.results.bytes();
  session.results = ResultWindow();  // its memory is worth having back
  sessions_.Free(handle);
}

void SessionTable::LinkNewest(uint32_t handle, SessionLinks Session::* links, SessionList* list) {
  sessions_[handle].*links = {.older = list->newest, .newer = kNullHandle};
  (list->newest == kNullHandle ? list->oldest : (sessions_[list->newest].*links).newer) = handle;
  list->newest = handle;
  ++list->size;
}

void SessionTable::Unlink(uint32_t handle, SessionLinks Session::* links, SessionList* list) {
  const SessionLinks at = sessions_[handle].*links;
  (at.older == kNullHandle ? list->oldest : (sessions_[at.older].*links).newer) = at.newer;
  (at.newer == kNullHandle ? list->newest : (sessions_[at.newer].*links).older) = at.older;
  --list->size;
}

}  // namespace quorumbook::exchange
