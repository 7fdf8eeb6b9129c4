#include "server/monitoring/grpc_metrics.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

namespace quorumbook::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;
using Clock = std::chrono::steady_clock;

// Services are ours: what clients invent is not kept apart.
constexpr size_t kMaxMethods = 64;

constexpr std::array<const char*, kGrpcCodes> kCodeNames = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

// Unavailable is left out: it is how a follower names the leader.
constexpr std::array<size_t, 5> kErrors = {2, 4, 8, 13, 15};

// Of the methods that count themselves.
constexpr std::array<std::pair<const char*, const char*>, 3> kStreams = {
    {{GrpcMetrics::kOrderStream, "bidi_stream"},
     {GrpcMetrics::kMarketDataStream, "server_stream"},
     {GrpcMetrics::kPeerStream, "bidi_stream"}}};

// Null: it is none of them.
const char* TypeOfStream(std::string_view path) {
  for (const auto& [known, type] : kStreams) {
    if (path == known) return type;
  }
  return nullptr;
}

const char* TypeName(ServerRpcInfo::Type type) {
  switch (type) {
    case ServerRpcInfo::Type::UNARY:
      return "unary";
    case ServerRpcInfo::Type::CLIENT_STREAMING:
      return "client_stream";
    case ServerRpcInfo::Type::SERVER_STREAMING:
      return "server_stream";
    case ServerRpcInfo::Type::BIDI_STREAMING:
      return "bidi_stream";
  }
  return "unknown";
}

}  // namespace

const char* GrpcCodeName(size_t code) { return kCodeNames.at(code); }

struct GrpcMetrics::Method {
  std::string type;
  std::string service;
  std::string name;
  std::atomic<uint64_t> started{0};
  std::atomic<uint64_t> received{0};
  std::atomic<uint64_t> sent{0};
  std::array<std::atomic<uint64_t>, kGrpcCodes> handled{};
  std::mutex mutex;
  DurationHistogram durations;  // guarded by mutex
};

// Lives as long as a call. A call that was cancelled before it had a status was never answered.
class GrpcMetrics::Call {
 public:
  explicit Call(Method* method) : method_(*method) {
    method_.started.fetch_add(1, std::memory_order_relaxed);
  }
  ~Call() {
    method_.handled[code_].fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(method_.mutex);
    method_.durations.Add(Clock::now() - begun_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void Received() { method_.received.fetch_add(1, std::memory_order_relaxed); }
  void Sent() { method_.sent.fetch_add(1, std::memory_order_relaxed); }
  void Finishing(const grpc::Status& status) {
    const auto code = static_cast<size_t>(status.error_code());
    code_ = code < kGrpcCodes ? code : static_cast<size_t>(grpc::StatusCode::UNKNOWN);
  }

 private:
  Method& method_;
  const Clock::time_point begun_ = Clock::now();
  size_t code_ = grpc::StatusCode::CANCELLED;
};

class GrpcMetrics::Interceptor final : public grpc::experimental::Interceptor {
 public:
  explicit Interceptor(Method* method) : call_(method) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    using Hook = InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Hook::POST_RECV_MESSAGE) &&
        methods->GetRecvMessage() != nullptr) {
      call_.Received();
    }
    if (methods->QueryInterceptionHookPoint(Hook::PRE_SEND_MESSAGE)) call_.Sent();
    if (methods->QueryInterceptionHookPoint(Hook::PRE_SEND_STATUS)) {
      call_.Finishing(methods->GetSendStatus());
    }
    methods->Proceed();
  }

 private:
  Call call_;
};

class GrpcMetrics::Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(GrpcMetrics* metrics) : metrics_(*metrics) {}

  // Null: the call is not intercepted.
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    if (TypeOfStream(info->method()) != nullptr) return nullptr;
    Method* const method = metrics_.FindOrAdd(info->method(), TypeName(info->type()));
    return method == nullptr ? nullptr : new Interceptor(method);
  }

 private:
  GrpcMetrics& metrics_;
};

GrpcMetrics::Stream::Stream(GrpcMetrics* metrics, const char* path)
    : call_(std::make_unique<Call>(metrics->FindOrAdd(path, TypeOfStream(path)))) {}
GrpcMetrics::Stream::~Stream() = default;
void GrpcMetrics::Stream::Received() { call_->Received(); }
void GrpcMetrics::Stream::Sent() { call_->Sent(); }
void GrpcMetrics::Stream::Finishing(const grpc::Status& status) { call_->Finishing(status); }

// The streams are there from the start: their figures are never those that there is no place for.
GrpcMetrics::GrpcMetrics() {
  for (const auto& [path, type] : kStreams) FindOrAdd(path, type);
}
GrpcMetrics::~GrpcMetrics() = default;

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> GrpcMetrics::MakeFactory() {
  return std::make_unique<Factory>(this);
}

// `path`: "/package.Service/Method".
GrpcMetrics::Method* GrpcMetrics::FindOrAdd(std::string_view path, const char* type) {
  const std::lock_guard lock(mutex_);
  const auto found = methods_.find(path);
  if (found != methods_.end()) return found->second.get();
  const size_t slash = path.rfind('/');
  if (methods_.size() >= kMaxMethods || slash == std::string_view::npos || slash == 0) {
    return nullptr;
  }
  auto method = std::make_unique<Method>();
  method->type = type;
  method->service = path.substr(1, slash - 1);
  method->name = path.substr(slash + 1);
  return methods_.emplace(path, std::move(method)).first->second.get();
}

std::vector<GrpcMethodCounts> GrpcMetrics::Read() const {
  std::vector<GrpcMethodCounts> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [path, method] : methods_) {
    GrpcMethodCounts counts;
    counts.type = method->type;
    counts.service = method->service;
    counts.method = method->name;
    counts.started = method->started.load(std::memory_order_relaxed);
    counts.received = method->received.load(std::memory_order_relaxed);
    counts.sent = method->sent.load(std::memory_order_relaxed);
    for (size_t i = 0; i < kGrpcCodes; ++i) {
      counts.handled[i] = method->handled[i].load(std::memory_order_relaxed);
    }
    const std::lock_guard durations_lock(method->mutex);
    counts.durations = method->durations;
    all.push_back(std::move(counts));
  }
  return all;
}

GrpcMetrics::Totals GrpcMetrics::ReadTotals() const {
  Totals totals;
  for (const GrpcMethodCounts& method : Read()) {
    for (const uint64_t handled : method.handled) totals.calls += handled;
    for (const size_t code : kErrors) totals.errors += method.handled[code];
  }
  return totals;
}

}  // namespace quorumbook::server
