#include "client/lib/channel_pool.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

namespace quorumbook::client {

// A node that is restarted must be found again within about 100 ms, hence the short reconnection.
constexpr int kReconnectMinMs = 50;
constexpr int kReconnectMaxMs = 100;
constexpr int kConnectTimeoutMs = 1'000;
// A node that hangs or whose machine is gone is noticed after the sum of these, while a call or a
// stream to it is open. Servers must allow pings this often.
constexpr int kKeepaliveTimeMs = 600;
constexpr int kKeepaliveTimeoutMs = 600;
// The results of one batch, fills included.
constexpr int kMaxMessageBytes = 64 << 20;

static grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  // In gRPC's core this one bounds a single connection attempt.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // 0: as many as needed
  // Retries are ours: they know about leaders and sequence numbers.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Clients do not share connections, nor each other's connection back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A cluster is reached directly; http_proxy is meant for the web.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return arguments;
}

Node& ChannelPool::Get(const std::string& address) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<Node>& node = nodes_[address];
  if (node == nullptr) {
    node = std::make_unique<Node>();
    node->address = address;
    node->channel = grpc::CreateCustomChannel(address, credentials_, Arguments());
    node->exchange = v1::Exchange::NewStub(node->channel);
    node->market_data = v1::MarketData::NewStub(node->channel);
    node->cluster = v1::Cluster::NewStub(node->channel);
  }
  return *node;
}

}  // namespace quorumbook::client
