// Orders that come over HTTP, each entered once: sessions with the leaders, repeated under the same
// sequence number when leadership moves.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "server/monitoring/node_clients.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// Commands that wait in one session; more are refused.
inline constexpr size_t kMaxHttpOrders = 64;
// Sessions kept: an account and shard each. One that is idle makes place for another.
inline constexpr size_t kMaxHttpSessions = 256;
inline constexpr std::chrono::milliseconds kHttpOrderTimeout{7'000};

// Lives on the thread of the HTTP server.
class OrderGateway {
 public:
  // What became of a command. `refused`: it was not executed. `unknown`: nobody can say.
  enum class Outcome : uint8_t { kExecuted, kTooMany, kRefused, kUnknown };
  using Done =
      std::function<void(Outcome outcome, const std::string& why, const v1::CommandResult& result)>;

  // All outlives this.
  OrderGateway(const ShardSet* shards, NodeClients* clients, boost::asio::io_context* io)
      : shards_(*shards), clients_(*clients), io_(*io) {}

  void Submit(uint32_t shard, uint64_t account, v1::Command command, Done done);
  // Refuses everything from here on, and repeats nothing: what is under way is answered soon.
  void Stop() { stopping_ = true; }

 private:
  struct Pending {
    v1::Command command;
    std::chrono::steady_clock::time_point deadline;
    bool sent = false;  // an attempt may have been executed
    Done done;
  };
  struct Session {
    Session(uint32_t shard_id, uint64_t account_id, boost::asio::io_context* io)
        : shard(shard_id), account(account_id), timer(*io) {}
    const uint32_t shard;
    const uint64_t account;
    uint64_t id = 0;  // 0: not open
    uint64_t next_sequence = 1;
    bool busy = false;
    uint32_t hint = 0;  // who leads, as somebody said
    std::deque<Pending> pending;
    boost::asio::steady_timer timer;
  };
  using SharedSession = std::shared_ptr<Session>;

  SharedSession Find(uint32_t shard, uint64_t account);
  void Next(const SharedSession& session);
  void Open(const SharedSession& session, uint32_t leader);
  void Send(const SharedSession& session, uint32_t leader);
  void OnAnswer(const SharedSession& session, const CallResult& result,
                const v1::CommandBatchResult& answer);
  void Retry(const SharedSession& session, const CallResult& result);
  void Finish(const SharedSession& session, Outcome outcome, const std::string& why,
              const v1::CommandResult& result);
  uint32_t LeaderOf(const Session& session) const;

  const ShardSet& shards_;
  NodeClients& clients_;
  boost::asio::io_context& io_;
  bool stopping_ = false;
  std::map<std::pair<uint32_t, uint64_t>, SharedSession> sessions_;  // by shard, account
};

}  // namespace quorumbook::server
