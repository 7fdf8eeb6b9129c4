// Settings of every gRPC listener and channel of the daemon, in one place.
#pragma once

#include <grpcpp/grpcpp.h>

namespace quorumbook::server {

// A peer frame is at most kMaxFrameBytes, or one message of about an entry's size beyond that.
inline constexpr int kMaxPeerMessageBytes = 64 << 20;
// What a client may send in one message: far above a full batch, far below what would hurt.
inline constexpr int kMaxClientMessageBytes = 1 << 20;
// A connection that does not answer a ping for this long is dead: a cut cable is noticed.
inline constexpr int kKeepaliveTimeMs = 2'000;
inline constexpr int kKeepaliveTimeoutMs = 2'000;

// Of a channel to a peer.
grpc::ChannelArguments PeerChannelArguments();
// Of a listener; `max_message_bytes` is what it takes in.
void SetListenerArguments(int max_message_bytes, grpc::ServerBuilder* builder);

}  // namespace quorumbook::server
