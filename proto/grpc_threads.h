// How many threads gRPC runs callbacks on.
//
// gRPC 1.51 starts half as many as there are cores, but at least two (CallbackAlternativeCQ::Ref in
// src/cpp/common/completion_queue_cc.cc), and has no setting for it. One of them waits for the
// network, and wakes up another one to wait in its place each time before it handles what came
// (end_worker in src/core/lib/iomgr/ev_epoll1_linux.cc). With all nodes of a cluster and its
// clients on two cores that was a quarter of the CPU time of an order; with one thread there is
// nobody to wake up. The others are kept busy with nothing: each is given a callback that waits for
// the end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace grpc {
class Channel;
}

namespace quorumbook {

class GrpcThreads {
 public:
  // Leaves `wanted` threads of the whole process to gRPC, or as many as it has, if these are fewer.
  // None is kept if gRPC then does not answer within a few seconds (another version of it may have
  // fewer threads). REQUIRES: wanted > 0; there is one of this class at a time.
  explicit GrpcThreads(uint32_t wanted);
  // Gives the threads back.
  ~GrpcThreads();
  GrpcThreads(const GrpcThreads&) = delete;
  GrpcThreads& operator=(const GrpcThreads&) = delete;

  // Threads that are kept.
  uint32_t kept() const { return kept_; }
  // Times that a kept thread has given the others something to do, so that none of them falls
  // asleep for a while.
  uint64_t ticks() const;
  // False: gRPC works with more threads than were wanted.
  bool as_wanted() const { return as_wanted_; }
  // Half of the cores, at least one.
  static uint32_t Default();

 private:
  class Gate;

  bool Keep(uint32_t threads);
  // Calls `then` on one of gRPC's threads, soon.
  void Call(std::function<void()> then);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::shared_ptr<Gate> gate_;
  uint32_t kept_ = 0;
  bool as_wanted_ = true;
};

}  // namespace quorumbook
