#include "server/node.h"

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <latch>
#include <map>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "server/clock_check.h"
#include "server/cluster_service.h"
#include "server/die.h"
#include "server/exchange_service.h"
#include "server/founding.h"
#include "server/grpc_limits.h"
#include "server/listen_address.h"
#include "server/log_writer.h"
#include "server/market_data_service.h"
#include "server/monitoring/monitor.h"
#include "server/peer_transport.h"
#include "server/replica/member.h"
#include "server/shard_replica.h"
#include "server/shard_set.h"
#include "storage/rocksdb_store.h"

namespace quorumbook::server {
namespace {

constexpr std::chrono::milliseconds kCloseTimeout{500};
constexpr std::chrono::seconds kClockCheckInterval{1};

absl::StatusOr<std::unique_ptr<grpc::Server>> Listen(const Config& config, Callers callers,
                                                     GrpcMetrics* metrics,
                                                     const std::vector<grpc::Service*>& services) {
  const bool nodes = callers == Callers::kNodes;
  const std::string& address = nodes ? config.listen_peer : config.listen_client;
  const std::string_view key = nodes ? "listen.peer" : "listen.client";
  {  // gRPC does not say why it can not listen, so the system is asked first.
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor acceptor(io);
    if (absl::Status status = OpenListener(address, key, &acceptor); !status.ok()) return status;
    boost::system::error_code error;
    if (config.tls == nullptr && !acceptor.local_endpoint(error).address().is_loopback()) {
      spdlog::warn("{}: whoever reaches {} is believed, in plain text (set tls.*)", key, address);
    }
  }
  grpc::ServerBuilder builder;
  SetListenerArguments(nodes ? kMaxPeerMessageBytes : kMaxClientMessageBytes, &builder);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(metrics->MakeFactory());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  int port = 0;
  builder.AddListeningPort(address, ListenerCredentials(config, callers), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(fmt::format("{}: can not listen on {}", key, address));
  }
  return server;
}

consensus::Options RaftOptions(const Config& config, ShardId shard, NodeId self,
                               const std::vector<NodeId>& founders) {
  consensus::Options options;
  options.id = self;
  // Who is no founder joins: it knows nobody until a leader speaks to it.
  if (std::find(founders.begin(), founders.end(), self) != founders.end()) {
    options.configuration = consensus::MakeConfiguration(founders);
  }
  options.election_timeout_min = config.election_timeout_min;
  options.election_timeout_max = config.election_timeout_max;
  options.heartbeat_interval = config.heartbeat_interval;
  options.lease_reads = config.lease_reads;
  options.priority = config.priority;
  options.quiesce_after = config.quiesce_after;
  options.keep_log_bytes = config.keep_log_bytes;
  options.snapshot_bytes_per_second = config.snapshot_bytes_per_second;
  const auto start = std::chrono::steady_clock::now().time_since_epoch().count();
  options.seed =
      static_cast<uint64_t>(start) ^ (config.node_id.value() << 48) ^ (shard.value() << 32);
  return options;
}

// From now on the calling thread gets a tenth of the processor time that another one gets, where
// there is not enough for all. (On Linux this is of the thread, not of the process.)
void YieldToOthers() {
  constexpr int kNice = 10;
  if (::setpriority(PRIO_PROCESS, 0, kNice) == 0) return;
  spdlog::warn("snapshots and compactions will compete with orders: setpriority: {} (allow it)",
               std::strerror(errno));
}

uint64_t DrawIncarnation() {
  std::random_device random;
  return std::uniform_int_distribution<uint64_t>(1, kMaxIncarnation)(random);
}

std::vector<NodeId> Numbers(const Config& config) {
  std::vector<NodeId> numbers;
  for (const PeerConfig& peer : config.peers) numbers.push_back(peer.id);
  return numbers;
}

}  // namespace

// Members are destroyed from the last to the first: what others use stands above them.
class Node::Parts {
 public:
  Parts(const Config& config, const std::vector<ConfigValue>& values)
      : config_(config),
        config_values_(values),
        work_(boost::asio::make_work_guard(io_)),
        strand_(boost::asio::make_strand(io_)),
        clock_timer_(strand_),
        shards_(&config_) {
    boost::asio::post(spare_, YieldToOthers);
  }

  absl::Status Start() {
    absl::Status status = OpenStore();
    // What is damaged must not vote. With others to learn from, the node begins anew as somebody
    // else, whom they take in; alone, that would be to lose everything.
    if (absl::IsDataLoss(status) && config_.peers.size() > 1) status = BeginAnew(status);
    if (!status.ok()) return status;
    probe_.emplace(store_.get(), config_.data_dir);
    grpc_threads_.emplace(config_.grpc_threads);
    if (!grpc_threads_->as_wanted()) {
      spdlog::warn("gRPC has other threads than expected: grpc_threads has no effect");
    }
    if (status = OpenListeners(); !status.ok()) return status;
    for (uint32_t i = 0; i < config_.threads; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
    boost::asio::post(strand_, [this] {
      shards_.WaitFor(founding_->WaitingFor());
      if (!founding_->founders().empty()) Serve();
    });
    transport_->Start();
    return absl::OkStatus();
  }

  void Stop() {
    background_stopping_ = true;
    if (monitor_ != nullptr) monitor_->BeginStop();
    if (!threads_.empty()) DrainShards();
    if (monitor_ != nullptr) monitor_->Stop();
    Close(client_server_.get());
    if (transport_ != nullptr) transport_->Stop();
    Close(peer_server_.get());
    // Strands use the log writer: it goes after their threads.
    spare_.join();
    background_.join();
    work_.reset();
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    for (const auto& [id, replica] : shards_.all()) replica->Close();
    log_writer_.reset();  // writes what is queued
  }

 private:
  static void Close(grpc::Server* server) {
    if (server != nullptr) server->Shutdown(std::chrono::system_clock::now() + kCloseTimeout);
  }

  std::function<void(const absl::Status&)> Fatal() const {
    return [this](const absl::Status& status) { Die(config_.data_dir, status); };
  }

  // The store, and everything in it.
  absl::Status OpenStore() {
    storage::RocksDbOptions options;
    options.directory = config_.data_dir;
    options.identity = {config_.cluster_id, config_.node_id, DrawIncarnation()};
    options.sync_times = &sync_times_;
    absl::StatusOr<std::unique_ptr<storage::Store>> store = storage::OpenRocksDbStore(options);
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    self_ = MakeMember(config_.node_id, store_->identity().incarnation);
    const bool began_anew = storage::CountSetAside(config_.data_dir) > 0;
    founding_.emplace(self_, began_anew, Numbers(config_), store_->founders());
    identity_.emplace(config_.cluster_id, self_, founding_->founders(), began_anew,
                      SettingsOf(config_));
    if (founding_->founders().empty()) return absl::OkStatus();
    // Alone it has decided just now.
    if (absl::Status status = store_->SetFounders(founding_->founders()); !status.ok())
      return status;
    log_writer_ = std::make_unique<LogWriter>(store_.get(), Fatal());
    return OpenShards();
  }

  absl::Status BeginAnew(const absl::Status& damage) {
    shards_.Clear();
    log_writer_.reset();
    store_.reset();
    absl::StatusOr<std::string> aside = storage::SetAside(config_.data_dir);
    if (!aside.ok()) return aside.status();
    spdlog::error("{}", damage.ToString());
    spdlog::error("the damaged data was moved to {}; this node asks its peers to take it in anew",
                  *aside);
    return OpenStore();
  }

  absl::Status OpenShards() {
    ReplicaEnvironment environment;
    environment.io = &io_;
    environment.background = &background_;
    environment.stopping = &background_stopping_;
    environment.spare = &spare_;
    environment.store = store_.get();
    environment.log_writer = log_writer_.get();
    environment.send = [this](ShardId shard, std::vector<consensus::Message> messages) {
      transport_->Send(shard, std::move(messages));
    };
    environment.fatal = Fatal();
    for (const ShardId shard : config_.shards) {
      ReplicaOptions options{shard, RaftOptions(config_, shard, self_, founding_->founders()),
                             config_.snapshot_log_bytes};
      absl::StatusOr<std::shared_ptr<ShardReplica>> replica =
          ShardReplica::Open(options, environment);
      if (!replica.ok()) return replica.status();
      shards_.Add(*std::move(replica));
    }
    return absl::OkStatus();
  }

  // Below: on strand_.

  void OnGreeted(const PeerGreeting& greeting) {
    connected_.insert_or_assign(NodeOf(greeting.member), greeting.member);
    if (founding_->OnHello(greeting.member, greeting.began_anew, greeting.founders)) {
      if (absl::Status status = store_->SetFounders(founding_->founders()); !status.ok())
        Die(config_.data_dir, status);
      log_writer_ = std::make_unique<LogWriter>(store_.get(), Fatal());
      if (absl::Status status = OpenShards(); !status.ok()) Die(config_.data_dir, status);
      transport_->AnnounceFounders(founding_->founders());
      Serve();
    }
    shards_.WaitFor(founding_->WaitingFor());
    TellConnected();
  }

  void OnLost(NodeId member) {
    const auto it = connected_.find(NodeOf(member));
    if (it != connected_.end() && it->second == member) connected_.erase(it);
    for (const auto& [id, replica] : shards_.all()) replica->PeerLost(member);
    TellConnected();
  }

  void TellConnected() {
    std::vector<NodeId> members;
    for (const auto& [node, member] : connected_) members.push_back(member);
    for (const auto& [id, replica] : shards_.all()) replica->SetConnected(members);
  }

  void Serve() {
    if (stopping_) return;
    shards_.Serve();
    for (const auto& [id, replica] : shards_.all()) replica->Start();
    TellConnected();
    if (!config_.lease_reads) return;
    LogClockTrusted();
    CheckClock();
  }

  void CheckClock() {
    const bool before = clock_check_.trusted();
    if (clock_check_.Add(ReadClocks()) != before) TellClockTrusted();
    clock_timer_.expires_after(kClockCheckInterval);
    clock_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error && !stopping_) CheckClock();
    });
  }

  void TellClockTrusted() {
    LogClockTrusted();
    for (const auto& [id, replica] : shards_.all()) {
      replica->SetClockTrusted(clock_check_.trusted());
    }
  }

  void LogClockTrusted() const {
    spdlog::info("lease reads: {}", clock_check_.trusted()
                                        ? "the clock runs evenly"
                                        : "not before the clock has run evenly for a while");
  }

  MonitorEnvironment MakeMonitorEnvironment() {
    MonitorEnvironment environment;
    environment.config = &config_;
    environment.config_values = &config_values_;
    environment.shards = &shards_;
    environment.probe = &*probe_;
    // There once the shards serve, and from then on.
    environment.log_writer = [this]() -> const LogWriter* {
      return shards_.all().empty() ? nullptr : log_writer_.get();
    };
    environment.transport = transport_.get();
    environment.grpc = &grpc_metrics_;
    environment.sync_times = &sync_times_;
    return environment;
  }

  absl::Status OpenListeners() {
    PeerEvents events;
    events.receive = [this](ShardId shard, std::vector<consensus::Message> messages) {
      const auto& replicas = shards_.all();
      const auto it = replicas.find(shard);
      if (it != replicas.end()) it->second->Receive(std::move(messages));
    };
    events.greeted = [this](const PeerGreeting& greeting) {
      boost::asio::post(strand_, [this, greeting] { OnGreeted(greeting); });
    };
    events.lost = [this](NodeId member) {
      boost::asio::post(strand_, [this, member] { OnLost(member); });
    };
    events.forged = [this](NodeId node) {
      for (const auto& [id, replica] : shards_.all()) replica->ForgedSender(node);
    };
    transport_ = std::make_unique<PeerTransport>(config_, &*identity_, &io_, &grpc_metrics_,
                                                 std::move(events));
    exchange_service_ = std::make_unique<ExchangeService>(&shards_, &grpc_metrics_);
    market_data_service_ = std::make_unique<MarketDataService>(&shards_, &grpc_metrics_);
    cluster_service_ = std::make_unique<ClusterService>(&shards_, &*probe_);
    monitor_ = std::make_unique<Monitor>(MakeMonitorEnvironment());
    auto peer = Listen(config_, Callers::kNodes, &grpc_metrics_, {transport_->service()});
    if (!peer.ok()) return peer.status();
    peer_server_ = *std::move(peer);
    auto client = Listen(config_, Callers::kClients, &grpc_metrics_,
                         {exchange_service_.get(), market_data_service_.get(),
                          cluster_service_.get(), monitor_->service()});
    if (!client.ok()) return client.status();
    client_server_ = *std::move(client);
    return monitor_->Start();
  }

  void DrainShards() {
    std::promise<void> stopping;
    boost::asio::post(strand_, [this, &stopping] {
      stopping_ = true;
      stopping.set_value();
    });
    stopping.get_future().wait();
    std::latch drained(static_cast<std::ptrdiff_t>(shards_.all().size()));
    for (const auto& [id, replica] : shards_.all()) {
      replica->Drain([&drained] { drained.count_down(); });
    }
    drained.wait();
  }

  const Config config_;
  const std::vector<ConfigValue> config_values_;
  GrpcMetrics grpc_metrics_;  // used by calls until their last holder is gone, which io_ may be
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::thread_pool background_{1};
  std::atomic<bool> background_stopping_ = false;
  boost::asio::thread_pool spare_{1};
  storage::SyncTimes sync_times_;
  std::unique_ptr<storage::Store> store_;
  std::optional<StoreProbe> probe_;
  std::unique_ptr<LogWriter> log_writer_;
  std::optional<PeerIdentity> identity_;
  std::unique_ptr<PeerTransport> transport_;
  NodeId self_;  // as a member
  // Used on strand_ once the threads run.
  std::optional<Founding> founding_;
  std::map<NodeId, NodeId> connected_;  // by node: the member who said hello last
  bool stopping_ = false;
  ClockCheck clock_check_;
  boost::asio::steady_timer clock_timer_;
  ShardSet shards_;
  std::unique_ptr<ExchangeService> exchange_service_;
  std::unique_ptr<MarketDataService> market_data_service_;
  std::unique_ptr<ClusterService> cluster_service_;
  std::optional<GrpcThreads> grpc_threads_;
  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<grpc::Server> peer_server_;
  std::unique_ptr<grpc::Server> client_server_;
  std::vector<std::thread> threads_;
};

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() = default;

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const Config& config,
                                                  const std::vector<ConfigValue>& values) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto parts = std::make_unique<Parts>(config, values);
  if (absl::Status status = parts->Start(); !status.ok()) {
    parts->Stop();
    return status;
  }
  return std::unique_ptr<Node>(new Node(std::move(parts)));
}

void Node::Stop() { parts_->Stop(); }

}  // namespace quorumbook::server
