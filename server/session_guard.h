// Tells the exchange of sessions whose client is lost, if they asked for that: their account's open
// orders are then cancelled (exchange::SessionLost).
//
// Only the leader of a shard knows the streams of its sessions, and it can die together with a
// client. So a node that begins to lead waits for every session that cancels on disconnect as if
// its client had just left; and one that stops leading ends the streams, so that clients without
// work under way find the new leader too.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/session_watch.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// Sessions that one stream may carry.
inline constexpr size_t kMaxStreamSessions = 64;

// A stream as the guard sees it. Thread-safe.
class GuardedStream {
 public:
  virtual ~GuardedStream() = default;
  // This node does not serve a shard any more that the stream carries sessions of.
  virtual void LoseShard(const Refusal& refusal) = 0;
};

// Thread-safe. One thread, which looks around every `interval`.
class SessionGuard {
 public:
  // `shards` outlives it.
  explicit SessionGuard(const ShardSet* shards,
                        std::chrono::milliseconds interval = std::chrono::milliseconds(250));
  ~SessionGuard();

  // A batch of a session came on `stream` while this node led in `term`. False: the stream carries
  // kMaxStreamSessions others.
  bool Attach(const std::shared_ptr<GuardedStream>& stream, const SessionKey& key, uint64_t term);
  void Detach(const GuardedStream* stream);
  // A session that cancels on disconnect was opened here.
  void Opened(const SessionKey& key);
  void Closed(const SessionKey& key);

 private:
  struct State;

  void Run();
  void FollowLeadership(ShardReplica* replica);
  void EndStreams(const ShardReplica& replica, uint64_t term);
  void Report(ShardReplica* replica, const std::vector<SessionKey>& lost);

  const ShardSet& shards_;
  const std::chrono::milliseconds interval_;
  // Callbacks that a replica keeps may outlive the guard.
  const std::shared_ptr<State> state_;
  std::map<ShardId, uint64_t> terms_;  // of the guard's thread: the serving term as last seen
  std::thread thread_;
};

}  // namespace quorumbook::server
