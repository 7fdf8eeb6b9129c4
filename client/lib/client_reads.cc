// What a client reads of markets, orders and accounts.
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "client/lib/client_impl.h"
#include "client/lib/subscription.h"

namespace quorumbook::client {

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> ClientImpl::Ask(std::string_view what, std::unique_ptr<Stub> Node::* stub,
                                         grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                                         const Request& request) {
  Response response;
  absl::Status status =
      connection_->CallLeader(request.shard(), what, connection_->options().timeout,
                              [&](Node& node, grpc::ClientContext* context) {
                                return ((*(node.*stub)).*method)(context, request, &response);
                              });
  if (!status.ok()) return status;
  return response;
}

static absl::Status NameSymbol(const absl::Status& status, std::string_view symbol) {
  if (status.code() != absl::StatusCode::kNotFound) return status;
  return absl::NotFoundError(absl::StrCat("there is no symbol '", std::string(symbol),
                                          "'; list those there are with `qb symbol list`"));
}

absl::StatusOr<std::vector<v1::Symbol>> ClientImpl::ListSymbols() {
  std::vector<v1::Symbol> symbols;
  for (const uint32_t shard : connection_->map().Shards()) {
    v1::ListSymbolsRequest request;
    request.set_shard(shard);
    bool more = true;
    while (more) {
      auto page =
          Ask("list symbols", &Node::market_data, &v1::MarketData::Stub::ListSymbols, request);
      if (!page.ok()) return page.status();
      more = page->more() && page->symbols_size() > 0;
      if (more) request.set_after_id(page->symbols(page->symbols_size() - 1).id());
      for (v1::Symbol& symbol : *page->mutable_symbols()) symbols.push_back(std::move(symbol));
    }
  }
  std::sort(symbols.begin(), symbols.end(),
            [](const v1::Symbol& a, const v1::Symbol& b) { return a.name() < b.name(); });
  return symbols;
}

absl::StatusOr<v1::Symbol> ClientImpl::FindSymbol(std::string_view name) {
  absl::StatusOr<v1::Book> book = GetBook(name, /*levels=*/1, /*orders=*/false);
  if (!book.ok()) return book.status();
  return book->symbol();
}

absl::StatusOr<v1::Book> ClientImpl::GetBook(std::string_view symbol, uint32_t levels,
                                             bool orders) {
  v1::GetBookRequest request;
  request.set_shard(connection_->map().ShardOf(symbol));
  request.set_symbol(std::string(symbol));
  request.set_levels(levels);
  request.set_orders(orders);
  auto book = Ask("read the book", &Node::market_data, &v1::MarketData::Stub::GetBook, request);
  if (!book.ok()) return NameSymbol(book.status(), symbol);
  return book;
}

absl::StatusOr<v1::Trades> ClientImpl::GetTrades(std::string_view symbol, uint32_t limit) {
  v1::GetTradesRequest request;
  request.set_shard(connection_->map().ShardOf(symbol));
  request.set_symbol(std::string(symbol));
  request.set_limit(limit);
  auto trades = Ask("read trades", &Node::market_data, &v1::MarketData::Stub::GetTrades, request);
  if (!trades.ok()) return NameSymbol(trades.status(), symbol);
  return trades;
}

absl::StatusOr<v1::Summary> ClientImpl::GetSummary(std::string_view symbol) {
  v1::GetSummaryRequest request;
  request.set_shard(connection_->map().ShardOf(symbol));
  request.set_symbol(std::string(symbol));
  auto summary =
      Ask("read the summary", &Node::market_data, &v1::MarketData::Stub::GetSummary, request);
  if (!summary.ok()) return NameSymbol(summary.status(), symbol);
  return summary;
}

absl::StatusOr<v1::Candles> ClientImpl::GetCandles(std::string_view symbol,
                                                   v1::CandleInterval interval, uint32_t limit) {
  v1::GetCandlesRequest request;
  request.set_shard(connection_->map().ShardOf(symbol));
  request.set_symbol(std::string(symbol));
  request.set_interval(interval);
  request.set_limit(limit);
  auto candles =
      Ask("read candles", &Node::market_data, &v1::MarketData::Stub::GetCandles, request);
  if (!candles.ok()) return NameSymbol(candles.status(), symbol);
  return candles;
}

absl::StatusOr<v1::Order> ClientImpl::GetOrder(std::string_view symbol, uint64_t account,
                                               uint64_t client_order_id) {
  v1::GetOrderRequest request;
  request.set_shard(connection_->map().ShardOf(symbol));
  request.set_account(account);
  request.set_symbol(std::string(symbol));
  request.set_client_order_id(client_order_id);
  auto order = Ask("read an order", &Node::exchange, &v1::Exchange::Stub::GetOrder, request);
  if (order.status().code() == absl::StatusCode::kNotFound) {
    return absl::NotFoundError(absl::StrCat("account ", account, " has no order ", client_order_id,
                                            " in ", request.symbol(),
                                            ", or it finished too long ago"));
  }
  return order;
}

absl::StatusOr<std::vector<v1::Order>> ClientImpl::ListOrders(uint32_t shard, uint64_t account,
                                                              std::string_view symbol) {
  v1::ListOrdersRequest request;
  request.set_shard(shard);
  request.set_account(account);
  request.set_symbol(std::string(symbol));
  std::vector<v1::Order> orders;
  bool more = true;
  while (more) {
    auto page = Ask("list orders", &Node::exchange, &v1::Exchange::Stub::ListOrders, request);
    if (!page.ok()) return symbol.empty() ? page.status() : NameSymbol(page.status(), symbol);
    for (v1::Order& order : *page->mutable_orders()) orders.push_back(std::move(order));
    more = page->more() && page->last_order_id() > request.after_order_id();
    request.set_after_order_id(page->last_order_id());
  }
  return orders;
}

absl::StatusOr<v1::Account> ClientImpl::GetAccount(uint32_t shard, uint64_t account) {
  v1::GetAccountRequest request;
  request.set_shard(shard);
  request.set_account(account);
  return Ask("read an account", &Node::exchange, &v1::Exchange::Stub::GetAccount, request);
}

absl::StatusOr<std::vector<v1::Asset>> ClientImpl::ListAssets(uint32_t shard) {
  v1::ListAssetsRequest request;
  request.set_shard(shard);
  auto assets = Ask("list assets", &Node::exchange, &v1::Exchange::Stub::ListAssets, request);
  if (!assets.ok()) return assets.status();
  return std::vector<v1::Asset>(assets->assets().begin(), assets->assets().end());
}

absl::StatusOr<std::unique_ptr<MarketDataStream>> ClientImpl::Subscribe(
    const SubscribeOptions& options) {
  const bool executions = options.channel == v1::SubscribeRequest::EXECUTIONS;
  if (options.symbol.empty() && !executions) {
    return absl::InvalidArgumentError("SubscribeOptions.symbol is empty");
  }
  if (executions != (options.account != 0)) {
    return absl::InvalidArgumentError(
        "SubscribeOptions.account must be set with channel EXECUTIONS, and only then");
  }
  if (options.symbol.empty() && options.shard == 0) {
    return absl::InvalidArgumentError("SubscribeOptions has neither a symbol nor a shard");
  }
  if (options.depth > 1'000) {
    return absl::InvalidArgumentError("SubscribeOptions.depth must be at most 1,000");
  }
  std::string address;
  if (options.node != 0) {
    absl::StatusOr<v1::ClusterDescription> cluster = DescribeCluster();
    if (!cluster.ok()) return cluster.status();
    for (const v1::NodeDescription& node : cluster->nodes()) {
      if (node.id() == options.node) address = node.client_address();
    }
    if (address.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the cluster has no node ", options.node, "; `qb cluster status` shows those there are"));
    }
  }
  v1::SubscribeRequest request;
  request.set_shard(options.symbol.empty() ? options.shard
                                           : connection_->map().ShardOf(options.symbol));
  request.set_symbol(options.symbol);
  request.set_account(options.account);
  request.set_channel(options.channel);
  request.set_depth(options.depth);
  request.set_interval(options.interval);
  request.set_limit(options.limit);
  return std::make_unique<Subscription>(connection_, std::move(request), std::move(address));
}

}  // namespace quorumbook::client
