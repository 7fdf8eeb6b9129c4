#include "server/peer_link.h"

#include <spdlog/spdlog.h>

#include <map>
#include <utility>

#include "server/peer_codec.h"

namespace quorumbook::server {

void PeerLink::Send(ShardId shard, std::vector<consensus::Message> messages) {
  const std::lock_guard lock(mutex_);
  if (stream_ == nullptr) return;  // lost, as on a network without a cable
  for (consensus::Message& message : messages) {
    const uint64_t bytes = ApproximateBytes(message);
    if (queue_bytes_ + bytes > kMaxPeerQueueBytes) continue;
    queue_bytes_ += bytes;
    queue_.push_back({shard, std::move(message)});
  }
  WriteNext();
}

void PeerLink::Attach(std::shared_ptr<Stream> stream) {
  std::shared_ptr<Stream> older;
  {
    const std::lock_guard lock(mutex_);
    older = std::exchange(stream_, std::move(stream));
    writing_ = false;
    queue_.clear();
    queue_bytes_ = 0;
  }
  if (older != nullptr) older->Abandon();
  spdlog::info("peer {}: connected", peer_.value());
}

void PeerLink::Detach(const Stream* stream) {
  std::shared_ptr<Stream> gone;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  if (stream_.get() != stream) return;
  gone = std::exchange(stream_, nullptr);
  writing_ = false;
  queue_.clear();
  queue_bytes_ = 0;
  spdlog::warn("peer {}: disconnected", peer_.value());
}

void PeerLink::FrameWritten(const Stream* stream) {
  const std::lock_guard lock(mutex_);
  if (stream_.get() != stream) return;
  writing_ = false;
  WriteNext();
}

void PeerLink::WriteNext() {
  if (stream_ == nullptr || writing_ || queue_.empty()) return;
  frame_.Clear();
  uint64_t bytes = 0;
  while (!queue_.empty()) {
    const uint64_t next = ApproximateBytes(queue_.front().message);
    if (frame_.messages_size() > 0 && bytes + next > kMaxFrameBytes) break;
    ToProto(queue_.front().shard, queue_.front().message, frame_.add_messages());
    queue_.pop_front();
    bytes += next;
  }
  queue_bytes_ -= bytes;
  writing_ = true;
  stream_->WriteFrame(&frame_);
}

bool PeerLink::Receive(v1::PeerFrame* frame) {
  std::map<ShardId, std::vector<consensus::Message>> by_shard;
  for (v1::PeerMessage& proto : *frame->mutable_messages()) {
    const ShardId shard(proto.shard());
    absl::StatusOr<consensus::Message> message = FromProto(peer_, identity_.self, &proto);
    if (!message.ok()) {
      spdlog::error("peer {}: {}", peer_.value(), std::string(message.status().message()));
      return false;
    }
    by_shard[shard].push_back(*std::move(message));
  }
  for (auto& [shard, messages] : by_shard) receiver_(shard, std::move(messages));
  return true;
}

bool PeerLink::connected() const {
  const std::lock_guard lock(mutex_);
  return stream_ != nullptr;
}

}  // namespace quorumbook::server
