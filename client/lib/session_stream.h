// One Exchange.Stream call: takes serialized batches, hands over results, ends once.
//
// Batches are written as bytes that the session puts together from commands serialized when they
// were submitted: sending one again costs a copy, and no protobuf object is made on the way out.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>

#include <mutex>
#include <string>

#include "client/lib/channel_pool.h"
#include "client/lib/rpc_error.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::client {

class SessionStream : private grpc::ClientBidiReactor<grpc::ByteBuffer, v1::CommandBatchResult> {
 public:
  // Called from gRPC's threads, OnResults by one at a time and never after OnClosed.
  class Owner {
   public:
    // May take the results out of `results`. False ends the stream.
    virtual bool OnResults(v1::CommandBatchResult* results) = 0;
    // The stream can take the next batch.
    virtual void OnWritable() = 0;
    // The last call. The stream may be destroyed once it has begun.
    virtual void OnClosed(const RpcError& error) = 0;

   protected:
    ~Owner() = default;
  };

  // REQUIRES: `node` and `owner` outlive it. Destroy it before Start or after OnClosed.
  SessionStream(const Node& node, Owner* owner) : node_(node), owner_(owner) {}

  void Start();

  // True: the caller must call Write, once. False: a write is under way, or the stream is broken.
  bool TryBeginWrite();
  // REQUIRES: TryBeginWrite was true and this is its Write. Copies `batch`.
  void Write(const std::string& batch);

  // Ends the stream soon. REQUIRES: OnClosed has not been called.
  void Cancel() { context_.TryCancel(); }

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void Break();

  const Node& node_;
  Owner* owner_;
  grpc::ClientContext context_;
  v1::CommandBatchResult results_;
  grpc::ByteBuffer outgoing_;

  // gRPC may end a call as soon as no operation is under way, while another thread is about to
  // start one: a hold, released when the stream is broken and nobody writes, keeps it (gRPC's
  // ClientBidiReactor::AddHold).
  std::mutex mutex_;
  bool writing_ = false;
  bool broken_ = false;
  bool held_ = false;  // from Start on
};

}  // namespace quorumbook::client
