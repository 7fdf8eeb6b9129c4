// OrderSession over one stream after another.
//
// Threads: Submit and gRPC's callbacks fill and empty the ring of pending commands; a thread of
// the session finds the leader, opens streams one at a time, and watches that answers come. A slot
// of the ring belongs to the stream's reader from the moment it was sent until it is marked
// answered, so callbacks run without a lock.
#pragma once

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "client/lib/connection.h"
#include "client/lib/pending_commands.h"
#include "client/lib/route.h"
#include "client/lib/session_stream.h"
#include "quorumbook/order_session.h"

namespace quorumbook::client {

class Session final : public OrderSession, private SessionStream::Owner {
 public:
  struct Identity {
    uint32_t shard = 0;
    uint64_t account = 0;
    uint64_t id = 0;
  };
  // Opens the session on the exchange. Errors: as SessionOptions and Client::OpenSession say.
  static absl::StatusOr<std::unique_ptr<OrderSession>> Open(std::shared_ptr<Connection> connection,
                                                            uint32_t shard, uint64_t account,
                                                            const SessionOptions& options);
  Session(std::shared_ptr<Connection> connection, Identity identity, const SessionOptions& options);
  ~Session() override;

  absl::Status Submit(v1::Command command, Callback callback) override;
  absl::StatusOr<v1::CommandResult> Execute(v1::Command command) override;
  absl::Status Drain() override;
  uint64_t id() const override { return identity_.id; }
  uint32_t shard() const override { return identity_.shard; }
  uint64_t account() const override { return identity_.account; }
  SessionStats stats() const override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  // Batches that are not full are sent only while fewer than PartialBatches() are unanswered;
  // beyond, commands wait to fill one. A lone order never waits, a flood goes in large messages.
  // Where answers take long, more are under way: an order waits for a part of that time alone.
  static constexpr size_t kMinPartialBatches = 2;
  static constexpr size_t kMaxPartialBatches = 16;
  static constexpr std::chrono::milliseconds kPartialBatchSpacing{4};

  bool OnResults(v1::CommandBatchResult* results) override;
  void OnWritable() override;
  void OnClosed(const RpcError& error) override;

  // Sends the next batch if there is one and the stream can take it. Unlocks `lock` if so.
  void SendNext(Lock& lock);
  bool MaySend(uint64_t count) const;
  std::string& BuildBatch(uint64_t count);
  void CountResent(uint64_t first, uint64_t count);
  size_t PartialBatches() const;
  absl::Status CheckResults(const v1::CommandBatchResult& results) const;

  // The session's own thread.
  void Run();
  bool WaitForWork(Lock& lock);
  absl::Status Pause(Lock& lock, std::chrono::milliseconds wait);
  RpcError RunStream(Lock& lock, const std::string& address);
  absl::Status Decide(const std::string& address, const RpcError& error);
  absl::Status CheckHead() const;
  bool Stalled() const;
  void Fail(Lock& lock, const absl::Status& status);

  const std::shared_ptr<Connection> connection_;
  const Identity identity_;
  const SessionOptions options_;
  Route route_;  // of the session's thread

  mutable std::mutex mutex_;
  std::condition_variable room_;     // for Submit
  std::condition_variable drained_;  // for Drain
  std::condition_variable wake_;     // for the session's thread
  PendingCommands pending_;
  absl::Status status_;          // an error: the session is over
  absl::Status protocol_error_;  // of a node that answered what was not asked
  bool answering_ = false;       // callbacks are being called
  bool stopping_ = false;
  bool all_answered_ = false;  // when the session's thread ended
  int waiting_for_room_ = 0;

  SessionStream* stream_ = nullptr;  // the open one
  bool stream_answered_ = false;
  bool stream_announced_ = false;  // something was written to it
  // How long a stream may stay silent. Doubles with each that does and falls back with the first
  // answer, so that a cluster slower than attempt_timeout is not asked over and over in vain.
  std::chrono::milliseconds patience_;
  RpcError stream_error_;
  SteadyClock::time_point stream_started_;
  absl::StatusOr<v1::CommandResult> answer_{v1::CommandResult()};  // that a callback is told
  std::string batch_;                                              // being written
  std::array<uint64_t, kMaxPartialBatches> batch_ends_{};  // last sequences of the latest batches
  size_t next_batch_end_ = 0;

  std::chrono::nanoseconds answer_time_{0};  // smoothed, from submission on
  SteadyClock::time_point waiting_since_;  // the last answer, or the submission after an idle time
  SessionStats stats_;
  uint64_t streams_ = 0;
  uint64_t highest_sent_ = 0;
  uint64_t highest_resent_ = 0;

  std::thread thread_;
};

}  // namespace quorumbook::client
