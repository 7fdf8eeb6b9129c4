#include "server/peer_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quorumbook::server {
namespace {

// In place of gRPC: does what a test wants while an operation is being started.
class FakeReactor {
 public:
  virtual ~FakeReactor() = default;
  virtual void OnReadDone(bool ok) = 0;
  virtual void OnWriteDone(bool ok) = 0;

  std::function<void()> while_starting = [] {};
  std::vector<std::string> calls;

 protected:
  void StartWrite(const v1::PeerFrame*) { Start("write"); }
  void StartRead(v1::PeerFrame*) { Start("read"); }

 private:
  void Start(const std::string& what) {
    calls.push_back("start " + what);
    std::exchange(while_starting, [] {})();
    calls.push_back(what + " started");
  }
};

class FakeStream final : public PeerStream<FakeReactor> {
 public:
  using PeerStream::PeerStream;

 private:
  void EndCall(const grpc::Status& status) override {
    calls.push_back("end " + status.error_message());
  }
};

class PeerStreamTest : public testing::Test {
 protected:
  using Calls = std::vector<std::string>;

  const PeerIdentity identity_{"test", MakeMember(NodeId(1), 1), {}, false, {}};
  std::shared_ptr<FakeStream> stream_ = std::make_shared<FakeStream>(
      identity_, [](const v1::PeerHello&) { return std::pair<PeerLink*, grpc::Status>(); });
};

TEST_F(PeerStreamTest, AnEndWhileAnOperationIsStartedEndsTheCallAfterwards) {
  stream_->while_starting = [this] {
    stream_->Abandon();
    stream_->Abandon();
  };
  stream_->WriteFrame();
  EXPECT_EQ(stream_->calls, (Calls{"start write", "write started", "end replaced"}));
}

TEST_F(PeerStreamTest, TheLastOfTheOperationsThatAreStartedEndsTheCall) {
  stream_->while_starting = [this] {
    stream_->while_starting = [this] { stream_->Abandon(); };
    stream_->WriteFrame();
  };
  stream_->WriteFrame();
  EXPECT_EQ(stream_->calls, (Calls{"start write", "start write", "write started", "write started",
                                   "end replaced"}));
}

TEST_F(PeerStreamTest, NothingIsStartedAfterTheEnd) {
  stream_->Abandon();
  stream_->WriteFrame();
  EXPECT_EQ(stream_->calls, Calls{"end replaced"});
}

TEST_F(PeerStreamTest, IsThereUntilTheOperationIsStarted) {
  std::weak_ptr<FakeStream> weak = stream_;
  FakeStream* const stream = stream_.get();
  stream->while_starting = [&] {
    stream_.reset();
    EXPECT_FALSE(weak.expired());
  };
  stream->WriteFrame();
  EXPECT_TRUE(weak.expired());
}

}  // namespace
}  // namespace quorumbook::server
