// The Client of client.h.
#pragma once

#include <memory>

#include "client/lib/connection.h"
#include "quorumbook/client.h"

namespace quorumbook::client {

class ClientImpl final : public Client {
 public:
  explicit ClientImpl(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  absl::StatusOr<v1::ClusterDescription> DescribeCluster() override;
  absl::StatusOr<std::vector<NodeReport>> ClusterStatus(bool digests) override;
  absl::Status WaitUntilReady(std::chrono::milliseconds timeout) override;
  absl::Status TransferLeadership(uint32_t shard, uint32_t target_node) override;
  absl::StatusOr<v1::ChangeMemberResponse> AddMember(uint32_t shard, uint32_t node) override;
  absl::StatusOr<v1::ChangeMemberResponse> RemoveMember(uint32_t shard, uint32_t node) override;
  absl::StatusOr<uint32_t> ShardOf(std::string_view symbol) override;
  std::vector<uint32_t> Shards() override;
  absl::StatusOr<v1::Symbol> AddSymbol(const v1::AddSymbol& symbol) override;
  absl::StatusOr<std::vector<v1::Symbol>> ListSymbols() override;
  absl::StatusOr<v1::Symbol> FindSymbol(std::string_view name) override;
  absl::StatusOr<v1::Book> GetBook(std::string_view symbol, uint32_t levels, bool orders) override;
  absl::StatusOr<v1::Trades> GetTrades(std::string_view symbol, uint32_t limit) override;
  absl::StatusOr<v1::Summary> GetSummary(std::string_view symbol) override;
  absl::StatusOr<v1::Candles> GetCandles(std::string_view symbol, v1::CandleInterval interval,
                                         uint32_t limit) override;
  absl::StatusOr<v1::Order> GetOrder(std::string_view symbol, uint64_t account,
                                     uint64_t client_order_id) override;
  absl::StatusOr<std::vector<v1::Order>> ListOrders(uint32_t shard, uint64_t account,
                                                    std::string_view symbol) override;
  absl::StatusOr<v1::Account> GetAccount(uint32_t shard, uint64_t account) override;
  absl::StatusOr<std::vector<v1::Asset>> ListAssets(uint32_t shard) override;
  absl::StatusOr<std::unique_ptr<MarketDataStream>> Subscribe(
      const SubscribeOptions& options) override;
  absl::StatusOr<std::unique_ptr<OrderSession>> OpenSession(std::string_view symbol,
                                                            uint64_t account,
                                                            const SessionOptions& options) override;
  absl::StatusOr<std::unique_ptr<OrderSession>> OpenSessionOn(
      uint32_t shard, uint64_t account, const SessionOptions& options) override;

 private:
  // Asks the leader of the request's shard. `stub` and `method` say which call it is.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Ask(std::string_view what, std::unique_ptr<Stub> Node::* stub,
                               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                            Response*),
                               const Request& request);

  const std::shared_ptr<Connection> connection_;
};

}  // namespace quorumbook::client
