// One client's stream of batches: read, submitted and answered in order.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "quorumbook/v1/exchange.grpc.pb.h"
#include "server/monitoring/grpc_metrics.h"
#include "server/session_guard.h"
#include "server/shard_set.h"

namespace quorumbook::server {

// Batches of one stream that are executed at a time; beyond it the stream is not read, so that
// gRPC's flow control holds the client back.
inline constexpr size_t kMaxStreamBatches = 256;
// Results of one message on a stream; a larger answer goes in several.
inline constexpr uint64_t kMaxResultBytes = uint64_t{1} << 20;

// Messages that were written, to be filled again: the memory that they hold serves the next ones.
// Thread-safe.
class SpareResults {
 public:
  v1::CommandBatchResult Take();
  // Keeps at most four, of ordinary size.
  void Give(v1::CommandBatchResult&& written);

 private:
  std::mutex mutex_;
  std::vector<v1::CommandBatchResult> spare_;  // guarded by mutex_
};

// Keeps itself alive until gRPC is done with it and no batch is under way. The stream ends with
// the first refusal; what was sent after the refused batch is not executed either, since the
// session then has a gap.
class OrderStream final : public grpc::ServerBidiReactor<v1::CommandBatch, v1::CommandBatchResult>,
                          public GuardedStream,
                          public std::enable_shared_from_this<OrderStream> {
 public:
  static OrderStream* Begin(const ShardSet* shards, SessionGuard* guard, GrpcMetrics* metrics,
                            grpc::CallbackServerContext* context);
  OrderStream(const ShardSet* shards, SessionGuard* guard, GrpcMetrics* metrics,
              grpc::CallbackServerContext* context)
      : shards_(*shards),
        guard_(*guard),
        count_(metrics, GrpcMetrics::kOrderStream),
        context_(context) {}

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void LoseShard(const Refusal& refusal) override;

 private:
  void Submit();
  Refusal Check(const ShardReplica& replica, uint64_t term);
  void OnReply(const GroupReply& reply);
  // REQUIRES of all below: mutex_ held.
  void ReadNext();
  void WriteNext();
  void EndWith(const Refusal& refusal);
  void FinishWhenIdle();
  void FinishWith(const grpc::Status& status);

  const ShardSet& shards_;
  SessionGuard& guard_;
  GrpcMetrics::Stream count_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<OrderStream> self_;
  v1::CommandBatch in_;
  SessionKey session_;  // of the last batch
  SpareResults spare_;

  std::mutex mutex_;                            // guards all below
  std::deque<v1::CommandBatchResult> results_;  // to be written; the front is being written
  size_t batches_ = 0;                          // read and not answered
  bool reading_ = false;
  bool writing_ = false;
  bool half_closed_ = false;  // the client sends no more
  bool finished_ = false;     // Finish was called
  bool ending_ = false;       // nothing more is read; final_status_ is why
  bool broken_ = false;       // a batch was refused in its turn: later ones have no answer
  grpc::Status final_status_;
};

// The results of a group, in messages of at most about `max_bytes`; at least one. `spare`: where
// messages come from.
std::deque<v1::CommandBatchResult> MakeResults(const exchange::ApplyResult& result,
                                               const exchange::GroupResult& group,
                                               uint64_t max_bytes, SpareResults* spare);

}  // namespace quorumbook::server
