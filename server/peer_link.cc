#include "server/peer_link.h"

#include <spdlog/spdlog.h>

#include <map>
#include <utility>

#include "server/peer_codec.h"

namespace quorumbook::server {

void PeerIdentity::SetFounders(std::vector<NodeId> founders) {
  const std::lock_guard lock(mutex_);
  founders_ = std::move(founders);
}

void PeerIdentity::WriteHello(v1::PeerHello* hello) const {
  hello->set_cluster_id(cluster_id_);
  hello->set_node_id(static_cast<uint32_t>(node().value()));
  hello->set_protocol_version(kPeerProtocolVersion);
  hello->set_incarnation(IncarnationOf(member_));
  hello->set_began_anew(began_anew_);
  const std::lock_guard lock(mutex_);
  for (const NodeId founder : founders_) hello->add_founders(founder.value());
}

bool PeerIdentity::MayShareFounders(const std::vector<NodeId>& founders) const {
  const std::lock_guard lock(mutex_);
  return founders.empty() || founders_.empty() || founders == founders_;
}

PeerGreeting ReadHello(const v1::PeerHello& hello) {
  PeerGreeting greeting{
      MakeMember(NodeId(hello.node_id()), hello.incarnation()), {}, hello.began_anew()};
  for (const uint64_t founder : hello.founders()) greeting.founders.emplace_back(founder);
  return greeting;
}

void PeerLink::Send(ShardId shard, std::vector<consensus::Message> messages) {
  std::unique_lock lock(mutex_);
  if (stream_ == nullptr) {  // lost, as on a network without a cable
    counters_.messages_dropped += messages.size();
    return;
  }
  for (consensus::Message& message : messages) {
    const uint64_t bytes = ApproximateBytes(message);
    if (message.to != member_ || queue_bytes_ + bytes > kMaxPeerQueueBytes) {
      ++counters_.messages_dropped;
      continue;
    }
    queue_bytes_ += bytes;
    queue_.push_back({shard, std::move(message)});
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
    queue_.clear();
    queue_bytes_ = 0;
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
    queue_.clear();
    queue_bytes_ = 0;
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
  uint64_t bytes = 0;
  while (!queue_.empty()) {
    const uint64_t next = ApproximateBytes(queue_.front().message);
    if (frame.messages_size() > 0 && bytes + next > kMaxFrameBytes) break;
    ToProto(queue_.front().shard, queue_.front().message, frame.add_messages());
    queue_.pop_front();
    bytes += next;
  }
  queue_bytes_ -= bytes;
  counters_.sent_bytes += bytes;
  counters_.messages_sent += static_cast<uint64_t>(frame.messages_size());
  writing_ = true;
  lock.unlock();
  stream->WriteFrame();
}

bool PeerLink::Receive(NodeId from, v1::PeerFrame* frame) {
  if (frame->has_hello()) {
    const PeerGreeting greeting = ReadHello(frame->hello());
    if (greeting.member != from || !identity_.MayShareFounders(greeting.founders)) return false;
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
  status.queue_bytes = queue_bytes_;
  return status;
}

}  // namespace quorumbook::server
