#include "server/session_guard.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <set>
#include <utility>

#include "exchange/command.h"

namespace quorumbook::server {

using Clock = std::chrono::steady_clock;

struct SessionGuard::State {
  struct Stream {
    std::weak_ptr<GuardedStream> stream;
    std::set<SessionKey> sessions;
    std::map<ShardId, uint64_t> terms;  // of the shards that it carries sessions of, when they came
  };

  // Of sessions of one shard.
  void Expect(const std::vector<SessionKey>& keys, std::chrono::seconds grace) {
    const std::lock_guard lock(mutex);
    for (const SessionKey& key : keys) watch.Expect(key, Clock::now() + grace);
  }

  std::mutex mutex;  // guards all below
  std::condition_variable wake;
  bool stopping = false;
  SessionWatch watch;
  absl::flat_hash_map<const GuardedStream*, Stream> streams;
};

SessionGuard::SessionGuard(const ShardSet* shards, std::chrono::milliseconds interval)
    : shards_(*shards),
      interval_(interval),
      state_(std::make_shared<State>()),
      thread_([this] { Run(); }) {}

SessionGuard::~SessionGuard() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  thread_.join();
}

bool SessionGuard::Attach(const std::shared_ptr<GuardedStream>& stream, const SessionKey& key,
                          uint64_t term) {
  const std::lock_guard lock(state_->mutex);
  State::Stream& known = state_->streams[stream.get()];
  known.stream = stream;
  if (known.sessions.contains(key)) return true;
  if (known.sessions.size() >= kMaxStreamSessions) return false;
  known.sessions.insert(key);
  known.terms.emplace(key.shard, term);
  state_->watch.Attach(key);
  return true;
}

void SessionGuard::Detach(const GuardedStream* stream) {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->streams.find(stream);
  if (it == state_->streams.end()) return;
  for (const SessionKey& key : it->second.sessions) {
    state_->watch.Detach(key, Clock::now() + kDisconnectGrace);
  }
  state_->streams.erase(it);
}

void SessionGuard::Opened(const SessionKey& key) { state_->Expect({key}, kFirstStreamGrace); }

void SessionGuard::Closed(const SessionKey& key) {
  const std::lock_guard lock(state_->mutex);
  state_->watch.Forget(key);
}

void SessionGuard::Run() {
  while (true) {
    {
      std::unique_lock lock(state_->mutex);
      if (state_->wake.wait_for(lock, interval_, [this] { return state_->stopping; })) return;
    }
    for (const auto& [shard, replica] : shards_.all()) FollowLeadership(replica.get());
    std::vector<SessionKey> lost;
    {
      const std::lock_guard lock(state_->mutex);
      lost = state_->watch.TakeLost(Clock::now());
    }
    for (const auto& [shard, replica] : shards_.all()) {
      std::vector<SessionKey> keys;
      std::copy_if(lost.begin(), lost.end(), std::back_inserter(keys),
                   [id = shard](const SessionKey& key) { return key.shard == id; });
      if (!keys.empty()) Report(replica.get(), keys);
    }
  }
}

void SessionGuard::FollowLeadership(ShardReplica* replica) {
  const ShardId shard = replica->shard();
  const uint64_t term = replica->serving_term();
  EndStreams(*replica, term);
  const uint64_t before = std::exchange(terms_[shard], term);
  if (term == before || term == 0) return;
  replica->Read(true, [state = state_, shard](const Refusal*, const exchange::Exchange& exchange) {
    std::vector<SessionKey> keys;
    for (const exchange::SessionId session : exchange.CancelOnDisconnectSessions()) {
      keys.push_back({shard, session});
    }
    state->Expect(keys, kFirstStreamGrace);
  });
}

// Of streams that came when this node led in another term.
void SessionGuard::EndStreams(const ShardReplica& replica, uint64_t term) {
  std::vector<std::shared_ptr<GuardedStream>> streams;
  {
    const std::lock_guard lock(state_->mutex);
    if (term == 0) state_->watch.Forget(replica.shard());
    for (auto& [key, known] : state_->streams) {
      const auto came = known.terms.find(replica.shard());
      if (came == known.terms.end() || came->second == term) continue;
      known.terms.erase(came);
      if (auto stream = known.stream.lock()) streams.push_back(std::move(stream));
    }
  }
  const bool leads = replica.leader() == shards_.config().node_id;
  const Refusal refusal{RefusalCode::kNotLeader, "this node does not lead any more, or leads anew",
                        leads ? NodeId() : replica.leader(), kRetryAfterMs};
  for (const auto& stream : streams) stream->LoseShard(refusal);  // they may call Detach
}

void SessionGuard::Report(ShardReplica* replica, const std::vector<SessionKey>& lost) {
  const uint64_t term = replica->serving_term();
  replica->Read(true, [state = state_, replica, term, lost](const Refusal*,
                                                            const exchange::Exchange& exchange) {
    const std::vector<exchange::SessionId> asked = exchange.CancelOnDisconnectSessions();
    for (const SessionKey& key : lost) {
      if (!std::binary_search(asked.begin(), asked.end(), key.session)) continue;
      replica->Submit(exchange::EncodeGroup(exchange::SessionLost{key.session}), term,
                      [state, key](const GroupReply& reply) {
                        const bool later = reply.refusal != nullptr &&
                                           (reply.refusal->code == RefusalCode::kBusy ||
                                            reply.refusal->code == RefusalCode::kDiskFull);
                        if (later) state->Expect({key}, kDisconnectGrace);
                      });
    }
  });
}

}  // namespace quorumbook::server
