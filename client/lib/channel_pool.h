// One gRPC channel a node, made when first needed and kept.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "quorumbook/v1/cluster.grpc.pb.h"
#include "quorumbook/v1/exchange.grpc.pb.h"
#include "quorumbook/v1/market_data.grpc.pb.h"

namespace quorumbook::client {

// The services of one node. Stubs are thread-safe.
struct Node {
  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Exchange::Stub> exchange;
  std::unique_ptr<v1::MarketData::Stub> market_data;
  std::unique_ptr<v1::Cluster::Stub> cluster;
};

// Thread-safe. Bounded by the number of addresses that the cluster's nodes name.
class ChannelPool {
 public:
  explicit ChannelPool(std::shared_ptr<grpc::ChannelCredentials> credentials)
      : credentials_(std::move(credentials)) {}

  // Does not connect yet. The node lives as long as the pool.
  Node& Get(const std::string& address);

 private:
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;
};

}  // namespace quorumbook::client
