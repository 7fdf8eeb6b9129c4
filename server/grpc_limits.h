// Settings of every gRPC listener and channel of the daemon, in one place.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "server/config.h"

namespace quorumbook::server {

// A peer frame is at most kMaxFrameBytes (server/peer_queue.h) and one message beyond that, which
// is about as large as an entry.
inline constexpr int kMaxPeerMessageBytes = 64 << 20;
// What a client may send in one message: far above a full batch, far below what would hurt.
inline constexpr int kMaxClientMessageBytes = 1 << 20;
// A connection that does not answer a ping for this long is dead: a cut cable is noticed.
inline constexpr int kKeepaliveTimeMs = 2'000;
inline constexpr int kKeepaliveTimeoutMs = 2'000;

// To the node `node` at `address`, with TLS if `config` has it: then whose certificate is not for
// that node is not connected to, and the own certificate is shown. gRPC takes wildcards, and names
// of other nodes beside that one; NodeInCertificate does not. Does not connect yet.
std::shared_ptr<grpc::Channel> MakeNodeChannel(const Config& config, NodeId node,
                                               const std::string& address);
// Of the listener for nodes, which must show a certificate of a CA of `config.tls`, or for clients,
// which are asked for none. Plain text without `config.tls`.
enum class Callers : uint8_t { kNodes, kClients };
std::shared_ptr<grpc::ServerCredentials> ListenerCredentials(const Config& config, Callers callers);
// Whose certificate the other side of a call between nodes has, by the `auth_context` of the call:
// a node of the cluster, or none for that of somebody else. Nothing without TLS.
std::optional<NodeId> NodeInCertificate(const Config& config,
                                        const grpc::AuthContext& auth_context);
// What a failed call says of the connection, with what to do where TLS is the reason.
std::string ExplainConnection(const Config& config, const std::string& error);
// Of a listener; `max_message_bytes` is what it takes in.
void SetListenerArguments(int max_message_bytes, grpc::ServerBuilder* builder);

}  // namespace quorumbook::server
