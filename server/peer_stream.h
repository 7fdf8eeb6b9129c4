// One bidirectional gRPC stream between two nodes, from hello to end; the same on both sides.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "quorumbook/v1/peer.grpc.pb.h"
#include "server/peer_link.h"

namespace quorumbook::server {

// The link that a peer who says `hello` belongs to; else the status to refuse it with.
using HelloCheck = std::function<std::pair<PeerLink*, grpc::Status>(const v1::PeerHello& hello)>;

// `Reactor` is grpc::ClientBidiReactor or ServerBidiReactor of PeerFrame. The reactor keeps itself
// alive from Begin() until gRPC is done with it.
template <typename Reactor>
class PeerStream : public Reactor,
                   public PeerLink::Stream,
                   public std::enable_shared_from_this<PeerStream<Reactor>> {
 public:
  // `identity` outlives this.
  PeerStream(const PeerIdentity& identity, HelloCheck check)
      : identity_(identity), check_(std::move(check)) {}

  v1::PeerFrame* frame() override { return &out_; }
  void WriteFrame() override {
    StartUnlessEnded([this] { this->StartWrite(&out_); });
  }

  void Abandon() override { End(grpc::Status(grpc::StatusCode::ABORTED, "replaced")); }

  void OnReadDone(bool ok) override {
    if (!ok) return End(grpc::Status::OK);
    if (link_ == nullptr) {
      if (!GreetPeer()) return;
    } else if (!link_->Receive(greeting_.member, &in_)) {
      return End(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a malformed frame"));
    }
    in_.Clear();
    StartUnlessEnded([this] { this->StartRead(&in_); });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(grpc::Status::OK);
    PeerLink* link = nullptr;
    {
      const std::lock_guard lock(mutex_);
      hello_written_ = true;
      if (attached_) link = link_;
    }
    if (link == nullptr) return AttachWhenGreeted();
    link->FrameWritten(this);
  }

 protected:
  void Begin() { self_ = this->shared_from_this(); }

  void WriteHello() {
    identity_.WriteHello(out_.mutable_hello());
    WriteFrame();
  }
  void ReadFirst() { this->StartRead(&in_); }

  // Once; later calls do nothing.
  void End(const grpc::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(ended_, true)) return;
      end_status_ = status;
      if (starting_ > 0) return;  // the last of those ends the call
    }
    EndCall(status);
  }

  // gRPC is done: nothing of this object is used afterwards, unless others hold it.
  void Done() {
    if (link_ != nullptr) link_->Detach(this);
    self_.reset();
  }

  virtual void EndCall(const grpc::Status& status) = 0;
  virtual void OnPeerGreeted() {}

 private:
  // gRPC allows no operation once the call is ended. Operations are started without the lock: gRPC
  // may send within, and the thread that it tells of the end of the operation would wait meanwhile.
  template <typename Operation>
  void StartUnlessEnded(const Operation& start) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      ++starting_;
    }
    // The end of the operation may bring the end of the call, and of this object, but for this.
    const auto self = this->shared_from_this();
    start();
    {
      const std::lock_guard lock(mutex_);
      if (--starting_ > 0 || !ended_) return;
    }
    EndCall(end_status_);
  }

  // The peer's hello is in in_. False: it was refused and the stream is ending.
  bool GreetPeer() {
    if (!in_.has_hello()) {
      End(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "the first frame is no hello"));
      return false;
    }
    auto [link, status] = check_(in_.hello());
    if (link == nullptr) {
      End(status);
      return false;
    }
    {
      const std::lock_guard lock(mutex_);
      link_ = link;
      greeting_ = ReadHello(in_.hello());
    }
    OnPeerGreeted();
    AttachWhenGreeted();
    return true;
  }

  // The link takes over when both hellos are through: until then a write may be under way.
  void AttachWhenGreeted() {
    {
      const std::lock_guard lock(mutex_);
      if (!hello_written_ || link_ == nullptr || ended_ || attached_) return;
      attached_ = true;
    }
    link_->Attach(this->shared_from_this(), greeting_);
  }

  const PeerIdentity& identity_;
  const HelloCheck check_;
  std::shared_ptr<PeerStream> self_;
  std::mutex mutex_;
  int starting_ = 0;            // operations that are being started; guarded by mutex_
  bool ended_ = false;          // guarded by mutex_
  grpc::Status end_status_;     // set with ended_
  bool hello_written_ = false;  // guarded by mutex_
  bool attached_ = false;       // guarded by mutex_
  // Set when the peer said hello, by a read reaction and under mutex_: read reactions, which come
  // one after the other, may look at it without the mutex.
  PeerLink* link_ = nullptr;
  PeerGreeting greeting_;  // set with link_
  v1::PeerFrame in_;
  v1::PeerFrame out_;
};

}  // namespace quorumbook::server
