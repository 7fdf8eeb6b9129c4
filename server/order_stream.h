// One client's stream of batches: read, submitted and answered in order.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
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
// gRPC's flow control holds the client back. It is not read either while one of them is under way
// at a shard that is crowded: streams take turns, and nobody waits behind all that the others would
// like to send.
inline constexpr size_t kMaxStreamBatches = 256;
// Of answers that a client leaves unread, on the wire, those included that batches under way are
// expected to have; beyond it its stream is not read. A batch may have a larger one.
inline constexpr uint64_t kMaxUnsentBytes = uint64_t{8} << 20;
// Of all streams of a node; beyond it a stream with any is not read.
inline constexpr uint64_t kMaxUnsentBytesOfNode = uint64_t{256} << 20;
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
  // `unsent_of_node`: what all streams together count in kMaxUnsentBytesOfNode.
  static OrderStream* Begin(const ShardSet* shards, SessionGuard* guard,
                            std::atomic<uint64_t>* unsent_of_node, GrpcMetrics* metrics,
                            grpc::CallbackServerContext* context);
  OrderStream(const ShardSet* shards, SessionGuard* guard, std::atomic<uint64_t>* unsent_of_node,
              GrpcMetrics* metrics, grpc::CallbackServerContext* context)
      : shards_(*shards),
        guard_(*guard),
        unsent_of_node_(*unsent_of_node),
        count_(metrics, GrpcMetrics::kOrderStream),
        context_(context) {}

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void LoseShard(const Refusal& refusal) override;

 private:
  // A shard that has batches of this stream under way.
  struct Busy {
    const ShardReplica* replica;
    size_t batches;
  };

  void Submit();
  Refusal Check(const ShardReplica& replica, uint64_t term);
  // `expected_bytes`: what was counted as unsent for it.
  void OnReply(const GroupReply& reply, const ShardReplica* replica, uint64_t expected_bytes);
  // REQUIRES of all below: mutex_ held.
  void ReadNext();
  bool IsHeldBack() const;
  void BeginBatch(const ShardReplica* replica, uint64_t expected_bytes);
  void EndBatch(const ShardReplica* replica, uint64_t expected_bytes);
  void AddUnsent(uint64_t bytes);
  void RemoveUnsent(uint64_t bytes);
  void WriteNext();
  void EndWith(const Refusal& refusal);
  void FinishWhenIdle();
  void FinishWith(const grpc::Status& status);

  const ShardSet& shards_;
  SessionGuard& guard_;
  std::atomic<uint64_t>& unsent_of_node_;
  GrpcMetrics::Stream count_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<OrderStream> self_;
  v1::CommandBatch in_;
  SessionKey session_;  // of the last batch
  SpareResults spare_;

  std::mutex mutex_;                            // guards all below
  std::deque<v1::CommandBatchResult> results_;  // to be written; the front is being written
  size_t batches_ = 0;                          // read and not answered
  std::vector<Busy> busy_;                      // with all of them
  uint64_t unsent_bytes_ = 0;                   // see kMaxUnsentBytes
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

// What this takes on the wire, roughly: enough to keep bounds in bytes.
uint64_t WireBytes(const v1::CommandBatchResult& message);

}  // namespace quorumbook::server
