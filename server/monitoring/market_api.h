// The REST endpoints about markets: read from the replicas of this node (docs/api/openapi.json).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/monitoring/cluster_state.h"
#include "server/monitoring/http_message.h"
#include "server/monitoring/router.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// An answer in place of what a replica refused.
HttpResponse RefusalProblem(const Refusal& refusal);
HttpResponse UnknownSymbol(const std::string& symbol);

// The envelope of an answer that was read from this node's replica of a shard: `behind` says why
// that may not be what the market is now; null when nothing is known against it.
Json MarketEnvelope(const ClusterState& state, uint32_t shard);

// Reads replicas on their strands, and goes on with what was read on the thread of `io`.
class MarketReader {
 public:
  // Both outlive this.
  MarketReader(const ShardSet* shards, boost::asio::io_context* io) : shards_(*shards), io_(*io) {}

  const ShardSet& shards() const { return shards_; }

  // `read` gets the exchange that has the symbol, on the strand, and the symbol; it returns what
  // `done` is called with. Without such a symbol `respond` is.
  template <typename Read, typename Done>
  void ReadSymbol(const std::string& symbol, Respond respond, Read read, Done done) const {
    const ShardId shard = shards_.config().ShardOf(symbol);
    Refusal refusal;
    ShardReplica* const replica = shards_.Find(static_cast<uint32_t>(shard.value()), &refusal);
    if (replica == nullptr) return respond(RefusalProblem(refusal));
    replica->Read(/*stale_ok=*/true, [this, symbol, shard, respond = std::move(respond), read,
                                      done](const Refusal*, const exchange::Exchange& exchange) {
      const exchange::SymbolInfo* const info = exchange.FindSymbol(symbol);
      if (info == nullptr) {
        boost::asio::post(io_, [respond, symbol] { respond(UnknownSymbol(symbol)); });
        return;
      }
      boost::asio::post(io_, [respond, done, result = read(exchange, *info, shard)]() mutable {
        done(std::move(result), respond);
      });
    });
  }

  boost::asio::io_context& io() const { return io_; }

 private:
  const ShardSet& shards_;
  boost::asio::io_context& io_;
};

// All outlives the router.
void AddMarketRoutes(const MarketReader* reader, const ClusterState* state, Router* router);

}  // namespace quorumbook::server
