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

// Thread-safe. To count a message takes one atomic addition.
class GrpcMetrics {
 public:
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
  struct Method;
  Method* FindOrAdd(grpc::experimental::ServerRpcInfo* info);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Method>, std::less<>> methods_;  // guarded by mutex_
};

}  // namespace quorumbook::server
