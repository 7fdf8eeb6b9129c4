#include "server/peer_transport.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "server/grpc_limits.h"
#include "server/peer_stream.h"
#include "storage/identity.h"

namespace quorumbook::server {
namespace {

constexpr std::chrono::milliseconds kRedialDelay{100};

using DialedReactor = grpc::ClientBidiReactor<v1::PeerFrame, v1::PeerFrame>;
using AcceptedReactor = grpc::ServerBidiReactor<v1::PeerFrame, v1::PeerFrame>;

class AcceptedStream final : public PeerStream<AcceptedReactor> {
 public:
  AcceptedStream(const PeerIdentity& identity, HelloCheck check, GrpcMetrics* metrics)
      : PeerStream(identity, std::move(check)), count_(metrics, GrpcMetrics::kPeerStream) {}

  void Accept() {
    Begin();
    ReadFirst();
  }
  void OnReadDone(bool ok) override {
    if (ok) count_.Received();
    PeerStream::OnReadDone(ok);
  }
  void OnWriteDone(bool ok) override {
    if (ok) count_.Sent();
    PeerStream::OnWriteDone(ok);
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override { Done(); }

 private:
  void OnPeerGreeted() override { WriteHello(); }
  void EndCall(const grpc::Status& status) override {
    count_.Finishing(status);
    Finish(status);
  }

  GrpcMetrics::Stream count_;
};

class DialedStream final : public PeerStream<DialedReactor> {
 public:
  using Ended = std::function<void(const grpc::Status&)>;
  DialedStream(const PeerIdentity& identity, HelloCheck check, Ended ended)
      : PeerStream(identity, std::move(check)), ended_callback_(std::move(ended)) {}

  void Dial(v1::Peer::Stub* stub) {
    Begin();
    stub->async()->Connect(&context_, this);
    AddHold();  // frames are written from outside of reactions
    WriteHello();
    ReadFirst();
    StartCall();
  }
  void OnDone(const grpc::Status& status) override {
    const Ended ended = std::move(ended_callback_);
    Done();
    ended(status);
  }

 private:
  void EndCall(const grpc::Status&) override {
    context_.TryCancel();
    RemoveHold();
  }

  grpc::ClientContext context_;
  Ended ended_callback_;
};

// Why nobody who says this can be a peer; empty when there is no reason.
std::string WhyNot(const PeerIdentity& identity, const v1::PeerHello& hello) {
  if (hello.cluster_id() != identity.cluster_id()) {
    return fmt::format("this is cluster '{}', not '{}'", identity.cluster_id(), hello.cluster_id());
  }
  if (hello.protocol_version() != kPeerProtocolVersion) {
    return fmt::format("peer protocol {} is not spoken here, {} is", hello.protocol_version(),
                       kPeerProtocolVersion);
  }
  if (hello.incarnation() > kMaxIncarnation) return "its incarnation is out of range";
  const std::vector<NodeId> founders = ReadHello(hello).founders;
  if (!founders.empty() && !storage::CheckFoundersAreValid(founders).ok()) {
    return "the founders that it names are no founders";
  }
  if (!identity.MayShareFounders(founders)) {
    return "its cluster was founded by others, though it has the same name";
  }
  return "";
}

}  // namespace

class PeerTransport::Acceptor final : public v1::Peer::CallbackService {
 public:
  explicit Acceptor(PeerTransport* transport) : transport_(transport) {}

  AcceptedReactor* Connect(grpc::CallbackServerContext*) override {
    auto stream = std::make_shared<AcceptedStream>(
        transport_->identity_, [this](const v1::PeerHello& hello) { return Check(hello); },
        &transport_->metrics_);
    stream->Accept();
    return stream.get();
  }

 private:
  std::pair<PeerLink*, grpc::Status> Check(const v1::PeerHello& hello) {
    std::string why = WhyNot(transport_->identity_, hello);
    const auto link = transport_->links_.find(NodeId(hello.node_id()));
    if (why.empty() &&
        (link == transport_->links_.end() || link->first >= transport_->identity_.node())) {
      why = fmt::format("node {} is no peer that dials node {}", hello.node_id(),
                        transport_->identity_.node().value());
    }
    if (why.empty()) return {link->second.get(), grpc::Status::OK};
    spdlog::error("a peer was refused: {}", why);
    return {nullptr, grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, why)};
  }

  PeerTransport* const transport_;
};

// Keeps one stream to one peer up.
class PeerTransport::Dialer {
 public:
  Dialer(const PeerIdentity& identity, PeerLink* link, const std::string& address,
         boost::asio::io_context* io)
      : identity_(identity),
        link_(link),
        address_(address),
        stub_(v1::Peer::NewStub(grpc::CreateCustomChannel(
            address, grpc::InsecureChannelCredentials(), PeerChannelArguments()))),
        timer_(*io) {}

  void Dial() {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    auto stream = std::make_shared<DialedStream>(
        identity_, [this](const v1::PeerHello& hello) { return Check(hello); },
        [this](const grpc::Status& status) { OnEnded(status); });
    stream_ = stream;
    stream->Dial(stub_.get());
  }

  void Stop() {
    std::shared_ptr<DialedStream> stream;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      stream = stream_;
    }
    if (stream != nullptr) stream->Abandon();
    std::unique_lock lock(mutex_);
    gone_.wait(lock, [this] { return stream_ == nullptr; });
    timer_.cancel();
  }

 private:
  std::pair<PeerLink*, grpc::Status> Check(const v1::PeerHello& hello) {
    std::string why = WhyNot(identity_, hello);
    if (why.empty() && NodeId(hello.node_id()) != link_->peer()) {
      why = fmt::format("it is node {}", hello.node_id());
    }
    if (why.empty()) return {link_, grpc::Status::OK};
    spdlog::error("peer {}: who answers at {} is refused: {}", link_->peer().value(), address_,
                  why);
    return {nullptr, grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "another peer")};
  }

  void OnEnded(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    // Once a change, not once a try: a peer that is down for hours fills no log.
    if (!stopping_ && status.error_message() != last_error_) {
      last_error_ = status.error_message();
      spdlog::warn("peer {}: no stream to {}: {}", link_->peer().value(), address_, last_error_);
    }
    if (!stopping_) {
      timer_.expires_after(kRedialDelay);
      timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) Dial();
      });
    }
    stream_.reset();
    gone_.notify_all();
  }

  const PeerIdentity& identity_;
  PeerLink* const link_;
  const std::string address_;
  const std::unique_ptr<v1::Peer::Stub> stub_;

  std::mutex mutex_;
  std::condition_variable gone_;
  bool stopping_ = false;  // guarded by mutex_, as all below
  std::string last_error_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<DialedStream> stream_;  // null: none is up or on its way
};

PeerTransport::PeerTransport(const Config& config, PeerIdentity* identity,
                             boost::asio::io_context* io, GrpcMetrics* metrics, PeerEvents events)
    : identity_(*identity),
      metrics_(*metrics),
      events_(std::move(events)),
      acceptor_(std::make_unique<Acceptor>(this)) {
  for (const PeerConfig& peer : config.peers) {
    if (peer.id == config.node_id) continue;
    auto link = std::make_unique<PeerLink>(identity, peer.id, &events_);
    if (config.node_id < peer.id) {
      dialers_.push_back(std::make_unique<Dialer>(identity_, link.get(), peer.peer_address, io));
    }
    links_.emplace(peer.id, std::move(link));
  }
}

PeerTransport::~PeerTransport() = default;

grpc::Service* PeerTransport::service() { return acceptor_.get(); }

void PeerTransport::Start() {
  for (const auto& dialer : dialers_) dialer->Dial();
}

void PeerTransport::Stop() {
  for (const auto& dialer : dialers_) dialer->Stop();
}

void PeerTransport::AnnounceFounders(std::vector<NodeId> founders) {
  identity_.SetFounders(std::move(founders));
  for (const auto& [peer, link] : links_) link->Greet();
}

std::map<NodeId, PeerLinkStatus> PeerTransport::links() const {
  std::map<NodeId, PeerLinkStatus> links;
  for (const auto& [peer, link] : links_) links.emplace(peer, link->status());
  return links;
}

void PeerTransport::Send(ShardId shard, std::vector<consensus::Message> messages) {
  std::map<NodeId, std::vector<consensus::Message>> by_peer;
  for (consensus::Message& message : messages) {
    by_peer[NodeOf(message.to)].push_back(std::move(message));
  }
  for (auto& [peer, list] : by_peer) {
    const auto link = links_.find(peer);
    if (link != links_.end()) link->second->Send(shard, std::move(list));
  }
}

}  // namespace quorumbook::server
