// Which sessions have a client at this node, and which have been without one for too long.
//
// A client is there while a stream that carried a batch of its session is open
// (OpenSessionRequest.cancel_on_disconnect of quorumbook/v1/exchange.proto states the rule).
#pragma once

#include <absl/container/flat_hash_map.h>

#include <chrono>
#include <compare>
#include <cstddef>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "exchange/types.h"

namespace quorumbook::server {

// How long a session may be without a stream; a client that reconnects needs less.
inline constexpr std::chrono::seconds kDisconnectGrace{3};
// The same when it was opened, or this node became the leader: the client has to find that out.
inline constexpr std::chrono::seconds kFirstStreamGrace{10};

struct SessionKey {
  ShardId shard;
  exchange::SessionId session;

  auto operator<=>(const SessionKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SessionKey& key) {
    return H::combine(std::move(h), key.shard, key.session);
  }
};

// Not thread-safe. Holds sessions that have streams, and those that are waited for.
class SessionWatch {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // A stream carries the session from here on.
  void Attach(const SessionKey& key);
  // REQUIRES: an Attach for it before. Waited for until `until` if that was the last stream.
  void Detach(const SessionKey& key, Instant until);
  // Waited for until `until` if it has no stream; does nothing if it is waited for already.
  void Expect(const SessionKey& key, Instant until);
  // Not waited for any more: it was closed, or somebody else looks after it.
  void Forget(const SessionKey& key);
  void Forget(ShardId shard);

  // The sessions waited for in vain; they are forgotten.
  std::vector<SessionKey> TakeLost(Instant now);

  size_t size() const { return sessions_.size(); }

 private:
  struct State {
    size_t streams = 0;
    bool waiting = false;
    Instant until{};
  };
  absl::flat_hash_map<SessionKey, State> sessions_;
};

}  // namespace quorumbook::server
