// The WebSocket connections of a node, and where their market data comes from.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/shard_set.h"

namespace quorumbook::server {

class BookClient {
 public:
  virtual ~BookClient() = default;
  // The node stops: says so and closes.
  virtual void End(const std::string& reason) = 0;
};

// Not thread-safe: lives on the thread of the HTTP server.
class BookHub {
 public:
  // `shards` outlives this.
  explicit BookHub(const ShardSet* shards) : shards_(*shards) {}

  const ShardSet& shards() const { return shards_; }
  void Add(std::weak_ptr<BookClient> client) {
    std::erase_if(clients_, [](const auto& other) { return other.expired(); });
    clients_.push_back(std::move(client));
  }
  void End(const std::string& reason) {
    for (const std::weak_ptr<BookClient>& weak : std::exchange(clients_, {})) {
      if (const std::shared_ptr<BookClient> client = weak.lock()) client->End(reason);
    }
  }

 private:
  const ShardSet& shards_;
  std::vector<std::weak_ptr<BookClient>> clients_;
};

}  // namespace quorumbook::server
