// Peer streams over real loopback connections.
#include "server/peer_transport.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/server/log_watch.h"
#include "tests/unit/server/talker.h"

namespace quorumbook::server {
namespace {

namespace asio = boost::asio;
using consensus::Index;
using consensus::Message;
using consensus::Term;
using ::testing::HasSubstr;

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

// What a peer that says hello with `first` is answered with; it hangs up after `frames` answers (0:
// never).
grpc::Status Knock(uint16_t port, const v1::PeerFrame& first, int frames = 0) {
  auto stub =
      v1::Peer::NewStub(grpc::CreateChannel(Loopback(port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.set_wait_for_ready(true);
  auto stream = stub->Connect(&context);
  stream->Write(first);
  v1::PeerFrame answer;
  while (stream->Read(&answer)) {
    if (--frames == 0) stream->WritesDone();
  }
  return stream->Finish();
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
  for (const std::string& impossible :
       {std::string(65, 'x'), std::string("no\nid"), std::string()}) {
    EXPECT_EQ(refusal(Hello(impossible, 1, kPeerProtocolVersion)),
              "this is cluster 'c', not another cluster")
        << "is not repeated";
  }
  EXPECT_THAT(refusal(Hello("c", 1, 99)), HasSubstr("protocol 99"));
  EXPECT_THAT(refusal(Hello("c", 9, kPeerProtocolVersion)), HasSubstr("node 9 is no peer"));
  EXPECT_THAT(refusal(Hello("c", 2, kPeerProtocolVersion)), HasSubstr("node 2 is no peer"));
  EXPECT_THAT(refusal(v1::PeerFrame()), HasSubstr("no hello"));
  EXPECT_TRUE(two.heard().Get().empty());
}

// What must be the same is compared; what a node may have of its own, or what changes from node to
// node while the cluster runs, is not.
TEST(PeerTransport, RefusesWhomOtherSettingsGovern) {
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Talker two("c", 2, ports);
  const auto answer = [&](const std::function<void(Config*)>& change) {
    Config config = MakeConfig("c", 1, {});
    change(&config);
    v1::PeerFrame frame = Hello("c", 1, kPeerProtocolVersion);
    *frame.mutable_hello()->mutable_settings() = SettingsOf(config);
    return Knock(ports[1], frame, 1);
  };
  const auto refusal = [&](const std::function<void(Config*)>& change) {
    const grpc::Status status = answer(change);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    return status.error_message();
  };
  EXPECT_THAT(refusal([](Config* c) { c->shards.push_back(ShardId(2)); }),
              HasSubstr("`shards` of node 1 and of node 2 differ"));
  EXPECT_THAT(refusal([](Config* c) { c->symbol_shards["A"] = ShardId(1); }),
              HasSubstr("`symbols` of node 1"));
  EXPECT_THAT(refusal([](Config* c) { c->default_shard = ShardId(2); }),
              HasSubstr("`symbols` of node 1"));
  for (const auto& change : std::vector<std::function<void(Config*)>>{
           [](Config* c) { c->election_timeout_min += std::chrono::milliseconds(1); },
           [](Config* c) { c->election_timeout_max += std::chrono::milliseconds(1); },
           [](Config* c) { c->heartbeat_interval += std::chrono::milliseconds(1); },
           [](Config* c) { c->quiesce_after += std::chrono::milliseconds(1); },
           [](Config* c) { c->lease_reads = true; }}) {
    EXPECT_THAT(refusal(change), HasSubstr("`raft` of node 1"));
  }
  EXPECT_THAT(refusal([](Config* c) {
                c->shards.push_back(ShardId(2));
                c->lease_reads = true;
              }),
              HasSubstr("`shards` and `raft` of node 1"));
  EXPECT_TRUE(two.greeted().Get().empty());
  EXPECT_TRUE(answer([](Config* c) {
                c->priority = 0;
                c->peers.push_back({NodeId(3), "x:1", "x:2"});
                c->snapshot_log_bytes *= 2;
                c->threads = 7;
              }).ok());
  EXPECT_TRUE(two.greeted().Await([](const auto& greeted) { return greeted.size() == 1; }));
}

TEST(PeerTransport, ARefusalIsLoggedOnceAChange) {
  LogWatch log;
  const std::vector<uint16_t> ports = {FreePort(), FreePort(), FreePort()};
  {
    Talker three("c", 3, ports);
    const auto knock = [&](const v1::PeerFrame& frame) { return Knock(ports[2], frame, 1); };
    const v1::PeerFrame stranger = Hello("other", 1, kPeerProtocolVersion);
    const v1::PeerFrame second = Hello("other", 2, kPeerProtocolVersion);
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(knock(stranger).ok());
      EXPECT_FALSE(knock(second).ok());
    }
    EXPECT_FALSE(knock(Hello("c", 1, 99)).ok());
    EXPECT_TRUE(knock(Hello("c", 1, kPeerProtocolVersion)).ok());
    EXPECT_FALSE(knock(Hello("c", 1, 99)).ok());
  }
  EXPECT_EQ(log.Count("refused: this is cluster 'c', not 'other'"), 2u) << "once a caller";
  EXPECT_EQ(log.Count("refused: peer protocol 99"), 2u) << "again after it was taken";
}

TEST(PeerTransport, WhoAnswersWithoutBeingThePeerIsLoggedOnce) {
  LogWatch log;
  const std::vector<uint16_t> ports = {FreePort(), FreePort()};
  Impostor impostor(Hello("c", 3, kPeerProtocolVersion));
  grpc::ServerBuilder builder;
  builder.AddListeningPort(Loopback(ports[1]), grpc::InsecureServerCredentials());
  builder.RegisterService(&impostor);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  {
    Talker one("c", 1, ports);
    EXPECT_TRUE(impostor.calls.Await([](int count) { return count >= 3; }));
    EXPECT_TRUE(one.greeted().Get().empty());
  }
  server->Shutdown(std::chrono::system_clock::now());
  EXPECT_EQ(log.Count("is refused: it is node 3"), 1u);
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
