// What a node sends to one peer and hears from it: a queue, and whichever stream is up.
//
// Streams come and go (server/peer_transport.h); the link stays. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "consensus/message.h"
#include "quorumbook/v1/peer.pb.h"
#include "server/peer_identity.h"
#include "server/peer_queue.h"

namespace quorumbook::server {

// What a link tells its node; called from gRPC's threads, and must not call the link. `greeted` and
// `lost` come in the order in which they happened.
struct PeerEvents {
  std::function<void(ShardId, std::vector<consensus::Message>)> receive;
  // A stream is up, or the peer has learnt who the founders are.
  std::function<void(const PeerGreeting&)> greeted;
  // The stream to this member ended, and there is no other: or only one to what has taken its
  // place.
  std::function<void(NodeId member)> lost;
  // Who has the certificate of `node`, by TLS, said hello as another node of this cluster.
  std::function<void(NodeId node)> forged;
};

struct PeerLinkStatus {
  bool connected = false;
  uint64_t connects = 0;     // streams that came up
  uint64_t queue_bytes = 0;  // messages that wait
  uint64_t messages_sent = 0;
  uint64_t messages_dropped = 0;  // there was no stream to that member, or no space
  uint64_t sent_bytes = 0;
};

class PeerLink {
 public:
  // One end of a stream, as the link uses it.
  class Stream {
   public:
    virtual ~Stream() = default;
    // What is written next. Not to be touched from WriteFrame to PeerLink::FrameWritten.
    virtual v1::PeerFrame* frame() = 0;
    // Starts writing the frame; PeerLink::FrameWritten follows, unless the stream ends.
    virtual void WriteFrame() = 0;
    // Ends the stream, soon; may be called twice.
    virtual void Abandon() = 0;
  };

  // `identity` and `events` outlive this; `peer` is the number of the node at the other end.
  // `certified`: by its certificate.
  PeerLink(const PeerIdentity* identity, NodeId peer, bool certified, const PeerEvents* events)
      : identity_(*identity), peer_(peer), certified_(certified), events_(*events) {}

  NodeId peer() const { return peer_; }

  // Loses messages to another member than the one that is connected.
  void Send(ShardId shard, std::vector<consensus::Message> messages);
  // Says hello again, for there is news in it.
  void Greet();

  // The peer said hello on `stream`, which carries everything from now on; an older stream is
  // abandoned. What was queued for a dead stream is dropped: it is old news.
  void Attach(std::shared_ptr<Stream> stream, const PeerGreeting& greeting);
  // `stream` ended.
  void Detach(const Stream* stream);
  // The frame handed to `stream` is out: the next may go.
  void FrameWritten(const Stream* stream);
  // A frame arrived on a stream on which `from` said hello. False: it is malformed and the stream
  // must end.
  bool Receive(NodeId from, v1::PeerFrame* frame);

  PeerLinkStatus status() const;

 private:
  // Fills the next frame and unlocks, then writes it. REQUIRES: `lock` holds mutex_.
  void WriteNext(std::unique_lock<std::mutex> lock);

  const PeerIdentity& identity_;
  const NodeId peer_;
  const bool certified_;
  const PeerEvents& events_;
  mutable std::mutex mutex_;
  std::shared_ptr<Stream> stream_;  // null: not connected
  NodeId member_;                   // who is connected
  bool greet_ = false;
  bool writing_ = false;
  PeerQueue queue_;
  PeerLinkStatus counters_;  // but for what is known otherwise
};

}  // namespace quorumbook::server
