#include "server/peer_queue.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace quorumbook::server {

using consensus::AppendEntries;
using consensus::InstallSnapshot;
using consensus::Message;

bool PeerQueue::Push(ShardId shard, Message message, Kind* kind) {
  const uint64_t bytes = ApproximateBytes(message);
  if (kind->bytes + bytes > kMaxPeerQueueBytes) return false;
  kind->bytes += bytes;
  kind->waiting.push_back({shard, std::move(message)});
  return true;
}

void PeerQueue::Pop(Kind* kind) {
  kind->bytes -= kind->next();
  kind->waiting.pop_front();
}

void PeerQueue::PopLarge() {
  Waiting& front = large_.waiting.front();
  const auto entries = entries_.find(front.shard);
  if (entries != entries_.end() && !entries->second.waiting.empty() &&
      entries->second.waiting.front() == std::get_if<AppendEntries>(&front.message.body)) {
    entries->second.waiting.pop_front();
  }
  Pop(&large_);
}

bool PeerQueue::Add(ShardId shard, Message message) {
  if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
    return append->entries.empty() ? AddHeartbeat(shard, std::move(message))
                                   : AddLarge(shard, std::move(message));
  }
  const bool chunk = std::holds_alternative<InstallSnapshot>(message.body);
  return Push(shard, std::move(message), chunk ? &large_ : &small_);
}

bool PeerQueue::AddLarge(ShardId shard, Message message) {
  const consensus::Term term = message.term;
  if (!Push(shard, std::move(message), &large_)) return false;
  Entries& entries = entries_[shard];
  if (entries.term != term) entries = {.term = term, .waiting = {}};
  entries.waiting.push_back(&std::get<AppendEntries>(large_.waiting.back().message.body));
  return true;
}

bool PeerQueue::AddHeartbeat(ShardId shard, Message message) {
  const auto found = entries_.find(shard);
  if (found == entries_.end() || found->second.term != message.term ||
      found->second.waiting.empty()) {
    return Push(shard, std::move(message), &small_);
  }
  auto& heartbeat = std::get<AppendEntries>(message.body);
  // The last word of a group that falls silent: whatever followed would wake it.
  if (heartbeat.quiesce) return Push(shard, std::move(message), &large_);
  const AppendEntries& first = *found->second.waiting.front();
  AppendEntries& last = *found->second.waiting.back();
  const bool question = heartbeat.round > last.round;
  last.commit = std::max(last.commit, heartbeat.commit);
  last.round = std::max(last.round, heartbeat.round);
  if (!question) return true;
  if (first.prev_index < heartbeat.prev_index) {
    heartbeat.prev_index = first.prev_index;
    heartbeat.prev_term = first.prev_term;
    heartbeat.prev_chain = first.prev_chain;
  }
  return Push(shard, std::move(message), &small_);
}

void PeerQueue::Clear() {
  small_ = {};
  large_ = {};
  entries_.clear();
}

}  // namespace quorumbook::server
