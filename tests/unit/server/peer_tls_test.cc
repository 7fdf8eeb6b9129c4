// Who is taken for whom when nodes have certificates, over real loopback connections.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/server/log_watch.h"
#include "tests/unit/server/talker.h"
#include "tests/unit/server/test_certificates.h"

namespace quorumbook::server {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PeerTlsTest : public ::testing::Test {
 protected:
  Config Plain(uint64_t node) const { return MakeConfig("c", node, ports_); }
  Config WithTls(uint64_t node) const { return certificates_.WithTls(Plain(node)); }

  // What node 3 answers to who has the certificate of `certified` and says these things. It
  // listens.
  grpc::Status Knock(const Config& certified, const std::vector<v1::PeerFrame>& frames) const {
    auto stub = v1::Peer::NewStub(MakeNodeChannel(certified, NodeId(3), Loopback(ports_[2])));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    auto stream = stub->Connect(&context);
    for (const v1::PeerFrame& frame : frames) stream->Write(frame);
    v1::PeerFrame answer;
    while (stream->Read(&answer)) {
    }
    return stream->Finish();
  }
  // `impostor` listens where node 2 is dialed, with the certificate of `certified`.
  std::unique_ptr<grpc::Server> AnswerAsNodeTwo(Impostor* impostor, const Config& certified) const {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(Loopback(ports_[1]), ListenerCredentials(certified, Callers::kNodes));
    builder.RegisterService(impostor);
    return builder.BuildAndStart();
  }
  static v1::PeerFrame HelloOf(uint32_t node, const std::string& cluster = "c") {
    return Hello(cluster, node, kPeerProtocolVersion);
  }

  const TestCertificates certificates_;
  const std::vector<uint16_t> ports_ = {FreePort(), FreePort(), FreePort()};
};

TEST_F(PeerTlsTest, TheRightIdentitiesConnect) {
  Talker one(WithTls(1));
  Talker two(WithTls(2));
  EXPECT_TRUE(SendUntilHeard(&one, &two, Probe(1, 2, 5)));
  EXPECT_TRUE(SendUntilHeard(&two, &one, Probe(2, 1, 6)));
  EXPECT_THAT(one.forged().Get(), IsEmpty());
  EXPECT_THAT(two.forged().Get(), IsEmpty());
}

TEST_F(PeerTlsTest, WhoSaysToBeAnotherIsRefusedAndNamed) {
  LogWatch log;
  Talker three(WithTls(3));
  for (int i = 0; i < 2; ++i) {
    const grpc::Status status = Knock(WithTls(1), {HelloOf(2)});
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_THAT(status.error_message(),
                HasSubstr("who has the certificate of node 1 says to be node 2"));
  }
  EXPECT_EQ(three.forged().Get(), (std::vector<NodeId>{NodeId(1), NodeId(1)}));
  EXPECT_THAT(three.greeted().Get(), IsEmpty());
  EXPECT_EQ(log.Count("a peer was refused: who has the certificate of node 1"), 1u);
  // With this node's own certificate, too.
  EXPECT_FALSE(Knock(WithTls(3), {HelloOf(1)}).ok());
  EXPECT_EQ(three.forged().Get(), (std::vector<NodeId>{NodeId(1), NodeId(1), NodeId(3)}));
}

TEST_F(PeerTlsTest, WhoSaysSoLaterIsNamedToo) {
  Talker three(WithTls(3));
  EXPECT_EQ(Knock(WithTls(1), {HelloOf(1), HelloOf(2)}).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(three.forged().Get(), (std::vector<NodeId>{NodeId(1)}));
}

// Whose certificate names nobody whom this cluster has can not be blamed.
TEST_F(PeerTlsTest, StrangersAreJustRefused) {
  Talker three(WithTls(3));
  Config stranger = Plain(1);
  certificates_.Make("--cluster d --node 1");
  stranger.cluster_id = "d";
  stranger = certificates_.WithTls(stranger);
  stranger.cluster_id = "c";  // dials a node of this cluster
  EXPECT_THAT(Knock(stranger, {HelloOf(1)}).error_message(),
              HasSubstr("its certificate is of no node of cluster 'c'"));
  certificates_.Make("--cluster c --node 9");
  Config ninth = Plain(1);
  ninth.node_id = NodeId(9);
  EXPECT_THAT(Knock(certificates_.WithTls(ninth), {HelloOf(1)}).error_message(),
              HasSubstr("its certificate is of node 9, which is not in `peers`"));
  certificates_.Make("--cluster c --node 1");
  EXPECT_THAT(Knock(WithTls(1), {HelloOf(2, "d")}).error_message(),
              HasSubstr("this is cluster 'c', not 'd'"));
  EXPECT_THAT(three.forged().Get(), IsEmpty());
  EXPECT_THAT(three.greeted().Get(), IsEmpty());
}

TEST_F(PeerTlsTest, AnotherCaIsNotBelieved) {
  LogWatch log;
  const TestCertificates others;
  Talker one(others.WithTls(Plain(1)));
  Talker two(WithTls(2));
  EXPECT_TRUE(log.Await("its certificate is not of a CA of tls.ca_file, or has expired"));
  EXPECT_THAT(one.greeted().Get(), IsEmpty());
  EXPECT_THAT(two.greeted().Get(), IsEmpty());
}

TEST_F(PeerTlsTest, WhoCallsMustHaveACertificateOfTheCa) {
  Talker three(WithTls(3));
  const TestCertificates others;
  Tls caller = *others.WithTls(Plain(1)).tls;
  caller.ca = WithTls(1).tls->ca;
  for (int i = 0; i < 2; ++i) {
    Config config = Plain(1);
    config.tls = std::make_shared<const Tls>(caller);
    const grpc::Status status = Knock(config, {HelloOf(1)});
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    caller.certificate.clear();  // then without any
    caller.key.clear();
  }
  EXPECT_THAT(three.greeted().Get(), IsEmpty());
}

TEST_F(PeerTlsTest, WhoAnswersMustHaveTheCertificateOfWhoWasDialed) {
  LogWatch log;
  Impostor impostor(HelloOf(2));
  const std::unique_ptr<grpc::Server> server = AnswerAsNodeTwo(&impostor, WithTls(3));
  Talker one(WithTls(1));
  EXPECT_TRUE(log.Await("who answers there has the certificate of somebody else"));
  EXPECT_THAT(one.greeted().Get(), IsEmpty());
  EXPECT_EQ(impostor.calls.Get(), 0);
}

// gRPC finds the name that it looks for, and does not mind others.
TEST_F(PeerTlsTest, WhoAnswersWithACertificateOfTwoNodesIsNeither) {
  LogWatch log;
  Config two = Plain(2);
  two.cluster_id = "d";
  certificates_.Make(
      "--cluster d --node 2 --hosts node-2.c.quorumbook,node-3.c.quorumbook,127.0.0.1");
  two = certificates_.WithTls(two);
  Impostor impostor(HelloOf(2));
  const std::unique_ptr<grpc::Server> server = AnswerAsNodeTwo(&impostor, two);
  {
    Talker one(WithTls(1));
    EXPECT_TRUE(log.Await("is refused: its certificate is not for node 2 alone"));
    EXPECT_GE(impostor.calls.Get(), 1) << "gRPC let it through";
    EXPECT_THAT(one.greeted().Get(), IsEmpty());
    EXPECT_THAT(one.forged().Get(), IsEmpty());
  }
  server->Shutdown(std::chrono::system_clock::now());
}

TEST_F(PeerTlsTest, WhoAnswersInTheNameOfAnotherIsNamed) {
  Impostor impostor(HelloOf(3));
  const std::unique_ptr<grpc::Server> server = AnswerAsNodeTwo(&impostor, WithTls(2));
  {
    Talker one(WithTls(1));
    EXPECT_TRUE(one.forged().Await([](const auto& forged) { return !forged.empty(); }));
    EXPECT_THAT(one.forged().Get(), Each(NodeId(2)));
    EXPECT_THAT(one.greeted().Get(), IsEmpty());
  }
  server->Shutdown(std::chrono::system_clock::now());
}

TEST_F(PeerTlsTest, PlainTextAndTlsDoNotMeet) {
  LogWatch log;
  Talker one(Plain(1));
  Talker two(WithTls(2));
  Talker three(Plain(3));
  EXPECT_TRUE(log.Await("peer 2: no stream to " + Loopback(ports_[1]) + ": "));
  EXPECT_TRUE(log.Await("it may use TLS: set tls.* on every node, or on none"));
  EXPECT_TRUE(log.Await("it speaks plain text: set tls.* on every node, or on none"));
  EXPECT_THAT(two.greeted().Get(), IsEmpty());
  EXPECT_EQ(log.Count("it may use TLS"), 1u);
  EXPECT_EQ(log.Count("it speaks plain text"), 1u);
}

}  // namespace
}  // namespace quorumbook::server
