#include "client/lib/session_stream.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/stub_options.h>

#include "common/check.h"

namespace quorumbook::client {

void SessionStream::Start() {
  grpc::TemplatedGenericStub<grpc::ByteBuffer, v1::CommandBatchResult> stub(node_.channel);
  stub.PrepareBidiStreamingCall(&context_, "/quorumbook.v1.Exchange/Stream", grpc::StubOptions(),
                                this);
  AddHold();
  StartRead(&results_);
  StartCall();
  std::unique_lock lock(mutex_);
  const bool broken = broken_;
  held_ = !broken;
  lock.unlock();
  if (broken) RemoveHold();
}

bool SessionStream::TryBeginWrite() {
  std::lock_guard lock(mutex_);
  if (writing_ || broken_ || !held_) return false;
  writing_ = true;
  return true;
}

void SessionStream::Write(const std::string& batch) {
  const grpc::Slice slice(batch);
  // Locked, so that the next writer, maybe another thread, comes after all that this one does.
  std::lock_guard lock(mutex_);
  outgoing_ = grpc::ByteBuffer(&slice, 1);
  StartWrite(&outgoing_);
}

void SessionStream::OnReadDone(bool ok) {
  if (!ok) {
    Break();
    return;
  }
  if (!owner_->OnResults(&results_)) Cancel();
  results_.Clear();
  StartRead(&results_);
}

void SessionStream::OnWriteDone(bool ok) {
  {
    std::lock_guard lock(mutex_);
    writing_ = false;
  }
  if (ok) owner_->OnWritable();
  // A stream whose reading has ended meanwhile waits for its writer to let go.
  std::unique_lock lock(mutex_);
  if (!ok) broken_ = true;
  const bool release = broken_ && !writing_ && held_;
  if (release) held_ = false;
  lock.unlock();
  if (release) RemoveHold();
}

void SessionStream::Break() {
  std::unique_lock lock(mutex_);
  broken_ = true;
  const bool release = !writing_ && held_;
  if (release) held_ = false;
  lock.unlock();
  if (release) RemoveHold();
}

void SessionStream::OnDone(const grpc::Status& status) {
  owner_->OnClosed(ErrorOf(status, context_));
}

}  // namespace quorumbook::client
