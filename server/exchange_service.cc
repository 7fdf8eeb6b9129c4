#include "server/exchange_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/batch_request.h"
#include "server/order_stream.h"
#include "server/report_codec.h"

namespace quorumbook::server {
namespace {

// Orders in one answer of ListOrders.
constexpr uint32_t kDefaultOrders = 1'000;
constexpr uint32_t kMaxOrders = 10'000;

uint64_t ServingTerm(const ShardSet& shards, uint32_t shard) {
  Refusal refusal;
  const ShardReplica* const replica = shards.Find(shard, &refusal);
  return replica == nullptr ? 0 : replica->serving_term();
}

// Submits `group`, encoded, and finishes the call with the refusal, if there is one and nothing was
// executed, else calls `fill`: an error would hide what was.
template <typename Fill>
Unary* SubmitGroup(const ShardSet& shards, grpc::CallbackServerContext* context, uint32_t shard,
                   uint64_t term, std::string group, Fill fill) {
  Unary* const reactor = context->DefaultReactor();
  Refusal refusal;
  ShardReplica* const replica = shards.Find(shard, &refusal);
  if (replica == nullptr) {
    reactor->Finish(shards.ToStatus(refusal, context));
    return reactor;
  }
  replica->Submit(std::move(group), term,
                  [&shards, context, reactor, fill](const GroupReply& reply) {
                    if (reply.refusal != nullptr) {
                      reactor->Finish(shards.ToStatus(*reply.refusal, context));
                    } else if (reply.group->status != exchange::SessionStatus::kOk &&
                               reply.group->command_count == 0) {
                      reactor->Finish(shards.ToStatus(SessionRefusal(*reply.group), context));
                    } else {
                      fill(reply);
                      reactor->Finish(grpc::Status::OK);
                    }
                  });
  return reactor;
}

grpc::Status NotFound(std::string message) {
  return {grpc::StatusCode::NOT_FOUND, std::move(message)};
}

}  // namespace

Unary* ExchangeService::OpenSession(grpc::CallbackServerContext* context,
                                    const v1::OpenSessionRequest* request,
                                    v1::OpenSessionResponse* response) {
  const exchange::OpenSession open{exchange::AccountId(request->account()),
                                   request->cancel_on_disconnect()};
  return SubmitGroup(shards_, context, request->shard(), ServingTerm(shards_, request->shard()),
                     exchange::EncodeGroup(open),
                     [this, request, response](const GroupReply& reply) {
                       const exchange::SessionId session = reply.group->session;
                       response->set_session(session.value());
                       if (request->cancel_on_disconnect()) {
                         guard_.Opened({ShardId(request->shard()), session});
                       }
                     });
}

Unary* ExchangeService::CloseSession(grpc::CallbackServerContext* context,
                                     const v1::CloseSessionRequest* request,
                                     v1::CloseSessionResponse*) {
  const exchange::CloseSession close{exchange::SessionId(request->session())};
  return SubmitGroup(shards_, context, request->shard(), ServingTerm(shards_, request->shard()),
                     exchange::EncodeGroup(close), [this, request, close](const GroupReply&) {
                       guard_.Closed({ShardId(request->shard()), close.session});
                     });
}

Unary* ExchangeService::Submit(grpc::CallbackServerContext* context,
                               const v1::CommandBatch* request, v1::CommandBatchResult* response) {
  Refusal refusal;
  ShardReplica* const replica = shards_.Find(request->shard(), &refusal);
  const uint64_t term = ServingTerm(shards_, request->shard());
  std::string group;
  if (replica != nullptr) {
    refusal = ReadBatch(shards_.config(), replica->names(), *request, &group);
  }
  if (refusal.code != RefusalCode::kNone) {
    Unary* const reactor = context->DefaultReactor();
    reactor->Finish(shards_.ToStatus(refusal, context));
    return reactor;
  }
  return SubmitGroup(shards_, context, request->shard(), term, std::move(group),
                     [response](const GroupReply& reply) {
                       SpareResults none;
                       *response =
                           MakeResults(*reply.result, *reply.group, UINT64_MAX, &none).front();
                     });
}

grpc::ServerBidiReactor<v1::CommandBatch, v1::CommandBatchResult>* ExchangeService::Stream(
    grpc::CallbackServerContext* context) {
  return OrderStream::Begin(&shards_, &guard_, &unsent_of_streams_, &metrics_, context);
}

Unary* ExchangeService::GetOrder(grpc::CallbackServerContext* context,
                                 const v1::GetOrderRequest* request, v1::Order* response) {
  return calls_.Read(
      context, request->shard(), /*stale_ok=*/false,
      [request, response](const exchange::Exchange& exchange) {
        const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
        std::optional<exchange::OrderInfo> order;
        if (symbol != nullptr) {
          order = exchange.FindOrder({exchange::AccountId(request->account()), symbol->id,
                                      exchange::ClientOrderId(request->client_order_id())});
        }
        if (!order) {
          return NotFound(
              fmt::format("account {} has no order {} in '{}' that is open or finished lately",
                          request->account(), request->client_order_id(), request->symbol()));
        }
        ToProto(*order, symbol->name, response);
        return grpc::Status::OK;
      });
}

Unary* ExchangeService::ListOrders(grpc::CallbackServerContext* context,
                                   const v1::ListOrdersRequest* request,
                                   v1::ListOrdersResponse* response) {
  return calls_.Read(
      context, request->shard(), /*stale_ok=*/false,
      [request, response](const exchange::Exchange& exchange) {
        const exchange::SymbolInfo* only = exchange.FindSymbol(request->symbol());
        if (only == nullptr && !request->symbol().empty()) {
          return NotFound(
              fmt::format("shard {} has no symbol '{}'", request->shard(), request->symbol()));
        }
        const size_t limit =
            request->limit() == 0 ? kDefaultOrders : std::min(request->limit(), kMaxOrders);
        const std::vector<exchange::OrderInfo> orders =
            exchange.OpenOrders(exchange::AccountId(request->account()), limit + 1,
                                exchange::OrderId(request->after_order_id()));
        response->set_more(orders.size() > limit);
        for (size_t i = 0; i < std::min(orders.size(), limit); ++i) {
          const exchange::SymbolInfo* symbol = exchange.FindSymbol(orders[i].symbol);
          response->set_last_order_id(orders[i].id.value());
          if (only != nullptr && symbol != only) continue;
          ToProto(orders[i], symbol == nullptr ? "" : symbol->name, response->add_orders());
        }
        return grpc::Status::OK;
      });
}

Unary* ExchangeService::GetAccount(grpc::CallbackServerContext* context,
                                   const v1::GetAccountRequest* request, v1::Account* response) {
  return calls_.Read(
      context, request->shard(), /*stale_ok=*/false,
      [request, response](const exchange::Exchange& exchange) {
        const std::optional<exchange::AccountInfo> account =
            exchange.FindAccount(exchange::AccountId(request->account()));
        if (!account) {
          return NotFound(fmt::format("account {} never had a deposit or limits on shard {}",
                                      request->account(), request->shard()));
        }
        ToProto(*account, exchange, response);
        return grpc::Status::OK;
      });
}

Unary* ExchangeService::ListAssets(grpc::CallbackServerContext* context,
                                   const v1::ListAssetsRequest* request,
                                   v1::ListAssetsResponse* response) {
  return calls_.Read(context, request->shard(), /*stale_ok=*/false,
                     [response](const exchange::Exchange& exchange) {
                       for (const exchange::AssetInfo& asset : exchange.Assets()) {
                         ToProto(asset, response->add_assets());
                       }
                       return grpc::Status::OK;
                     });
}

}  // namespace quorumbook::server
