// libquorumbook: the C++ client of a quorumbook cluster.
//
//   auto client = quorumbook::Client::Connect({.endpoints = {"127.0.0.1:7001"}});
//   auto session = (*client)->OpenSession("AMZN", /*account=*/1);
//   auto result = (*session)->Execute(order);          // one order, waits for its reports
//
// Types of requests and answers are the protocol's own (proto/quorumbook/v1). All methods are
// thread-safe. Every call finds the leader, follows redirects and retries until it is answered or
// `timeout` has passed; then the error is kDeadlineExceeded and says what stood in the way.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quorumbook/market_data.h"
#include "quorumbook/order_session.h"
#include "quorumbook/v1/cluster.pb.h"
#include "quorumbook/v1/exchange.pb.h"
#include "quorumbook/v1/market_data.pb.h"

namespace quorumbook {

struct ClientOptions {
  // Client addresses (host:port) of some nodes; the others are learned from them.
  std::vector<std::string> endpoints;
  // A file with the certificates (PEM) of the CAs that vouch for the nodes, whose certificates must
  // be for the host names or IP addresses under which the nodes are reached. Empty: plain text.
  std::string ca_file = {};
  // For one call, all its retries included.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  // For one attempt, after which another node is asked. Changes of who leads or is a member get
  // longer, since the leader itself tries for some seconds.
  std::chrono::milliseconds attempt_timeout = std::chrono::seconds(2);
};

class Client {
 public:
  // Learns the cluster from the first endpoint that answers. Errors: kInvalidArgument for no or
  // malformed endpoints and a CA file that can not be read, kUnavailable when none answers within
  // `timeout` (each is named).
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const ClientOptions& options);
  virtual ~Client() = default;

  // What some node believes about the cluster.
  virtual absl::StatusOr<v1::ClusterDescription> DescribeCluster() = 0;
  // One entry a configured node, in id order; those that do not answer say why.
  struct NodeReport {
    v1::NodeDescription node;
    absl::StatusOr<v1::NodeStatus> status;
  };
  virtual absl::StatusOr<std::vector<NodeReport>> ClusterStatus(bool digests) = 0;
  // Waits until every shard has a leader that answers reads; kDeadlineExceeded says which has not.
  virtual absl::Status WaitUntilReady(std::chrono::milliseconds timeout) = 0;
  // Hands a shard's leadership to `target_node` (0: to the most advanced follower) and returns when
  // another node leads; at once if the target leads already. Errors: kInvalidArgument when there is
  // no such follower, kResourceExhausted when the target does not take over in time: whoever leads
  // goes on then.
  virtual absl::Status TransferLeadership(uint32_t shard, uint32_t target_node) = 0;
  // Makes a node a member of a shard's group, first without a vote, which it gets when it has
  // caught up; or takes it out. The members as they are then; repeating it is harmless. Errors:
  // kInvalidArgument says why not (the node is not connected, or is the last voter).
  virtual absl::StatusOr<v1::ChangeMemberResponse> AddMember(uint32_t shard, uint32_t node) = 0;
  virtual absl::StatusOr<v1::ChangeMemberResponse> RemoveMember(uint32_t shard, uint32_t node) = 0;

  // The shard a symbol lives on, by the cluster's configuration.
  virtual absl::StatusOr<uint32_t> ShardOf(std::string_view symbol) = 0;
  // All there are, by the cluster's configuration.
  virtual std::vector<uint32_t> Shards() = 0;
  // Errors: kAlreadyExists with other sizes or assets, kInvalidArgument for what the exchange
  // refuses.
  virtual absl::StatusOr<v1::Symbol> AddSymbol(const v1::AddSymbol& symbol) = 0;
  // Of all shards, by name.
  virtual absl::StatusOr<std::vector<v1::Symbol>> ListSymbols() = 0;
  // kNotFound names the symbol and how to list those there are; likewise below.
  virtual absl::StatusOr<v1::Symbol> FindSymbol(std::string_view name) = 0;
  // The best `levels` prices a side (0: 10; at most 1,000); with `orders` also every order at them,
  // at most 1,000 a side.
  virtual absl::StatusOr<v1::Book> GetBook(std::string_view symbol, uint32_t levels,
                                           bool orders) = 0;
  // The latest `limit` trades (0: 50; at most 1,024), oldest first.
  virtual absl::StatusOr<v1::Trades> GetTrades(std::string_view symbol, uint32_t limit) = 0;
  // Of the time since the symbol was added, and the best prices; 0 where there are none.
  virtual absl::StatusOr<v1::Summary> GetSummary(std::string_view symbol) = 0;
  // Oldest first, the open one last; `limit` 0: all that are kept.
  virtual absl::StatusOr<v1::Candles> GetCandles(std::string_view symbol,
                                                 v1::CandleInterval interval, uint32_t limit) = 0;
  // An order, open or finished. kNotFound when the account has none of this id in the symbol, or it
  // finished too long ago to be remembered.
  virtual absl::StatusOr<v1::Order> GetOrder(std::string_view symbol, uint64_t account,
                                             uint64_t client_order_id) = 0;
  // Open orders of an account on one shard, by order id; `symbol` "": of all symbols.
  virtual absl::StatusOr<std::vector<v1::Order>> ListOrders(uint32_t shard, uint64_t account,
                                                            std::string_view symbol) = 0;
  // kNotFound when the account never had a deposit or limits on that shard.
  virtual absl::StatusOr<v1::Account> GetAccount(uint32_t shard, uint64_t account) = 0;
  // All of the shard, by id.
  virtual absl::StatusOr<std::vector<v1::Asset>> ListAssets(uint32_t shard) = 0;

  // Nothing is asked before the first Next. Errors: kInvalidArgument for options out of bounds and
  // a node that the cluster does not have.
  virtual absl::StatusOr<std::unique_ptr<MarketDataStream>> Subscribe(
      const SubscribeOptions& options) = 0;

  // A session of numbered commands on the shard of `symbol`. It may outlive the client.
  // Errors: kInvalidArgument for account 0 and options out of bounds.
  virtual absl::StatusOr<std::unique_ptr<OrderSession>> OpenSession(
      std::string_view symbol, uint64_t account, const SessionOptions& options = {}) = 0;
  // The same by shard, for commands that are of no symbol.
  virtual absl::StatusOr<std::unique_ptr<OrderSession>> OpenSessionOn(
      uint32_t shard, uint64_t account, const SessionOptions& options = {}) = 0;
};

}  // namespace quorumbook
