#include "server/peer_transport.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "server/grpc_limits.h"
#include "server/peer_stream.h"

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
  // As HelloCheck; also told what TLS knows of who answers.
  using Check = std::function<std::pair<PeerLink*, grpc::Status>(const grpc::AuthContext&,
                                                                 const v1::PeerHello&)>;
  using Ended = std::function<void(const grpc::Status&)>;
  DialedStream(const PeerIdentity& identity, const Check& check, Ended ended)
      : PeerStream(identity,
                   [this, check](const v1::PeerHello& hello) {
                     return check(*context_.auth_context(), hello);
                   }),
        ended_callback_(std::move(ended)) {}

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

// Who is refused tries again every 100 ms: what it is refused for is told once a change.
// Thread-safe.
class RefusalLog {
 public:
  // Whether the caller who is `node`, by its certificate or else its word, was not refused for this
  // the last time.
  bool IsNews(uint64_t node, const std::string& why) {
    const std::lock_guard lock(mutex_);
    // Beyond, somebody makes numbers up.
    if (last_.size() >= kMaxCallers && !last_.contains(node)) last_.clear();
    return std::exchange(last_[node], why) != why;
  }
  void WasTaken(uint64_t node) {
    const std::lock_guard lock(mutex_);
    last_.erase(node);
  }

 private:
  static constexpr size_t kMaxCallers = 64;

  std::mutex mutex_;
  std::map<uint64_t, std::string> last_;
};

}  // namespace

class PeerTransport::Acceptor final : public v1::Peer::CallbackService {
 public:
  explicit Acceptor(PeerTransport* transport) : transport_(transport) {}

  AcceptedReactor* Connect(grpc::CallbackServerContext* context) override {
    const std::optional<NodeId> certified =
        NodeInCertificate(transport_->config_, *context->auth_context());
    auto stream = std::make_shared<AcceptedStream>(
        transport_->identity_,
        [this, certified](const v1::PeerHello& hello) { return Check(certified, hello); },
        &transport_->metrics_);
    stream->Accept();
    return stream.get();
  }

 private:
  // Empty: the certificate does not say otherwise.
  std::string WhyNotCertified(const std::optional<NodeId>& certified, const v1::PeerHello& hello) {
    if (!certified) return "";
    if (*certified == NodeId()) {
      return fmt::format("its certificate is of no node of cluster '{}'",
                         transport_->config_.cluster_id);
    }
    const NodeId self = transport_->identity_.node();
    if (*certified != self && !transport_->links_.contains(*certified)) {
      return fmt::format("its certificate is of node {}, which is not in `peers`",
                         certified->value());
    }
    if (!transport_->identity_.ClaimsOtherThan(*certified, hello)) return "";
    transport_->events_.forged(*certified);
    return fmt::format("who has the certificate of node {} says to be node {}", certified->value(),
                       hello.node_id());
  }

  std::pair<PeerLink*, grpc::Status> Check(const std::optional<NodeId>& certified,
                                           const v1::PeerHello& hello) {
    std::string why = WhyNotCertified(certified, hello);
    if (why.empty()) why = transport_->identity_.WhyNot(hello);
    const auto link = transport_->links_.find(NodeId(hello.node_id()));
    if (why.empty() &&
        (link == transport_->links_.end() || link->first >= transport_->identity_.node())) {
      why = fmt::format("node {} is no peer that dials node {}", hello.node_id(),
                        transport_->identity_.node().value());
    }
    const uint64_t caller = certified.value_or(NodeId(hello.node_id())).value();
    if (why.empty()) {
      refusals_.WasTaken(caller);
      return {link->second.get(), grpc::Status::OK};
    }
    if (refusals_.IsNews(caller, why)) spdlog::error("a peer was refused: {}", why);
    return {nullptr, grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, why)};
  }

  PeerTransport* const transport_;
  RefusalLog refusals_;
};

// Keeps one stream to one peer up.
class PeerTransport::Dialer {
 public:
  Dialer(PeerTransport* transport, PeerLink* link, boost::asio::io_context* io)
      : transport_(*transport),
        link_(link),
        address_(transport_.config_.peer(link->peer()).peer_address),
        stub_(v1::Peer::NewStub(MakeNodeChannel(transport_.config_, link->peer(), address_))),
        timer_(*io) {}

  void Dial() {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    auto stream = std::make_shared<DialedStream>(
        transport_.identity_,
        [this](const grpc::AuthContext& auth_context, const v1::PeerHello& hello) {
          return Check(NodeInCertificate(transport_.config_, auth_context), hello);
        },
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
  std::pair<PeerLink*, grpc::Status> Check(const std::optional<NodeId>& certified,
                                           const v1::PeerHello& hello) {
    const bool other = transport_.identity_.ClaimsOtherThan(link_->peer(), hello);
    std::string why;
    if (certified && *certified != link_->peer()) {
      why = fmt::format("its certificate is not for node {} alone", link_->peer().value());
    }
    if (why.empty()) why = transport_.identity_.WhyNot(hello);
    if (why.empty() && other) why = fmt::format("it is node {}", hello.node_id());
    if (other && certified == link_->peer()) transport_.events_.forged(link_->peer());
    const std::lock_guard lock(mutex_);
    const bool news = std::exchange(last_refusal_, why) != why;
    if (why.empty()) return {link_, grpc::Status::OK};
    if (news) {
      spdlog::error("peer {}: who answers at {} is refused: {}", link_->peer().value(), address_,
                    why);
    }
    return {nullptr, grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "another peer")};
  }

  void OnEnded(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    // Once a change, not once a try: a peer that is down for hours fills no log.
    if (!stopping_ && status.error_message() != last_error_) {
      last_error_ = status.error_message();
      spdlog::warn("peer {}: no stream to {}: {}", link_->peer().value(), address_,
                   ExplainConnection(transport_.config_, last_error_));
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

  PeerTransport& transport_;
  PeerLink* const link_;
  const std::string address_;
  const std::unique_ptr<v1::Peer::Stub> stub_;

  std::mutex mutex_;
  std::condition_variable gone_;
  bool stopping_ = false;  // guarded by mutex_, as all below
  std::string last_error_;
  std::string last_refusal_;  // empty: who answered last was taken
  boost::asio::steady_timer timer_;
  std::shared_ptr<DialedStream> stream_;  // null: none is up or on its way
};

PeerTransport::PeerTransport(const Config& config, PeerIdentity* identity,
                             boost::asio::io_context* io, GrpcMetrics* metrics, PeerEvents events)
    : config_(config),
      identity_(*identity),
      metrics_(*metrics),
      events_(std::move(events)),
      acceptor_(std::make_unique<Acceptor>(this)) {
  for (const PeerConfig& peer : config.peers) {
    if (peer.id == config.node_id) continue;
    auto link = std::make_unique<PeerLink>(identity, peer.id, config.tls != nullptr, &events_);
    if (config.node_id < peer.id) {
      dialers_.push_back(std::make_unique<Dialer>(this, link.get(), io));
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
