#include "server/monitoring/monitor.h"

#include <spdlog/spdlog.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "server/monitoring/admin_api.h"
#include "server/monitoring/cluster_api.h"
#include "server/monitoring/http_server.h"
#include "server/monitoring/market_api.h"
#include "server/monitoring/node_clients.h"
#include "server/monitoring/order_api.h"
#include "server/monitoring/static_files.h"

namespace quorumbook::server {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr std::chrono::milliseconds kSampleTimeout{900};
// A clock that is corrected by less is followed; by more, it was set.
constexpr int64_t kClockStepMs = 1'000;
// For streams to say good-bye, and for requests under way to be answered.
constexpr std::chrono::milliseconds kFarewell{1'000};
constexpr std::chrono::milliseconds kFarewellPoll{10};

// Hands out the last sample. Called from gRPC's threads.
class SampleService final : public v1::Monitoring::CallbackService {
 public:
  void Set(SharedSample sample) {
    const std::lock_guard lock(mutex_);
    sample_ = std::move(sample);
  }

  grpc::ServerUnaryReactor* GetSample(grpc::CallbackServerContext* context,
                                      const v1::GetSampleRequest*,
                                      v1::NodeSample* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    SharedSample sample;
    {
      const std::lock_guard lock(mutex_);
      sample = sample_;
    }
    if (sample == nullptr) {
      reactor->Finish({grpc::StatusCode::UNAVAILABLE, "nothing was measured yet"});
      return reactor;
    }
    *response = *sample;
    response->set_time_ms(WallClockMs());
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  std::mutex mutex_;
  SharedSample sample_;  // guarded by mutex_; null: none yet
};

std::string WebRoot(const Config& config) {
  return config.web_root.empty() ? InstalledWebRoot() : config.web_root;
}

}  // namespace

// Members are destroyed from the last to the first: io_ and with it the connections before what
// they use.
class Monitor::Parts {
 public:
  explicit Parts(const MonitorEnvironment& environment)
      : environment_(environment),
        state_(environment, WallClockMs()),
        router_(environment.config->http_token, environment.config->http_operator_token),
        events_([this](const std::string& topic) { return ToText(TopicJson(state_, topic)); },
                &metrics_),
        books_(environment.shards),
        files_(WebRoot(*environment.config)),
        work_(boost::asio::make_work_guard(io_)),
        timer_(io_),
        sampler_(environment, &io_),
        clients_(*environment.config, &io_),
        reader_(environment.shards, &io_),
        orders_(environment.shards, &clients_, &io_),
        admin_(environment.shards, &clients_),
        server_(&io_, {&router_, &events_, &books_, &metrics_}) {
    AddClusterRoutes({&environment_, &state_, &metrics_}, &router_);
    AddMarketRoutes(&reader_, &state_, &router_);
    AddOrderRoutes({&reader_, &orders_, &state_}, &router_);
    AddAdminRoutes(&admin_, &state_, &router_);
    router_.SetFallback([this](const HttpRequest& request, const Respond& respond) {
      respond(files_.Get(request));
    });
  }

  grpc::Service* service() { return &service_; }

  absl::Status Start() {
    const std::string& address = environment_.config->listen_http;
    if (address != "off") {
      if (absl::Status status = server_.Listen(address, environment_.config->http_hosts);
          !status.ok())
        return status;
      spdlog::info("http at {}", address);
    }
    boost::asio::post(io_, [this] { Tick(); });
    thread_ = std::thread([this] { io_.run(); });
    return absl::OkStatus();
  }

  void BeginStop() {
    if (!thread_.joinable()) return;
    boost::asio::post(io_, [this] {
      state_.SetStopping();
      orders_.Stop();
    });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    std::promise<void> said;
    boost::asio::post(io_, [this, &said] {
      server_.Close();
      events_.End("this node is shutting down");
      books_.End("this node is shutting down");
      said.set_value();
    });
    said.get_future().wait();
    clients_.Stop();  // what waits for other nodes ends
    const auto deadline = std::chrono::steady_clock::now() + kFarewell;
    while (Talking() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kFarewellPoll);
    }
    work_.reset();
    io_.stop();
    thread_.join();
  }

 private:
  bool Talking() {
    std::promise<bool> talking;
    boost::asio::post(io_, [this, &talking] {
      const uint64_t streams = metrics_.event_streams + metrics_.web_sockets;
      talking.set_value(streams + metrics_.under_way > 0);
    });
    return talking.get_future().get();
  }

  // By how much the wall clock went on more than time did since the last call.
  int64_t ClockStepMs() {
    const int64_t wall_ms = WallClockMs();
    const auto steady = std::chrono::steady_clock::now();
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(steady - ticked_);
    const int64_t step_ms = wall_ms - ticked_ms_ - passed.count();
    ticked_ = steady;
    ticked_ms_ = wall_ms;
    return step_ms;
  }

  // Judges what arrived in the last second, then asks for more.
  void Tick() {
    const int64_t step_ms = ClockStepMs();
    if (std::abs(step_ms) > kClockStepMs) {
      spdlog::warn("the clock of this machine was set by {} ms", step_ms);
      state_.ShiftClock(step_ms);
    }
    const bool alerts_changed = state_.Update(ticked_ms_);
    events_.Publish(events_.size() > 0 ? News(alerts_changed)
                                       : std::map<std::string, std::string>());
    published_event_ = state_.events().last_id();
    sampler_.Take([this](std::shared_ptr<v1::NodeSample> sample) { OnOwn(std::move(sample)); });
    for (const auto& [id, node] : state_.view().nodes()) {
      if (!node.is_self()) Ask(id);
    }
    timer_.expires_after(kInterval);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) Tick();
    });
  }

  // What the last second brought, by topic.
  std::map<std::string, std::string> News(bool alerts_changed) {
    std::map<std::string, std::string> changed;
    for (const char* topic : {"summary", "nodes", "shards", "raft", "storage"}) {
      changed[topic] = ToText(TopicJson(state_, topic));
    }
    if (alerts_changed) changed["alerts"] = ToText(TopicJson(state_, "alerts"));
    const ClusterView& view = state_.view();
    if (state_.events().last_id() > published_event_) {
      changed["events"] = ToText(EventsJson(view, state_.events(), published_event_, kMaxEvents));
    }
    TimeseriesQuery last;
    last.since_ms = view.now_ms() - 1;
    changed["timeseries"] = ToText(TimeseriesJson(view, state_.history(), last));
    return changed;
  }

  void OnOwn(std::shared_ptr<v1::NodeSample> sample) {
    FillPeers(sample.get());
    sample->set_http_connections(static_cast<uint32_t>(metrics_.connections));
    state_.AddOwn(sample, WallClockMs());
    for (const ReadinessCheck& check : state_.Readiness()) {
      if (!check.ok) sample->add_not_ready(check.name + ": " + check.detail);
    }
    service_.Set(std::move(sample));
  }

  // What only this thread knows of the other nodes.
  void FillPeers(v1::NodeSample* sample) {
    for (v1::PeerSample& peer : *sample->mutable_peers()) {
      const NodeView* const node = state_.view().Find(peer.node_id());
      if (node == nullptr) continue;
      peer.set_reachable(state_.view().Reachable(peer.node_id()) && node->failure().empty());
      peer.set_round_trip_seconds(node->round_trip_seconds().value_or(0));
      peer.set_clock_offset_seconds(node->clock_offset_seconds().value_or(0));
    }
  }

  void Ask(uint32_t node) {
    const auto begun = std::chrono::steady_clock::now();
    clients_.GetSample(
        node, kSampleTimeout,
        [this, node, begun](const CallResult& result, const v1::NodeSample& sample) {
          const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
          NodeView* const view = state_.view().Find(node);
          if (!result.ok()) return view->Failed(result.status.error_message());
          if (sample.cluster_id() != environment_.config->cluster_id || sample.node_id() != node) {
            return view->Failed("another node answers at its address");
          }
          view->Add(std::make_shared<v1::NodeSample>(sample), WallClockMs(), took.count());
        });
  }

  const MonitorEnvironment environment_;
  HttpMetrics metrics_;
  ClusterState state_;
  Router router_;
  EventHub events_;
  BookHub books_;
  StaticFiles files_;
  SampleService service_;
  uint64_t published_event_ = 0;
  std::chrono::steady_clock::time_point ticked_ = std::chrono::steady_clock::now();
  int64_t ticked_ms_ = WallClockMs();
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  Sampler sampler_;
  NodeClients clients_;
  MarketReader reader_;
  OrderGateway orders_;
  AdminGateway admin_;
  HttpServer server_;
  std::thread thread_;
};

Monitor::Monitor(const MonitorEnvironment& environment)
    : parts_(std::make_unique<Parts>(environment)) {}
Monitor::~Monitor() = default;
grpc::Service* Monitor::service() { return parts_->service(); }
absl::Status Monitor::Start() { return parts_->Start(); }
void Monitor::BeginStop() { parts_->BeginStop(); }
void Monitor::Stop() { parts_->Stop(); }

}  // namespace quorumbook::server
