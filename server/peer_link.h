// What a node sends to one peer and hears from it: a queue, and whichever stream is up.
//
// Streams come and go (server/peer_transport.h); the link stays. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "consensus/message.h"
#include "quorumbook/v1/peer.pb.h"

namespace quorumbook::server {

// Messages waiting for one peer; beyond it new ones are dropped, which Raft tolerates and repeats.
inline constexpr uint64_t kMaxPeerQueueBytes = uint64_t{64} << 20;
// Of one frame on the stream. A message that is larger by itself goes alone.
inline constexpr uint64_t kMaxFrameBytes = uint64_t{4} << 20;

// Who speaks on this side.
struct PeerIdentity {
  std::string cluster_id;
  NodeId self;
};

class PeerLink {
 public:
  // One end of a stream, as the link uses it.
  class Stream {
   public:
    virtual ~Stream() = default;
    // Starts writing what `frame` holds, which it takes; PeerLink::FrameWritten follows, unless
    // the stream ends.
    virtual void WriteFrame(v1::PeerFrame* frame) = 0;
    // Ends the stream, soon; may be called twice.
    virtual void Abandon() = 0;
  };
  using Receiver = std::function<void(ShardId, std::vector<consensus::Message>)>;

  PeerLink(PeerIdentity identity, NodeId peer, Receiver receiver)
      : identity_(std::move(identity)), peer_(peer), receiver_(std::move(receiver)) {}

  NodeId peer() const { return peer_; }

  void Send(ShardId shard, std::vector<consensus::Message> messages);

  // The peer said hello on `stream`, which carries everything from now on; an older stream is
  // abandoned. What was queued for a dead stream is dropped: it is old news.
  void Attach(std::shared_ptr<Stream> stream);
  // `stream` ended.
  void Detach(const Stream* stream);
  // The frame handed to `stream` is out: the next may go.
  void FrameWritten(const Stream* stream);
  // A frame of the peer arrived. False: it is malformed and the stream must end.
  bool Receive(v1::PeerFrame* frame);

  bool connected() const;

 private:
  struct Queued {
    ShardId shard;
    consensus::Message message;
  };
  // REQUIRES: mutex_ held.
  void WriteNext();

  const PeerIdentity identity_;
  const NodeId peer_;
  const Receiver receiver_;
  mutable std::mutex mutex_;
  std::shared_ptr<Stream> stream_;  // null: not connected
  bool writing_ = false;
  v1::PeerFrame frame_;  // scratch, handed to the stream
  std::deque<Queued> queue_;
  uint64_t queue_bytes_ = 0;
};

}  // namespace quorumbook::server
