// What can be read from a node, and its part in looking after the cluster.
#include <algorithm>
#include <thread>
#include <utility>

#include "server/market_codec.h"
#include "server/report_codec.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

grpc::Status NoSymbol(const std::string& name) {
  return {grpc::StatusCode::NOT_FOUND, "no symbol '" + name + "'"};
}

}  // namespace

// Calls `fill(exchange, symbol)` if this node leads and has the symbol of `request`.
template <typename Request, typename Fill>
grpc::Status FakeNode::ReadSymbol(grpc::ServerContext* context, const Request* request, Fill fill) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  return cluster_->Look([&](const exchange::Exchange& exchange) {
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
    if (symbol == nullptr) return NoSymbol(request->symbol());
    fill(exchange, *symbol);
    return grpc::Status::OK;
  });
}

grpc::Status FakeNode::GetOrder(grpc::ServerContext* context, const v1::GetOrderRequest* request,
                                v1::Order* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  return cluster_->Look([&](const exchange::Exchange& exchange) -> grpc::Status {
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
    if (symbol == nullptr) return NoSymbol(request->symbol());
    const auto order = exchange.FindOrder({exchange::AccountId(request->account()), symbol->id,
                                           exchange::ClientOrderId(request->client_order_id())});
    if (!order) return {grpc::StatusCode::NOT_FOUND, "no such order"};
    server::ToProto(*order, symbol->name, response);
    return grpc::Status::OK;
  });
}

grpc::Status FakeNode::ListOrders(grpc::ServerContext* context,
                                  const v1::ListOrdersRequest* request,
                                  v1::ListOrdersResponse* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  // Pages of two, so that clients must turn them.
  constexpr size_t kPage = 2;
  cluster_->Look([&](const exchange::Exchange& exchange) {
    const auto orders = exchange.OpenOrders(exchange::AccountId(request->account()), kPage + 1,
                                            exchange::OrderId(request->after_order_id()));
    response->set_more(orders.size() > kPage);
    for (size_t i = 0; i < std::min(orders.size(), kPage); ++i) {
      const std::string& symbol = exchange.FindSymbol(orders[i].symbol)->name;
      response->set_last_order_id(orders[i].id.value());
      if (!request->symbol().empty() && request->symbol() != symbol) continue;
      server::ToProto(orders[i], symbol, response->add_orders());
    }
  });
  return grpc::Status::OK;
}

grpc::Status FakeNode::GetAccount(grpc::ServerContext* context,
                                  const v1::GetAccountRequest* request, v1::Account* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  return cluster_->Look([&](const exchange::Exchange& exchange) -> grpc::Status {
    const auto account = exchange.FindAccount(exchange::AccountId(request->account()));
    if (!account) return {grpc::StatusCode::NOT_FOUND, "no such account"};
    server::ToProto(*account, exchange, response);
    return grpc::Status::OK;
  });
}

grpc::Status FakeNode::ListAssets(grpc::ServerContext* context,
                                  const v1::ListAssetsRequest* request,
                                  v1::ListAssetsResponse* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  cluster_->Look([&](const exchange::Exchange& exchange) {
    for (const exchange::AssetInfo& asset : exchange.Assets()) {
      server::ToProto(asset, response->add_assets());
    }
  });
  return grpc::Status::OK;
}

grpc::Status FakeNode::ListSymbols(grpc::ServerContext* context,
                                   const v1::ListSymbolsRequest* request,
                                   v1::ListSymbolsResponse* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  // Pages of one, so that clients must turn them.
  cluster_->Look([&](const exchange::Exchange& exchange) {
    for (const exchange::SymbolInfo& symbol : exchange.Symbols()) {
      if (symbol.id.value() <= request->after_id()) continue;
      response->set_more(response->symbols_size() > 0);
      if (response->more()) break;
      server::ToProto(symbol, exchange, ShardId(kShard), response->add_symbols());
    }
  });
  return grpc::Status::OK;
}

grpc::Status FakeNode::GetBook(grpc::ServerContext* context, const v1::GetBookRequest* request,
                               v1::Book* response) {
  return ReadSymbol(context, request, [&](const auto& exchange, const auto& symbol) {
    server::ToProto(symbol, exchange, ShardId(kShard), response->mutable_symbol());
    const exchange::Depth depth = exchange.GetDepth(symbol.id, request->levels());
    server::ToProto(depth.bids, response->mutable_bids());
    server::ToProto(depth.asks, response->mutable_asks());
    response->set_event_sequence(exchange.last_sequence());
  });
}

grpc::Status FakeNode::GetTrades(grpc::ServerContext* context, const v1::GetTradesRequest* request,
                                 v1::Trades* response) {
  return ReadSymbol(context, request, [&](const auto& exchange, const auto& symbol) {
    server::ToProto(symbol, exchange, ShardId(kShard), response->mutable_symbol());
    server::ToProto(exchange.RecentTrades(symbol.id, request->limit()), response->mutable_trades());
  });
}

grpc::Status FakeNode::GetSummary(grpc::ServerContext* context,
                                  const v1::GetSummaryRequest* request, v1::Summary* response) {
  return ReadSymbol(context, request, [&](const auto& exchange, const auto& symbol) {
    server::ToProto(*exchange.Summary(symbol.id), response);
    server::ToProto(symbol, exchange, ShardId(kShard), response->mutable_symbol());
  });
}

grpc::Status FakeNode::GetCandles(grpc::ServerContext* context,
                                  const v1::GetCandlesRequest* request, v1::Candles* response) {
  return ReadSymbol(context, request, [&](const auto& exchange, const auto& symbol) {
    server::ToProto(symbol, exchange, ShardId(kShard), response->mutable_symbol());
    const auto interval = static_cast<exchange::CandleInterval>(request->interval());
    const size_t limit = request->limit() == 0 ? SIZE_MAX : request->limit();
    server::ToProto(exchange.Candles(symbol.id, interval, limit), response->mutable_candles());
  });
}

grpc::Status FakeNode::DescribeCluster(grpc::ServerContext*, const v1::DescribeClusterRequest*,
                                       v1::ClusterDescription* response) {
  *response = cluster_->Describe(id_);
  return grpc::Status::OK;
}

grpc::Status FakeNode::GetNodeStatus(grpc::ServerContext*, const v1::GetNodeStatusRequest* request,
                                     v1::NodeStatus* response) {
  response->set_node_id(id_);
  response->set_cluster_id("fake");
  response->set_version("0");
  v1::ReplicaStatus* replica = response->add_replicas();
  replica->set_shard(kShard);
  replica->set_leader_id(cluster_->leader());
  replica->set_term(cluster_->term());
  replica->set_role(cluster_->leader() == id_ ? v1::ReplicaStatus::LEADER
                                              : v1::ReplicaStatus::FOLLOWER);
  for (uint32_t id = 1; id <= cluster_->size(); ++id) {
    v1::MemberStatus* member = replica->add_members();
    member->set_node_id(id);
    member->set_kind(v1::MemberStatus::VOTER);
  }
  cluster_->Look([&](const exchange::Exchange& exchange) {
    replica->set_event_sequence(exchange.last_sequence());
    replica->set_open_orders(exchange.open_orders());
    replica->set_sessions(exchange.sessions());
    if (!request->digests()) return;
    replica->set_state_digest(corrupt_ ? "0" : exchange.StateDigest().ToHex());
    replica->set_market_digest(exchange.MarketDigest().ToHex());
  });
  return grpc::Status::OK;
}

void FakeNode::PlanChange(ChangeFault fault) {
  std::lock_guard lock(mutex_);
  change_fault_ = fault;
}

grpc::Status FakeNode::BeginChange(grpc::ServerContext* context, uint32_t shard,
                                   ChangeFault* fault) {
  ++changes_asked_;
  grpc::Status status = CheckUnary(context, shard);
  if (!status.ok()) return status;
  {
    std::lock_guard lock(mutex_);
    *fault = std::exchange(change_fault_, ChangeFault::kNone);
  }
  const bool waits = *fault == ChangeFault::kSlow || *fault == ChangeFault::kTooLate;
  if (waits) std::this_thread::sleep_for(kSlowChange);
  if (*fault != ChangeFault::kTooLate) return grpc::Status::OK;
  v1::ErrorDetail detail;
  detail.set_code(v1::ErrorDetail::BUSY);
  context->AddTrailingMetadata("quorumbook-error-bin", detail.SerializeAsString());
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, "it was not done in time"};
}

static grpc::Status EndChange(ChangeFault fault) {
  if (fault == ChangeFault::kAnswerLost) return {grpc::StatusCode::UNAVAILABLE, "dropped"};
  return grpc::Status::OK;
}

grpc::Status FakeNode::TransferLeadership(grpc::ServerContext* context,
                                          const v1::TransferLeadershipRequest* request,
                                          v1::TransferLeadershipResponse* response) {
  ChangeFault fault;
  grpc::Status status = BeginChange(context, request->shard(), &fault);
  if (!status.ok()) return status;
  const uint32_t target = request->target() == 0 ? id_ % cluster_->size() + 1 : request->target();
  if (target > cluster_->size()) return {grpc::StatusCode::INVALID_ARGUMENT, "no such node"};
  cluster_->SetLeader(target);
  response->set_leader_id(target);
  return EndChange(fault);
}

grpc::Status FakeNode::AddMember(grpc::ServerContext* context,
                                 const v1::ChangeMemberRequest* request,
                                 v1::ChangeMemberResponse* response) {
  ChangeFault fault;
  grpc::Status status = BeginChange(context, request->shard(), &fault);
  if (!status.ok()) return status;
  if (request->node_id() > cluster_->size()) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "no such node"};
  }
  v1::MemberStatus* member = response->add_members();
  member->set_node_id(request->node_id());
  member->set_kind(v1::MemberStatus::VOTER);
  return EndChange(fault);
}

}  // namespace quorumbook::client
