// The MarketDataStream of market_data.h.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "client/lib/backoff.h"
#include "client/lib/connection.h"
#include "quorumbook/market_data.h"

namespace quorumbook::client {

class Subscription final : public MarketDataStream {
 public:
  Subscription(std::shared_ptr<Connection> connection, v1::SubscribeRequest request,
               std::string first_address);
  ~Subscription() override;

  absl::StatusOr<v1::MarketDataUpdate> Next() override;
  void Cancel() override;
  SubscriptionStats stats() const override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  bool cancelled() const;
  // Whether the update goes on from what was seen; if not, the stream is over.
  bool Accept(const v1::MarketDataUpdate& update);
  void Open(const std::string& address);
  // What follows from the end of the stream: an error means the end of the subscription.
  absl::Status Decide(const RpcError& error);
  // Whether every node said that there is no such symbol.
  bool KnownNowhere() const;
  std::string NextAddress();
  absl::Status WaitBefore(std::chrono::milliseconds wait);
  absl::Status NobodyServes() const;

  const std::shared_ptr<Connection> connection_;
  const v1::SubscribeRequest request_;

  // Of the caller of Next.
  std::string preferred_;          // "" when any node will do
  std::string address_;            // of the open stream
  std::set<std::string> asked_;    // in this round
  std::set<std::string> unknown_;  // nodes that said last that they do not know the symbol
  int rounds_ = 0;                 // since an update came
  std::map<std::string, std::string> said_;
  Backoff backoff_;
  SteadyClock::time_point served_;  // when an update came last, or the first node was asked
  std::unique_ptr<grpc::ClientReader<v1::MarketDataUpdate>> reader_;
  std::string refused_;          // why the library itself ended the stream
  uint64_t sequence_ = 0;        // of the stream
  uint64_t event_sequence_ = 0;  // of all streams

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::unique_ptr<grpc::ClientContext> context_;
  bool cancelled_ = false;
  SubscriptionStats stats_;
  uint64_t streams_ = 0;
};

}  // namespace quorumbook::client
