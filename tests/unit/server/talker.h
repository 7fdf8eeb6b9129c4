// Nodes that only talk, over loopback, and what they need.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/check.h"
#include "quorumbook/v1/peer.grpc.pb.h"
#include "server/grpc_limits.h"
#include "server/peer_transport.h"
#include "server/replica/member.h"
#include "tests/unit/server/wait.h"

namespace quorumbook::server {

// A TCP port of loopback that is this process's until it ends. It is none of those that the kernel
// gives to connections, and the UDP port of the same number, held open, tells other processes that
// it is taken (as PortLease of tests/integration/cluster.py does).
inline uint16_t FreePort() {
  using boost::asio::ip::tcp;
  using boost::asio::ip::udp;
  constexpr uint16_t kFirst = 20'000;
  constexpr uint16_t kLast = 32'000;
  static boost::asio::io_context io;
  static std::list<udp::socket> markers;
  static auto next = static_cast<uint16_t>(kFirst + getpid() * 64 % (kLast - kFirst));
  const auto loopback = boost::asio::ip::address_v4::loopback();
  for (int i = kFirst; i < kLast; ++i) {
    const uint16_t port = next;
    next = port + 1 == kLast ? kFirst : static_cast<uint16_t>(port + 1);
    boost::system::error_code taken;
    udp::socket marker(io, udp::v4());
    marker.bind({loopback, port}, taken);
    tcp::socket probe(io, tcp::v4());
    probe.set_option(tcp::acceptor::reuse_address(true));
    if (!taken) probe.bind({loopback, port}, taken);
    if (taken) continue;
    markers.push_back(std::move(marker));
    return port;
  }
  ADD_FAILURE() << "no free port";
  return 0;
}

inline std::string Loopback(uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

inline Config MakeConfig(const std::string& cluster, uint64_t node,
                         const std::vector<uint16_t>& ports) {
  Config config;
  config.shards = {ShardId(1)};
  config.default_shard = ShardId(1);
  config.cluster_id = cluster;
  config.node_id = NodeId(node);
  for (size_t i = 0; i < ports.size(); ++i) {
    config.peers.push_back({NodeId(i + 1), "unused", Loopback(ports[i])});
  }
  return config;
}

inline consensus::Message Probe(uint64_t from, uint64_t to, uint64_t term) {
  return {NodeId(from), NodeId(to), consensus::Term(term),
          consensus::RequestVote{consensus::Index(7), consensus::Term(1)}};
}

// A node that only talks.
class Talker {
 public:
  Talker(const std::string& cluster, uint64_t node, const std::vector<uint16_t>& ports,
         uint64_t incarnation = 0)
      : Talker(MakeConfig(cluster, node, ports), incarnation) {}
  explicit Talker(Config config, uint64_t incarnation = 0)
      : config_(std::move(config)),
        work_(boost::asio::make_work_guard(io_)),
        identity_(config_.cluster_id, MakeMember(config_.node_id, incarnation), {}, false,
                  SettingsOf(config_)),
        transport_(config_, &identity_, &io_, &metrics_, Events()) {
    grpc::ServerBuilder builder;
    SetListenerArguments(kMaxPeerMessageBytes, &builder);
    builder.AddListeningPort(config_.peer(config_.node_id).peer_address,
                             ListenerCredentials(config_, Callers::kNodes));
    builder.RegisterService(transport_.service());
    server_ = builder.BuildAndStart();
    QB_CHECK(server_ != nullptr);
    thread_ = std::thread([this] { io_.run(); });
    transport_.Start();
  }
  ~Talker() {
    transport_.Stop();
    server_->Shutdown(std::chrono::system_clock::now());
    work_.reset();
    io_.stop();
    thread_.join();
  }

  PeerTransport& transport() { return transport_; }
  Watched<std::vector<consensus::Message>>& heard() { return heard_; }
  Watched<std::vector<PeerGreeting>>& greeted() { return greeted_; }
  Watched<std::vector<NodeId>>& lost() { return lost_; }
  Watched<std::vector<NodeId>>& forged() { return forged_; }

 private:
  PeerEvents Events() {
    PeerEvents events;
    events.receive = [this](ShardId, std::vector<consensus::Message> messages) {
      heard_.Update([&](std::vector<consensus::Message>& heard) {
        heard.insert(heard.end(), messages.begin(), messages.end());
      });
    };
    events.greeted = [this](const PeerGreeting& greeting) {
      greeted_.Update([&](std::vector<PeerGreeting>& greeted) { greeted.push_back(greeting); });
    };
    events.lost = [this](NodeId member) {
      lost_.Update([&](std::vector<NodeId>& lost) { lost.push_back(member); });
    };
    events.forged = [this](NodeId node) {
      forged_.Update([&](std::vector<NodeId>& forged) { forged.push_back(node); });
    };
    return events;
  }

  const Config config_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Watched<std::vector<consensus::Message>> heard_;
  Watched<std::vector<PeerGreeting>> greeted_;
  Watched<std::vector<NodeId>> lost_;
  Watched<std::vector<NodeId>> forged_;
  PeerIdentity identity_;
  GrpcMetrics metrics_;
  PeerTransport transport_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;
};

// Messages are lost until both are connected, as Raft's are: repeats until one comes through.
inline bool SendUntilHeard(Talker* from, Talker* to, const consensus::Message& message) {
  const auto arrived = [&](const std::vector<consensus::Message>& heard) {
    for (const consensus::Message& one : heard) {
      if (one.term == message.term && one.from == message.from) return true;
    }
    return false;
  };
  for (int attempt = 0; attempt < 6000; ++attempt) {
    from->transport().Send(ShardId(1), {message});
    if (arrived(to->heard().Get())) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

inline v1::PeerFrame Hello(const std::string& cluster, uint32_t node, uint32_t version) {
  v1::PeerFrame frame;
  frame.mutable_hello()->set_cluster_id(cluster);
  frame.mutable_hello()->set_node_id(node);
  frame.mutable_hello()->set_protocol_version(version);
  *frame.mutable_hello()->mutable_settings() = SettingsOf(MakeConfig(cluster, node, {}));
  return frame;
}

// Answers each call with one hello, whatever it is told.
class Impostor final : public v1::Peer::Service {
 public:
  explicit Impostor(v1::PeerFrame hello) : hello_(std::move(hello)) {}
  grpc::Status Connect(grpc::ServerContext*,
                       grpc::ServerReaderWriter<v1::PeerFrame, v1::PeerFrame>* stream) override {
    calls.Update([](int& count) { ++count; });
    stream->Write(hello_);
    v1::PeerFrame frame;
    while (stream->Read(&frame)) {
    }
    return grpc::Status::OK;
  }

  Watched<int> calls;  // that began

 private:
  const v1::PeerFrame hello_;
};

}  // namespace quorumbook::server
