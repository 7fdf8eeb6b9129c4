#include "exchange/session_table.h"

#include <algorithm>

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
  if (size() >= kMaxSessions) EvictOldest();
  return Insert(SessionId(++last_id_), account, cancel_on_disconnect);
}

const Session* SessionTable::Find(SessionId id) const {
  const uint32_t handle = HandleOf(id);
  return handle == kNullHandle ? nullptr : &sessions_[handle];
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
  if (handle != newest_) {
    Unlink(session);
    LinkNewest(handle);
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
  LinkNewest(handle);
  return session;
}

void SessionTable::EvictOldest() {
  const Session& session = sessions_[oldest_];
  if (session.cancel_on_disconnect) disconnected_.push_back(session.account);
  Erase(oldest_);
}

void SessionTable::Erase(uint32_t handle) {
  Session& session = sessions_[handle];
  Unlink(session);
  by_id_.Erase(OrderIndex::HashOf(session.id.value()), handle);
  result_bytes_ -= session.results.bytes();
  session.results = ResultWindow();  // its memory is worth having back
  sessions_.Free(handle);
}

void SessionTable::LinkNewest(uint32_t handle) {
  Session& session = sessions_[handle];
  session.newer = kNullHandle;
  session.older = newest_;
  (newest_ == kNullHandle ? oldest_ : sessions_[newest_].newer) = handle;
  newest_ = handle;
}

void SessionTable::Unlink(const Session& session) {
  (session.older == kNullHandle ? oldest_ : sessions_[session.older].newer) = session.newer;
  (session.newer == kNullHandle ? newest_ : sessions_[session.newer].older) = session.older;
}

}  // namespace quorumbook::exchange
