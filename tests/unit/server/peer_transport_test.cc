// Peer streams over real loopback connections.
#include "server/peer_transport.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "quorumbook/v1/peer.grpc.pb.h"
#include "server/grpc_limits.h"
#include "server/replica/member.h"
#include "tests/unit/server/wait.h"

namespace quorumbook::server {
namespace {

namespace asio = boost::asio;
using consensus::Index;
using consensus::Message;
using consensus::Term;
using ::testing::HasSubstr;

uint16_t FreePort() {
  asio::io_context io;
  return asio::ip::tcp::acceptor(io, {asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

std::string Loopback(uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

Config MakeConfig(const std::string& cluster, uint64_t node, const std::vector<uint16_t>& ports) {
  Config config;
  config.cluster_id = cluster;
  config.node_id = NodeId(node);
  for (size_t i = 0; i < ports.size(); ++i) {
    config.peers.push_back({NodeId(i + 1), "unused", Loopback(ports[i])});
  }
  return config;
}

Message Probe(uint64_t from, uint64_t to, uint64_t term) {
  return {NodeId(from), NodeId(to), Term(term), consensus::RequestVote{Index(7), Term(1)}};
}

// A node that only talks.
class Talker {
 public:
  Talker(const std::string& cluster, uint64_t node, const std::vector<uint16_t>& ports,
         uint64_t incarnation = 0)
      : work_(asio::make_work_guard(io_)),
        identity_(cluster, MakeMember(NodeId(node), incarnation), {}, false),
        transport_(MakeConfig(cluster, node, ports), &identity_, &io_, &metrics_, Events()) {
    grpc::ServerBuilder builder;
    SetListenerArguments(kMaxPeerMessageBytes, &builder);
    builder.AddListeningPort(Loopback(ports[node - 1]), grpc::InsecureServerCredentials());
    builder.RegisterService(transport_.service());
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
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
  Watched<std::vector<Message>>& heard() { return heard_; }
  Watched<std::vector<PeerGreeting>>& greeted() { return greeted_; }
  Watched<std::vector<NodeId>>& lost() { return lost_; }

 private:
  PeerEvents Events() {
    PeerEvents events;
    events.receive = [this](ShardId, std::vector<Message> messages) {
      heard_.Update([&](std::vector<Message>& heard) {
        heard.insert(heard.end(), messages.begin(), messages.end());
      });
    };
    events.greeted = [this](const PeerGreeting& greeting) {
      greeted_.Update([&](std::vector<PeerGreeting>& greeted) { greeted.push_back(greeting); });
    };
    events.lost = [this](NodeId member) {
      lost_.Update([&](std::vector<NodeId>& lost) { lost.push_back(member); });
    };
    return events;
  }

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  Watched<std::vector<Message>> heard_;
  Watched<std::vector<PeerGreeting>> greeted_;
  Watched<std::vector<NodeId>> lost_;
  PeerIdentity identity_;
  GrpcMetrics metrics_;
  PeerTransport transport_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;
};

// Messages are lost until both are connected, as Raft's are: repeats until one comes through.
bool SendUntilHeard(Talker* from, Talker* to, const Message& message) {
  const auto arrived = [&](const std::vector<Message>& heard) {
    for (const Message& one : heard) {
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

TEST(PeerTransport, CarriesMessagesBothWays) {
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Talker one("c", 1, ports);
  Talker two("c", 2, ports);
  EXPECT_TRUE(SendUntilHeard(&one, &two, Probe(1, 2, 5)));
  EXPECT_TRUE(SendUntilHeard(&two, &one, Probe(2, 1, 6)));
  const Message message = two.heard().Get().front();
  EXPECT_EQ(message.from, NodeId(1)) << "as the hello said, not as the message claims";
  EXPECT_EQ(message.to, NodeId(2));
  EXPECT_EQ(std::get<consensus::RequestVote>(message.body).last_log_index, Index(7));
}

TEST(PeerTransport, ConnectsAgainAfterAPeerRestarted) {
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Talker one("c", 1, ports);
  for (uint64_t life = 1; life <= 3; ++life) {
    Talker two("c", 2, ports);
    EXPECT_TRUE(SendUntilHeard(&one, &two, Probe(1, 2, life)));
  }
}

TEST(PeerTransport, TellsWhoIsThereAndWhoFoundedTheCluster) {
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Talker one("c", 1, ports, 11);
  const NodeId first = MakeMember(NodeId(1), 11);
  const NodeId second = MakeMember(NodeId(2), 22);
  {
    Talker two("c", 2, ports, 22);
    ASSERT_TRUE(one.greeted().Await([](const auto& greeted) { return !greeted.empty(); }));
    ASSERT_TRUE(two.greeted().Await([](const auto& greeted) { return !greeted.empty(); }));
    EXPECT_EQ(one.greeted().Get().front().member, second);
    EXPECT_EQ(two.greeted().Get().front().member, first);
    EXPECT_TRUE(two.greeted().Get().front().founders.empty());
    one.transport().AnnounceFounders({first, second});
    ASSERT_TRUE(two.greeted().Await([&](const auto& greeted) {
      return greeted.back().founders == std::vector<NodeId>{first, second};
    }));
  }
  EXPECT_TRUE(
      one.lost().Await([&](const auto& lost) { return lost == std::vector<NodeId>{second}; }));
}

// What is meant for a node that has another store now is not for the one that has come.
TEST(PeerTransport, LosesMessagesToAnEarlierIncarnation) {
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Talker one("c", 1, ports, 11);
  Talker two("c", 2, ports, 22);
  const NodeId member = MakeMember(NodeId(2), 22);
  const NodeId earlier = MakeMember(NodeId(2), 21);
  Message lost = Probe(1, 2, 5);
  lost.to = earlier;
  one.transport().Send(ShardId(1), {lost});
  Message message = Probe(1, 2, 6);
  message.from = MakeMember(NodeId(1), 11);
  message.to = member;
  ASSERT_TRUE(SendUntilHeard(&one, &two, message));
  one.transport().Send(ShardId(1), {lost});
  message.term = Term(7);
  ASSERT_TRUE(SendUntilHeard(&one, &two, message));
  for (const Message& heard : two.heard().Get()) {
    EXPECT_NE(heard.term, Term(5));
    EXPECT_EQ(heard.to, member);
  }
}

// What a peer that says `hello` is answered with.
grpc::Status Knock(uint16_t port, const v1::PeerFrame& first) {
  auto stub =
      v1::Peer::NewStub(grpc::CreateChannel(Loopback(port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.set_wait_for_ready(true);
  auto stream = stub->Connect(&context);
  stream->Write(first);
  v1::PeerFrame answer;
  while (stream->Read(&answer)) {
  }
  return stream->Finish();
}

v1::PeerFrame Hello(const std::string& cluster, uint32_t node, uint32_t version) {
  v1::PeerFrame frame;
  frame.mutable_hello()->set_cluster_id(cluster);
  frame.mutable_hello()->set_node_id(node);
  frame.mutable_hello()->set_protocol_version(version);
  return frame;
}

TEST(PeerTransport, RefusesWhomItDoesNotKnow) {
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Talker two("c", 2, ports);
  const auto refusal = [&](const v1::PeerFrame& frame) {
    const grpc::Status status = Knock(ports[1], frame);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    return status.error_message();
  };
  EXPECT_THAT(refusal(Hello("other", 1, kPeerProtocolVersion)),
              HasSubstr("this is cluster 'c', not 'other'"));
  EXPECT_THAT(refusal(Hello("c", 1, 99)), HasSubstr("protocol 99"));
  EXPECT_THAT(refusal(Hello("c", 9, kPeerProtocolVersion)), HasSubstr("node 9 is no peer"));
  EXPECT_THAT(refusal(Hello("c", 2, kPeerProtocolVersion)), HasSubstr("node 2 is no peer"));
  EXPECT_THAT(refusal(v1::PeerFrame()), HasSubstr("no hello"));
  EXPECT_TRUE(two.heard().Get().empty());
}

TEST(PeerTransport, SurvivesGarbageOnItsPort) {
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Talker two("c", 2, ports);
  for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\n\r\n"),
                                     std::string(100'000, '\xff'), std::string("\0", 1)}) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::address_v4::loopback(), ports[1]});
    boost::system::error_code error;  // the node may hang up while this is being written
    asio::write(socket, asio::buffer(garbage), error);
  }
  Talker one("c", 1, ports);
  EXPECT_TRUE(SendUntilHeard(&one, &two, Probe(1, 2, 5))) << "still serves its peers";
}

}  // namespace
}  // namespace quorumbook::server
