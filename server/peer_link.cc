#include "server/peer_link.h"

#include <spdlog/spdlog.h>

#include <map>
#include <utility>

#include "server/peer_codec.h"

namespace quorumbook::server {

void PeerLink::Send(ShardId shard, std::vector<consensus::Message> messages) {
  std::unique_lock lock(mutex_);
  if (stream_ == nullptr) {  // lost, as on a network without a cable
    counters_.messages_dropped += messages.size();
    return;
  }
  for (consensus::Message& message : messages) {
    const bool queued = message.to == member_ && queue_.Add(shard, std::move(message));
    if (!queued) ++counters_.messages_dropped;
  }
  WriteNext(std::move(lock));
}

void PeerLink::Greet() {
  std::unique_lock lock(mutex_);
  greet_ = true;
  WriteNext(std::move(lock));
}

void PeerLink::Attach(std::shared_ptr<Stream> stream, const PeerGreeting& greeting) {
  std::shared_ptr<Stream> older;
  {
    const std::lock_guard lock(mutex_);
    older = std::exchange(stream_, std::move(stream));
    const NodeId before = std::exchange(member_, greeting.member);
    ++counters_.connects;
    spdlog::info("peer {}: connected", peer_.value());
    // Under the lock, as all events: in the order in which they happen.
    if (older != nullptr && before != member_) events_.lost(before);
    events_.greeted(greeting);
    writing_ = false;
    queue_.Clear();
  }
  if (older != nullptr) older->Abandon();
}

void PeerLink::Detach(const Stream* stream) {
  std::shared_ptr<Stream> gone;  // destroyed outside the lock
  {
    const std::lock_guard lock(mutex_);
    if (stream_.get() != stream) return;
    gone = std::exchange(stream_, nullptr);
    const NodeId member = std::exchange(member_, NodeId());
    writing_ = false;
    queue_.Clear();
    spdlog::warn("peer {}: disconnected", peer_.value());
    events_.lost(member);
  }
}

void PeerLink::FrameWritten(const Stream* stream) {
  std::unique_lock lock(mutex_);
  if (stream_.get() != stream) return;
  writing_ = false;
  WriteNext(std::move(lock));
}

void PeerLink::WriteNext(std::unique_lock<std::mutex> lock) {
  if (stream_ == nullptr || writing_ || (queue_.empty() && !greet_)) return;
  const std::shared_ptr<Stream> stream = stream_;
  v1::PeerFrame& frame = *stream->frame();
  frame.Clear();
  if (std::exchange(greet_, false)) identity_.WriteHello(frame.mutable_hello());
  const uint64_t bytes_before = queue_.bytes();
  queue_.TakeFrame([&frame](const PeerQueue::Waiting& next) {
    ToProto(next.shard, next.message, frame.add_messages());
  });
  counters_.sent_bytes += bytes_before - queue_.bytes();
  counters_.messages_sent += static_cast<uint64_t>(frame.messages_size());
  writing_ = true;
  lock.unlock();
  stream->WriteFrame();
}

bool PeerLink::Receive(NodeId from, v1::PeerFrame* frame) {
  if (frame->has_hello()) {
    const std::string why = identity_.WhyNot(frame->hello());
    if (!why.empty()) {
      spdlog::error("peer {}: {}", peer_.value(), why);
      return false;
    }
    const PeerGreeting greeting = ReadHello(frame->hello());
    if (greeting.member != from) {
      if (certified_ && NodeOf(greeting.member) != peer_) events_.forged(peer_);
      return false;
    }
    const std::lock_guard lock(mutex_);
    if (member_ == from) events_.greeted(greeting);
  }
  std::map<ShardId, std::vector<consensus::Message>> by_shard;
  for (v1::PeerMessage& proto : *frame->mutable_messages()) {
    const ShardId shard(proto.shard());
    absl::StatusOr<consensus::Message> message = FromProto(from, identity_.member(), &proto);
    if (!message.ok()) {
      spdlog::error("peer {}: {}", peer_.value(), std::string(message.status().message()));
      return false;
    }
    by_shard[shard].push_back(*std::move(message));
  }
  for (auto& [shard, messages] : by_shard) events_.receive(shard, std::move(messages));
  return true;
}

PeerLinkStatus PeerLink::status() const {
  const std::lock_guard lock(mutex_);
  PeerLinkStatus status = counters_;
  status.connected = stream_ != nullptr;
  status.queue_bytes = queue_.bytes();
  return status;
}

}  // namespace quorumbook::server
