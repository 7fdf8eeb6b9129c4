// What can be read from a node, and its part in looking after the cluster.
#include "server/order_codec.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

std::string ToDecimal(exchange::Uint128 value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

grpc::Status NoSymbol(const std::string& name) {
  return {grpc::StatusCode::NOT_FOUND, "no symbol '" + name + "'"};
}

}  // namespace

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

grpc::Status FakeNode::ListSymbols(grpc::ServerContext* context,
                                   const v1::ListSymbolsRequest* request,
                                   v1::ListSymbolsResponse* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  cluster_->Look([&](const exchange::Exchange& exchange) {
    for (const exchange::SymbolInfo& symbol : exchange.Symbols()) {
      server::ToProto(symbol, ShardId(kShard), response->add_symbols());
    }
  });
  return grpc::Status::OK;
}

static void AddLevels(const std::vector<exchange::LevelInfo>& levels,
                      google::protobuf::RepeatedPtrField<v1::Level>* out) {
  for (const exchange::LevelInfo& level : levels) {
    v1::Level* item = out->Add();
    item->set_price(level.price);
    item->set_quantity(level.quantity);
    item->set_orders(level.orders);
  }
}

grpc::Status FakeNode::GetBook(grpc::ServerContext* context, const v1::GetBookRequest* request,
                               v1::Book* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  return cluster_->Look([&](const exchange::Exchange& exchange) {
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
    if (symbol == nullptr) return NoSymbol(request->symbol());
    server::ToProto(*symbol, ShardId(kShard), response->mutable_symbol());
    const exchange::Depth depth = exchange.GetDepth(symbol->id, request->levels());
    AddLevels(depth.bids, response->mutable_bids());
    AddLevels(depth.asks, response->mutable_asks());
    response->set_event_sequence(exchange.last_sequence());
    return grpc::Status::OK;
  });
}

grpc::Status FakeNode::GetTrades(grpc::ServerContext* context, const v1::GetTradesRequest* request,
                                 v1::Trades* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  return cluster_->Look([&](const exchange::Exchange& exchange) {
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
    if (symbol == nullptr) return NoSymbol(request->symbol());
    server::ToProto(*symbol, ShardId(kShard), response->mutable_symbol());
    for (const exchange::TradeInfo& trade : exchange.RecentTrades(symbol->id, request->limit())) {
      v1::Trade* out = response->add_trades();
      out->set_trade_id(trade.id);
      out->set_event_sequence(trade.sequence);
      out->set_time_ns(trade.time);
      out->set_taker_side(static_cast<v1::Side>(trade.taker_side));
      out->set_price(trade.price);
      out->set_quantity(trade.quantity);
    }
    return grpc::Status::OK;
  });
}

grpc::Status FakeNode::GetSummary(grpc::ServerContext* context,
                                  const v1::GetSummaryRequest* request, v1::Summary* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  return cluster_->Look([&](const exchange::Exchange& exchange) {
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
    if (symbol == nullptr) return NoSymbol(request->symbol());
    const exchange::MarketSummary summary = *exchange.Summary(symbol->id);
    response->set_last(summary.last);
    response->set_open(summary.open);
    response->set_high(summary.high);
    response->set_low(summary.low);
    response->set_trades(summary.trades);
    response->set_volume(ToDecimal(summary.volume));
    response->set_notional(ToDecimal(summary.notional));
    response->set_best_bid(summary.best_bid);
    response->set_best_bid_quantity(summary.best_bid_quantity);
    response->set_best_ask(summary.best_ask);
    response->set_best_ask_quantity(summary.best_ask_quantity);
    return grpc::Status::OK;
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
  replica->set_role(cluster_->leader() == id_ ? v1::ReplicaStatus::LEADER
                                              : v1::ReplicaStatus::FOLLOWER);
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

grpc::Status FakeNode::TransferLeadership(grpc::ServerContext* context,
                                          const v1::TransferLeadershipRequest* request,
                                          v1::TransferLeadershipResponse* response) {
  grpc::Status status = CheckUnary(context, request->shard());
  if (!status.ok()) return status;
  const uint32_t target = request->target() == 0 ? id_ % cluster_->size() + 1 : request->target();
  if (target > cluster_->size()) return {grpc::StatusCode::INVALID_ARGUMENT, "no such node"};
  cluster_->SetLeader(target);
  response->set_leader_id(target);
  return grpc::Status::OK;
}

}  // namespace quorumbook::client
