#include "server/exchange_service.h"

#include <fmt/format.h>

#include <utility>

#include "server/order_codec.h"
#include "server/order_stream.h"

namespace quorumbook::server {
namespace {

using Unary = grpc::ServerUnaryReactor;

uint64_t ServingTerm(const ShardSet& shards, uint32_t shard) {
  Refusal refusal;
  const ShardReplica* const replica = shards.Find(shard, &refusal);
  return replica == nullptr ? 0 : replica->serving_term();
}

// Submits `group` and finishes the call with the refusal, if there is one, else calls `fill`.
template <typename Fill>
Unary* SubmitGroup(const ShardSet& shards, grpc::CallbackServerContext* context, uint32_t shard,
                   uint64_t term, const exchange::Group& group, Fill fill) {
  Unary* const reactor = context->DefaultReactor();
  Refusal refusal;
  ShardReplica* const replica = shards.Find(shard, &refusal);
  if (replica == nullptr) {
    reactor->Finish(shards.ToStatus(refusal, context));
    return reactor;
  }
  replica->Submit(exchange::EncodeGroup(group), term,
                  [&shards, context, reactor, fill](const GroupReply& reply) {
                    if (reply.refusal != nullptr) {
                      reactor->Finish(shards.ToStatus(*reply.refusal, context));
                    } else if (reply.group->status != exchange::SessionStatus::kOk) {
                      reactor->Finish(shards.ToStatus(SessionRefusal(*reply.group), context));
                    } else {
                      fill(reply);
                      reactor->Finish(grpc::Status::OK);
                    }
                  });
  return reactor;
}

}  // namespace

Unary* ExchangeService::OpenSession(grpc::CallbackServerContext* context,
                                    const v1::OpenSessionRequest* request,
                                    v1::OpenSessionResponse* response) {
  const exchange::OpenSession open{exchange::AccountId(request->account())};
  return SubmitGroup(
      shards_, context, request->shard(), ServingTerm(shards_, request->shard()), open,
      [response](const GroupReply& reply) { response->set_session(reply.group->session.value()); });
}

Unary* ExchangeService::CloseSession(grpc::CallbackServerContext* context,
                                     const v1::CloseSessionRequest* request,
                                     v1::CloseSessionResponse*) {
  const exchange::CloseSession close{exchange::SessionId(request->session())};
  return SubmitGroup(shards_, context, request->shard(), ServingTerm(shards_, request->shard()),
                     close, [](const GroupReply&) {});
}

Unary* ExchangeService::Submit(grpc::CallbackServerContext* context,
                               const v1::CommandBatch* request, v1::CommandBatchResult* response) {
  Refusal refusal;
  ShardReplica* const replica = shards_.Find(request->shard(), &refusal);
  const uint64_t term = ServingTerm(shards_, request->shard());
  exchange::SessionCommands group;
  if (replica != nullptr && request->commands_size() > kMaxBatchCommands) {
    refusal = {RefusalCode::kBatchTooLarge,
               fmt::format("the batch has {} commands; at most {} go into one",
                           request->commands_size(), kMaxBatchCommands),
               NodeId()};
  } else if (replica != nullptr) {
    absl::StatusOr<exchange::SessionCommands> commands = FromProto(*request, replica->symbols());
    if (commands.ok()) {
      group = *std::move(commands);
    } else {
      refusal = {RefusalCode::kMalformed, std::string(commands.status().message()), NodeId()};
    }
  }
  if (refusal.code != RefusalCode::kNone) {
    Unary* const reactor = context->DefaultReactor();
    reactor->Finish(shards_.ToStatus(refusal, context));
    return reactor;
  }
  return SubmitGroup(shards_, context, request->shard(), term, group,
                     [response](const GroupReply& reply) {
                       *response = MakeResults(*reply.result, *reply.group, UINT64_MAX).front();
                     });
}

grpc::ServerBidiReactor<v1::CommandBatch, v1::CommandBatchResult>* ExchangeService::Stream(
    grpc::CallbackServerContext* context) {
  return OrderStream::Begin(&shards_, context);
}

Unary* ExchangeService::GetOrder(grpc::CallbackServerContext* context,
                                 const v1::GetOrderRequest* request, v1::Order* response) {
  Unary* const reactor = context->DefaultReactor();
  Refusal refusal;
  ShardReplica* const replica = shards_.Find(request->shard(), &refusal);
  if (replica == nullptr) {
    reactor->Finish(shards_.ToStatus(refusal, context));
    return reactor;
  }
  replica->Read(false, [this, context, reactor, request, response](
                           const Refusal* why, const exchange::Exchange& exchange) {
    if (why != nullptr) return reactor->Finish(shards_.ToStatus(*why, context));
    const exchange::SymbolInfo* symbol = exchange.FindSymbol(request->symbol());
    std::optional<exchange::OrderInfo> order;
    if (symbol != nullptr) {
      order = exchange.FindOrder({exchange::AccountId(request->account()), symbol->id,
                                  exchange::ClientOrderId(request->client_order_id())});
    }
    if (!order) {
      return reactor->Finish(grpc::Status(
          grpc::StatusCode::NOT_FOUND,
          fmt::format("account {} has no order {} in '{}' that is open or finished lately",
                      request->account(), request->client_order_id(), request->symbol())));
    }
    ToProto(*order, symbol->name, response);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace quorumbook::server
