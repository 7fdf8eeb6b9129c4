// A cluster in one process, for tests of the client: real gRPC services on loopback, one after the
// other the leader of one shard, over one real exchange::Exchange. Faults are planned by the test.
//
// What a node executed stays executed whoever leads next, as if it had been committed: a command
// that a test finds executed twice was resent under another number.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "exchange/exchange.h"
#include "quorumbook/v1/cluster.grpc.pb.h"
#include "quorumbook/v1/exchange.grpc.pb.h"
#include "quorumbook/v1/market_data.grpc.pb.h"
#include "server/market_data_feed.h"
#include "server/name_directory.h"

namespace quorumbook::client {

inline constexpr uint32_t kShard = 1;

// What a stream does with a batch.
enum class Fault {
  kNone,
  kDropBeforeExecuting,  // ends without executing: UNAVAILABLE, no detail
  kDropAfterExecuting,   // executes, then ends without a reply
  kReplyToHalf,          // executes, replies to half of the batch, then ends
  kLeadershipLost,       // executes, then LEADERSHIP_LOST
  kBusy,                 // BUSY, not executed
  kWindowFull,           // SESSION_WINDOW_FULL, not executed
  kGap,                  // SESSION_GAP at the batch's first command, not executed
  kLostState,            // SESSION_GAP at the session's first command
  kSessionUnknown,       // SESSION_UNKNOWN
  kHang,                 // neither executes nor replies until the client gives up
  kHangAfterExecuting,   // executes this batch and what follows, replies to none
  kWrongSequence,        // replies to other commands than were sent
  kTooManyResults,
  kGarbageDetail,  // UNAVAILABLE with an error detail that can not be parsed
  kMoveLeader,     // the next node leads from now on; not executed
};

// What a subscription does with an update.
enum class StreamFault {
  kNone,
  kDrop,    // ends instead: UNAVAILABLE
  kSkip,    // leaves it out
  kCut,     // ends instead: SLOW_CONSUMER
  kFull,    // ends instead: TOO_MANY_SUBSCRIPTIONS
  kBehind,  // sends it as of an earlier event
};

// What a leader does with a change of who leads or is a member.
enum class ChangeFault {
  kNone,
  kSlow,        // answers when clients may have given up
  kTooLate,     // tries as long, and is BUSY then: it was not done in time
  kAnswerLost,  // does it, then UNAVAILABLE
};
// How long that takes.
inline constexpr std::chrono::milliseconds kSlowChange{500};

class FakeNode;

// The shared state. Thread-safe.
class FakeCluster {
 public:
  explicit FakeCluster(uint32_t nodes);
  ~FakeCluster();

  FakeNode& node(uint32_t id) { return *nodes_[id - 1]; }
  std::vector<std::string> endpoints() const;
  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }

  // 0: none.
  void SetLeader(uint32_t id);
  uint32_t leader() const;
  uint64_t term() const;
  // The `nth` batch that reaches a leader's stream from now on, 1 being the next, meets `fault`.
  // Plans are met in the order made, each counting from the one before.
  void Plan(Fault fault, int nth = 1);
  bool AllPlansMet() const;

  // Calls `look(exchange)` while nothing changes it.
  template <typename Function>
  auto Look(Function look) {
    std::lock_guard lock(mutex_);
    return look(std::as_const(exchange_));
  }
  // Most commands in one batch, and most unanswered at a time, that a stream brought.
  size_t largest_batch() const;
  // Batches with commands that leaders' streams brought.
  size_t batches() const;
  // Batches without commands that leaders' streams brought.
  int announced() const { return announced_; }

  // For nodes.
  Fault NextFault();
  void Apply(const exchange::Group& group, exchange::ApplyResult* result);
  server::NameDirectory& names() { return names_; }
  void Subscribe(const v1::SubscribeRequest& request,
                 std::shared_ptr<server::MarketDataSubscriber> subscriber);
  void Unsubscribe(const server::MarketDataSubscriber* subscriber);
  size_t subscribers() const;
  void CountBatch(size_t commands);
  void CountAnnounced() { ++announced_; }
  v1::ClusterDescription Describe(uint32_t answering) const;

 private:
  mutable std::mutex mutex_;
  exchange::Exchange exchange_;
  server::NameDirectory names_;
  server::MarketDataFeed feed_{ShardId(kShard)};
  exchange::Time time_ = 1'340'285'400'000'000'000;  // 2012-06-21 13:30 UTC
  uint32_t leader_ = 1;
  uint64_t term_ = 1;
  struct Planned {
    Fault fault;
    int in;
  };
  std::deque<Planned> plan_;
  size_t largest_batch_ = 0;
  size_t batches_ = 0;
  std::atomic<int> announced_ = 0;
  std::vector<std::unique_ptr<FakeNode>> nodes_;
};

class FakeNode final : public v1::Exchange::Service,
                       public v1::MarketData::Service,
                       public v1::Cluster::Service {
 public:
  FakeNode(FakeCluster* cluster, uint32_t id);
  ~FakeNode() override;

  uint32_t id() const { return id_; }
  const std::string& address() const { return address_; }
  // Refuses connections until Start, which takes the same port again.
  void Stop();
  void Start();
  // A follower names the leader, or this address instead, or nobody ("-").
  void NameLeader(std::string address);
  // Unary calls are not answered until `hang` is false again.
  void HangUnary(bool hang);
  // The next unary call to the leader gets this error.
  void FailNextUnary(v1::ErrorDetail::Code code);
  // The next change that it is asked for as the leader meets `fault`.
  void PlanChange(ChangeFault fault);
  // Changes that this node was asked for.
  int changes_asked() const { return changes_asked_; }
  // The `nth` update that this node sends from now on, 1 being the next, meets `fault`.
  void PlanUpdate(StreamFault fault, int nth);
  // Its replica is behind: whoever subscribes hears that there is no such symbol.
  void ForgetSymbols(bool forget) { forgets_symbols_ = forget; }
  // As if this replica's state had gone another way.
  void Corrupt() { corrupt_ = true; }
  int streams_opened() const;

  grpc::Status OpenSession(grpc::ServerContext* context, const v1::OpenSessionRequest* request,
                           v1::OpenSessionResponse* response) override;
  grpc::Status CloseSession(grpc::ServerContext* context, const v1::CloseSessionRequest* request,
                            v1::CloseSessionResponse* response) override;
  grpc::Status Stream(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::CommandBatchResult, v1::CommandBatch>* stream) override;
  grpc::Status GetOrder(grpc::ServerContext* context, const v1::GetOrderRequest* request,
                        v1::Order* response) override;
  grpc::Status ListSymbols(grpc::ServerContext* context, const v1::ListSymbolsRequest* request,
                           v1::ListSymbolsResponse* response) override;
  grpc::Status GetBook(grpc::ServerContext* context, const v1::GetBookRequest* request,
                       v1::Book* response) override;
  grpc::Status GetTrades(grpc::ServerContext* context, const v1::GetTradesRequest* request,
                         v1::Trades* response) override;
  grpc::Status GetSummary(grpc::ServerContext* context, const v1::GetSummaryRequest* request,
                          v1::Summary* response) override;
  grpc::Status GetCandles(grpc::ServerContext* context, const v1::GetCandlesRequest* request,
                          v1::Candles* response) override;
  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::MarketDataUpdate>* writer) override;
  grpc::Status ListOrders(grpc::ServerContext* context, const v1::ListOrdersRequest* request,
                          v1::ListOrdersResponse* response) override;
  grpc::Status GetAccount(grpc::ServerContext* context, const v1::GetAccountRequest* request,
                          v1::Account* response) override;
  grpc::Status ListAssets(grpc::ServerContext* context, const v1::ListAssetsRequest* request,
                          v1::ListAssetsResponse* response) override;
  grpc::Status DescribeCluster(grpc::ServerContext* context,
                               const v1::DescribeClusterRequest* request,
                               v1::ClusterDescription* response) override;
  grpc::Status GetNodeStatus(grpc::ServerContext* context, const v1::GetNodeStatusRequest* request,
                             v1::NodeStatus* response) override;
  grpc::Status TransferLeadership(grpc::ServerContext* context,
                                  const v1::TransferLeadershipRequest* request,
                                  v1::TransferLeadershipResponse* response) override;
  grpc::Status AddMember(grpc::ServerContext* context, const v1::ChangeMemberRequest* request,
                         v1::ChangeMemberResponse* response) override;

 private:
  using BatchStream = grpc::ServerReaderWriter<v1::CommandBatchResult, v1::CommandBatch>;

  // OK when this node leads and no unary fault is planned.
  grpc::Status CheckUnary(grpc::ServerContext* context, uint32_t shard);
  grpc::Status CheckLeader(grpc::ServerContext* context, uint32_t shard);
  // Serves one batch as `fault` says; not OK ends the stream.
  grpc::Status Serve(grpc::ServerContext* context, BatchStream* stream,
                     const v1::CommandBatch& batch, Fault fault);

  StreamFault NextStreamFault();
  // OK when this node leads and goes on with a change; `fault` is what was planned for it.
  grpc::Status BeginChange(grpc::ServerContext* context, uint32_t shard, ChangeFault* fault);
  template <typename Request, typename Fill>
  grpc::Status ReadSymbol(grpc::ServerContext* context, const Request* request, Fill fill);

  // Executes what comes and replies to nothing until the client gives up.
  grpc::Status ExecuteSilently(BatchStream* stream);

  FakeCluster* cluster_;
  const uint32_t id_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;

  mutable std::mutex mutex_;
  std::condition_variable released_;
  std::string named_leader_;
  bool hang_unary_ = false;
  v1::ErrorDetail::Code next_unary_error_ = v1::ErrorDetail::CODE_UNSPECIFIED;
  std::atomic<bool> corrupt_ = false;
  std::atomic<bool> forgets_symbols_ = false;
  int streams_opened_ = 0;
  ChangeFault change_fault_ = ChangeFault::kNone;
  std::atomic<int> changes_asked_ = 0;
  StreamFault stream_fault_ = StreamFault::kNone;
  int stream_fault_in_ = 0;
};

}  // namespace quorumbook::client
