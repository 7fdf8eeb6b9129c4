#include "server/session_watch.h"

#include <algorithm>

#include "common/check.h"

namespace quorumbook::server {

void SessionWatch::Attach(const SessionKey& key) {
  State& state = sessions_[key];
  ++state.streams;
  state.waiting = false;
}

void SessionWatch::Detach(const SessionKey& key, Instant until) {
  const auto it = sessions_.find(key);
  QB_CHECK(it != sessions_.end() && it->second.streams > 0);
  if (--it->second.streams > 0) return;
  it->second.waiting = true;
  it->second.until = until;
}

void SessionWatch::Expect(const SessionKey& key, Instant until) {
  State& state = sessions_[key];
  if (state.streams > 0 || state.waiting) return;
  state.waiting = true;
  state.until = until;
}

void SessionWatch::Forget(const SessionKey& key) {
  const auto it = sessions_.find(key);
  if (it == sessions_.end()) return;
  it->second.waiting = false;
  if (it->second.streams == 0) sessions_.erase(it);
}

void SessionWatch::Forget(ShardId shard) {
  std::vector<SessionKey> keys;
  for (const auto& [key, state] : sessions_) {
    if (key.shard == shard) keys.push_back(key);
  }
  for (const SessionKey& key : keys) Forget(key);
}

std::vector<SessionKey> SessionWatch::TakeLost(Instant now) {
  std::vector<SessionKey> lost;
  for (const auto& [key, state] : sessions_) {
    if (state.waiting && state.until <= now) lost.push_back(key);
  }
  for (const SessionKey& key : lost) Forget(key);
  std::sort(lost.begin(), lost.end());
  return lost;
}

}  // namespace quorumbook::server
