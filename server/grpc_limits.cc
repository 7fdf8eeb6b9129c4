#include "server/grpc_limits.h"

#include <grpc/grpc_security_constants.h>

#include <vector>

#include "common/connection_error.h"
#include "server/tls.h"

namespace quorumbook::server {
namespace {

constexpr int kConnectBackoffMinMs = 50;
constexpr int kConnectBackoffMaxMs = 250;
constexpr int kMinPingIntervalMs = 100;
// Calls and streams of one connection; the caller's gRPC keeps back what is beyond.
constexpr int kMaxConnectionCalls = 4'096;

grpc::ChannelArguments NodeChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxPeerMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A peer that restarts is to be found again at once.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kConnectBackoffMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectBackoffMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kConnectBackoffMaxMs);
  return arguments;
}

constexpr KnownConnectionError kConnectionErrors[] = {
    {true, "wrong version number", "it speaks plain text: set tls.* on every node, or on none"},
    {true, "is not in peer certificate", "who answers there has the certificate of somebody else"},
    {true, "certificate verify failed",
     "its certificate is not of a CA of tls.ca_file, or has expired"},
    {true, "Socket closed", "it may not believe this node's certificate: see its log"},
    {false, "Socket closed", "it may use TLS: set tls.* on every node, or on none"},
};

}  // namespace

std::shared_ptr<grpc::Channel> MakeNodeChannel(const Config& config, NodeId node,
                                               const std::string& address) {
  grpc::ChannelArguments arguments = NodeChannelArguments();
  if (config.tls == nullptr) {
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }
  arguments.SetSslTargetNameOverride(CertificateName(config.cluster_id, node));
  const Tls& tls = *config.tls;
  return grpc::CreateCustomChannel(address,
                                   grpc::SslCredentials({.pem_root_certs = tls.ca,
                                                         .pem_private_key = tls.key,
                                                         .pem_cert_chain = tls.certificate}),
                                   arguments);
}

std::shared_ptr<grpc::ServerCredentials> ListenerCredentials(const Config& config,
                                                             Callers callers) {
  if (config.tls == nullptr) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(
      callers == Callers::kNodes ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                 : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  options.pem_root_certs = config.tls->ca;
  options.pem_key_cert_pairs = {{config.tls->key, config.tls->certificate}};
  return grpc::SslServerCredentials(options);
}

std::optional<NodeId> NodeInCertificate(const Config& config,
                                        const grpc::AuthContext& auth_context) {
  if (config.tls == nullptr) return std::nullopt;
  std::vector<std::string> names;
  for (const grpc::string_ref& name :
       auth_context.FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME)) {
    names.emplace_back(name.data(), name.size());
  }
  return NodeOfCertificate(config.cluster_id, names);
}

std::string ExplainConnection(const Config& config, const std::string& error) {
  return ExplainConnectionError(kConnectionErrors, config.tls != nullptr, error);
}

void SetListenerArguments(int max_message_bytes, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(max_message_bytes);
  // Two daemons on one port would share its callers: the second one must fail instead.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConnectionCalls);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kMinPingIntervalMs);
}

}  // namespace quorumbook::server
