// The session's own thread: finds the leader, keeps a stream open, watches that answers come.
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "client/lib/session.h"

namespace quorumbook::client {

using std::chrono::milliseconds;

void Session::Run() {
  Lock lock(mutex_);
  while (WaitForWork(lock)) {
    const Route::Hop hop = route_.Next();
    absl::Status status = Pause(lock, hop.wait);
    if (status.ok() && !stopping_) {
      const RpcError error = RunStream(lock, hop.address);
      if (!stopping_) status = Decide(hop.address, error);
    }
    if (!status.ok()) {
      Fail(lock, status);
      return;
    }
  }
  all_answered_ = pending_.empty();
  Fail(lock, absl::CancelledError("the session was destroyed before the answer came"));
}

// False when the session stops.
bool Session::WaitForWork(Lock& lock) {
  wake_.wait(lock, [&] { return stopping_ || !pending_.empty() || options_.cancel_on_disconnect; });
  return !stopping_;
}

absl::Status Session::Pause(Lock& lock, milliseconds wait) {
  SteadyClock::time_point until = SteadyClock::now() + wait;
  if (!pending_.empty()) until = std::min(until, pending_.front().submitted + options_.timeout);
  wake_.wait_until(lock, until, [&] { return stopping_; });
  return CheckHead();
}

// Returns when the stream has ended, by itself or because it stalled.
RpcError Session::RunStream(Lock& lock, const std::string& address) {
  // Looked at this often, a stall is noticed soon enough without a wake-up for each command.
  const milliseconds interval = connection_->options().attempt_timeout / 4 + milliseconds(1);
  SessionStream stream(connection_->channels().Get(address), this);
  pending_.Rewind();
  batch_ends_.fill(0);
  if (streams_++ > 0) ++stats_.reconnects;
  stream_ = &stream;
  stream_answered_ = false;
  stream_announced_ = false;
  stream_started_ = SteadyClock::now();
  lock.unlock();
  stream.Start();
  OnWritable();
  lock.lock();
  bool cancelled = false;
  while (stream_ != nullptr) {
    wake_.wait_for(lock, interval, [&] { return stream_ == nullptr || (stopping_ && !cancelled); });
    if (stream_ == nullptr || cancelled) continue;
    if (stopping_ || Stalled() || !CheckHead().ok()) {
      cancelled = true;
      stream.Cancel();
    }
  }
  if (stream_answered_) {
    route_.Succeeded(address);
    patience_ = connection_->options().attempt_timeout;
  }
  if (!cancelled) return stream_error_;
  patience_ = std::min(patience_ * 2, options_.timeout);
  return {.status = {grpc::StatusCode::DEADLINE_EXCEEDED, "did not answer"}, .detail = {}};
}

// What follows from the end of a stream: an error means the end of the session.
absl::Status Session::Decide(const std::string& address, const RpcError& error) {
  if (!protocol_error_.ok()) return protocol_error_;
  if (error.detail.code() == v1::ErrorDetail::SESSION_GAP) {
    // A batch before was not executed. All unanswered ones are sent again, if that closes the gap.
    const uint64_t expected = error.detail.expected_sequence();
    if (expected >= pending_.first_unanswered()) {
      route_.Later(address, milliseconds(0), "misses an earlier batch");
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "session ", identity_.id, " is over: the exchange expects command ", expected,
        ", which it had answered already (answered are those before ", pending_.first_unanswered(),
        "); check the cluster for lost state, then open another session"));
  }
  if (Judge(error) == NextStep::kSameNodeLater) ++stats_.refused;
  if (Judge(error) != NextStep::kGiveUp) {
    route_.Failed(address, error);
    return absl::OkStatus();
  }
  return {static_cast<absl::StatusCode>(error.status.error_code()),
          absl::StrCat("session ", identity_.id, " is over: ", error.status.error_message())};
}

absl::Status Session::CheckHead() const {
  if (pending_.empty()) return absl::OkStatus();
  if (SteadyClock::now() < pending_.front().submitted + options_.timeout) return absl::OkStatus();
  return route_.DeadlineError(
      absl::StrCat("command ", pending_.first_unanswered(), " of session ", identity_.id),
      options_.timeout);
}

bool Session::Stalled() const {
  if (pending_.empty()) return false;
  const SteadyClock::time_point since = std::max(waiting_since_, stream_started_);
  return SteadyClock::now() - since > patience_;
}

// Ends the session: every command not answered gets `status`, in order. REQUIRES: no stream.
void Session::Fail(Lock& lock, const absl::Status& status) {
  status_ = status;
  room_.notify_all();
  const uint64_t end = pending_.next();
  for (uint64_t sequence = pending_.first_unanswered(); sequence < end; ++sequence) {
    Callback callback = std::exchange(pending_[sequence].callback, nullptr);
    lock.unlock();  // callbacks run without; nobody else touches the slots of a failed session
    callback(status);
    lock.lock();
  }
  pending_.Clear();
  drained_.notify_all();
}

}  // namespace quorumbook::client
