// What the gRPC listeners count, with the names of go-grpc-prometheus.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/duration_histogram.h"

namespace quorumbook::server {

inline constexpr size_t kGrpcCodes = 17;
// "OK", "NotFound", ...
const char* GrpcCodeName(size_t code);

struct GrpcMethodCounts {
  std::string type;  // unary, server_stream, ...
  std::string service;
  std::string method;
  uint64_t started = 0;
  uint64_t received = 0;
  uint64_t sent = 0;
  std::array<uint64_t, kGrpcCodes> handled{};
  DurationHistogram durations;
};

// Thread-safe. Most calls are counted by an interceptor, which costs each message a second pass
// through gRPC's completion queue: those streams that carry orders, market data and Raft count
// themselves, with one atomic addition a message.
class GrpcMetrics {
 public:
  // The methods that count themselves.
  static constexpr const char* kOrderStream = "/quorumbook.v1.Exchange/Stream";
  static constexpr const char* kMarketDataStream = "/quorumbook.v1.MarketData/Subscribe";
  static constexpr const char* kPeerStream = "/quorumbook.v1.Peer/Connect";
  class Stream;

  GrpcMetrics();
  ~GrpcMetrics();

  // For ServerBuilder::experimental().SetInterceptorCreators; must not outlive this.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeFactory();

  std::vector<GrpcMethodCounts> Read() const;
  // Calls that ended, and those of them that speak of trouble at the server.
  struct Totals {
    uint64_t calls = 0;
    uint64_t errors = 0;
  };
  Totals ReadTotals() const;

 private:
  class Factory;
  class Interceptor;
  class Call;
  struct Method;
  // Null: no more are kept apart.
  Method* FindOrAdd(std::string_view path, const char* type);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Method>, std::less<>> methods_;  // guarded by mutex_
};

// One call of a streaming method, from beginning to end.
class GrpcMetrics::Stream {
 public:
  // `path`: one of those above. `metrics` outlives this.
  Stream(GrpcMetrics* metrics, const char* path);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void Received();
  void Sent();
  // What the call is finished with; a call that never is counts as cancelled.
  void Finishing(const grpc::Status& status);

 private:
  const std::unique_ptr<Call> call_;
};

}  // namespace quorumbook::server
