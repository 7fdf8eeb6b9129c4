// Puts load on an etcd cluster: clients with one put in flight each, in one process, over the same
// gRPC library and with the same clock and histogram as `qb bench`, so that the two compare.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/bench/latency_histogram.h"
#include "client/bench/load_connection.h"
#include "etcd_kv.grpc.pb.h"

namespace quorumbook::bench {
namespace {

constexpr uint64_t kKeys = 100'000;

struct Options {
  std::string endpoint;
  uint32_t clients = 1;
  uint32_t connections = 1;
  uint32_t value_bytes = 100;
  double warm_up = 1;
  double duration = 10;
};

struct Times {
  int64_t start_ns = 0;  // of what is measured
  int64_t end_ns = 0;
};

// Sends its next put when the last one is answered, from the thread that brought the answer.
class PutClient {
 public:
  PutClient(std::shared_ptr<grpc::Channel> channel, uint64_t number, const Options& options,
            const Times& times)
      : stub_(etcdserverpb::KV::NewStub(channel)), times_(times), key_(number) {
    request_.set_value(std::string(options.value_bytes, 'v'));
  }

  void Start() { Put(); }
  void Wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return done_; });
  }

  // After Wait.
  const LatencyHistogram& latency() const { return latency_; }
  uint64_t answered() const { return answered_; }
  const grpc::Status& error() const { return error_; }

 private:
  void Put() {
    context_ = std::make_unique<grpc::ClientContext>();
    key_ = (key_ * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407);
    request_.set_key("bench/" + std::to_string((key_ >> 32) % kKeys));
    sent_ns_ = NowNs();
    stub_->async()->Put(context_.get(), &request_, &response_,
                        [this](const grpc::Status& status) { OnAnswer(status); });
  }

  void OnAnswer(const grpc::Status& status) {
    const int64_t now_ns = NowNs();
    if (status.ok()) {
      if (now_ns >= times_.start_ns && now_ns < times_.end_ns) ++answered_;
      if (sent_ns_ >= times_.start_ns && sent_ns_ < times_.end_ns) {
        latency_.Record(now_ns - sent_ns_);
      }
      if (now_ns < times_.end_ns) {
        Put();
        return;
      }
    }
    std::lock_guard lock(mutex_);
    error_ = status;
    done_ = true;
    ended_.notify_all();
  }

  const std::unique_ptr<etcdserverpb::KV::Stub> stub_;
  const Times& times_;
  uint64_t key_;
  std::unique_ptr<grpc::ClientContext> context_;
  etcdserverpb::PutRequest request_;
  etcdserverpb::PutResponse response_;
  int64_t sent_ns_ = 0;
  LatencyHistogram latency_;
  uint64_t answered_ = 0;
  grpc::Status error_;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
};

int Run(const Options& options) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (uint32_t i = 0; i < options.connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection each
    channels.push_back(
        grpc::CreateCustomChannel(options.endpoint, grpc::InsecureChannelCredentials(), arguments));
  }
  Times times;
  times.start_ns = NowNs() + static_cast<int64_t>(options.warm_up * 1e9);
  times.end_ns = times.start_ns + static_cast<int64_t>(options.duration * 1e9);
  std::vector<std::unique_ptr<PutClient>> clients;
  for (uint32_t i = 0; i < options.clients; ++i) {
    clients.push_back(
        std::make_unique<PutClient>(channels[i % channels.size()], i + 1, options, times));
  }
  for (auto& client : clients) client->Start();
  LatencyHistogram latency;
  uint64_t answered = 0;
  for (auto& client : clients) {
    client->Wait();
    if (!client->error().ok()) {
      std::cerr << "etcd_load: " << client->error().error_message() << '\n';
      return 1;
    }
    latency.Merge(client->latency());
    answered += client->answered();
  }
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1e3; };
  const nlohmann::ordered_json json = {
      {"clients", options.clients},
      {"connections", options.connections},
      {"value_bytes", options.value_bytes},
      {"seconds", options.duration},
      {"puts", answered},
      {"puts_per_second", static_cast<double>(answered) / options.duration},
      {"latency_us",
       {{"p50", us(latency.Quantile(0.5))},
        {"p90", us(latency.Quantile(0.9))},
        {"p99", us(latency.Quantile(0.99))},
        {"p99_9", us(latency.Quantile(0.999))},
        {"max", us(latency.max())}}}};
  std::cout << json.dump(2) << std::endl;
  return 0;
}

}  // namespace
}  // namespace quorumbook::bench

int main(int argc, char** argv) {
  quorumbook::bench::Options options;
  CLI::App app("Puts load on an etcd cluster");
  app.add_option("--endpoint", options.endpoint, "host:port of the member to ask")->required();
  app.add_option("--clients", options.clients)->check(CLI::Range(1, 100'000));
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 1'024));
  app.add_option("--value-bytes", options.value_bytes)->check(CLI::Range(1, 1'000'000));
  app.add_option("--warm-up", options.warm_up, "Seconds")->check(CLI::NonNegativeNumber);
  app.add_option("--duration", options.duration, "Seconds")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  return quorumbook::bench::Run(options);
}
