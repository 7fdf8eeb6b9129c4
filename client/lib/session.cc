#include "client/lib/session.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <future>

#include "client/lib/command_check.h"

namespace quorumbook::client {

using std::chrono::milliseconds;

// The tag of CommandBatch.commands: field 5, length-delimited.
constexpr char kCommandTag = (v1::CommandBatch::kCommandsFieldNumber << 3) | 2;
constexpr milliseconds kCloseTimeout{1'000};

// The session whose callbacks this thread is calling.
static thread_local const Session* answered_session = nullptr;

static absl::Status CheckOptions(const SessionOptions& options, uint64_t account) {
  if (account == 0) return absl::InvalidArgumentError("account 0 can not trade; use 1 or more");
  if (options.max_batch < 1 || options.max_batch > 1'000) {
    return absl::InvalidArgumentError("SessionOptions.max_batch must be 1 to 1,000");
  }
  if (options.max_in_flight < 1 || options.max_in_flight > 16'384) {
    return absl::InvalidArgumentError("SessionOptions.max_in_flight must be 1 to 16,384");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<OrderSession>> Session::Open(std::shared_ptr<Connection> connection,
                                                            uint32_t shard, uint64_t account,
                                                            const SessionOptions& options) {
  absl::Status valid = CheckOptions(options, account);
  if (!valid.ok()) return valid;
  v1::OpenSessionRequest request;
  request.set_shard(shard);
  request.set_account(account);
  request.set_cancel_on_disconnect(options.cancel_on_disconnect);
  v1::OpenSessionResponse response;
  absl::Status opened =
      connection->CallLeader(shard, "open a session", connection->options().timeout,
                             [&](Node& node, grpc::ClientContext* context) {
                               return node.exchange->OpenSession(context, request, &response);
                             });
  if (!opened.ok()) return opened;
  const Identity identity{.shard = shard, .account = account, .id = response.session()};
  return std::make_unique<Session>(std::move(connection), identity, options);
}

Session::Session(std::shared_ptr<Connection> connection, Identity identity,
                 const SessionOptions& options)
    : connection_(std::move(connection)),
      identity_(identity),
      options_(options),
      route_(&connection_->map(), identity.shard, connection_->NextSeed()),
      pending_(options.max_in_flight),
      patience_(connection_->options().attempt_timeout),
      thread_([this] { Run(); }) {}

Session::~Session() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
  const std::string leader = connection_->map().LeaderOf(identity_.shard);
  if (!all_answered_ || leader.empty()) return;
  v1::CloseSessionRequest request;
  request.set_shard(identity_.shard);
  request.set_session(identity_.id);
  v1::CloseSessionResponse response;
  // Whether it worked does not matter: the exchange evicts sessions that nobody uses.
  connection_->CallNode(leader, kCloseTimeout, [&](Node& node, grpc::ClientContext* context) {
    return node.exchange->CloseSession(context, request, &response);
  });
}

absl::Status Session::Submit(v1::Command command, Callback callback) {
  absl::Status valid = CheckCommand(command);
  if (!valid.ok()) return valid;
  if (callback == nullptr) return absl::InvalidArgumentError("the callback is empty");
  // Swapped with the slot's old bytes, so that both keep their memory.
  thread_local std::string bytes;
  command.SerializeToString(&bytes);

  Lock lock(mutex_);
  while (status_.ok() && pending_.full()) {
    // Room comes when the callbacks have returned.
    if (answered_session == this) {
      return absl::ResourceExhaustedError(
          absl::StrCat(options_.max_in_flight, " commands are unanswered; submit later"));
    }
    ++waiting_for_room_;
    room_.wait(lock);
    --waiting_for_room_;
  }
  if (!status_.ok()) return status_;
  const SteadyClock::time_point now = SteadyClock::now();
  if (pending_.empty()) waiting_since_ = now;
  PendingCommand& slot = pending_.Push();
  slot.bytes.swap(bytes);
  slot.callback = std::move(callback);
  slot.submitted = now;
  ++stats_.submitted;
  if (stream_ == nullptr) {
    wake_.notify_one();
  } else {
    SendNext(lock);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::CommandResult> Session::Execute(v1::Command command) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<v1::CommandResult>>>();
  auto future = promise->get_future();
  absl::Status submitted = Submit(
      std::move(command),
      [promise](const absl::StatusOr<v1::CommandResult>& result) { promise->set_value(result); });
  if (!submitted.ok()) return submitted;
  return future.get();
}

absl::Status Session::Drain() {
  Lock lock(mutex_);
  drained_.wait(lock, [&] { return pending_.empty(); });
  return status_;
}

SessionStats Session::stats() const {
  Lock lock(mutex_);
  return stats_;
}

bool Session::MaySend(uint64_t count) const {
  if (answering_) return false;  // what the callbacks submit goes out together
  // A batch without commands says that this client is there.
  if (options_.cancel_on_disconnect && !stream_announced_) return true;
  if (count == 0) return false;
  // The first batch of a stream is a question whether this node leads: the rest waits for it.
  if (!stream_answered_ && pending_.next_unsent() > pending_.first_unanswered()) return false;
  if (count == options_.max_batch) return true;
  const size_t oldest = next_batch_end_ + kMaxPartialBatches - PartialBatches();
  return !pending_.sent(batch_ends_[oldest % kMaxPartialBatches]);
}

size_t Session::PartialBatches() const {
  const auto count = static_cast<size_t>(answer_time_ / kPartialBatchSpacing);
  return std::min(kMinPartialBatches + count, kMaxPartialBatches);
}

void Session::SendNext(Lock& lock) {
  if (stream_ == nullptr) return;
  const uint64_t count =
      std::min<uint64_t>(options_.max_batch, pending_.next() - pending_.next_unsent());
  if (!MaySend(count) || !stream_->TryBeginWrite()) return;
  stream_announced_ = true;
  const std::string& batch = BuildBatch(count);
  ++stats_.messages;
  SessionStream* stream = stream_;  // stays until this write is done
  lock.unlock();
  stream->Write(batch);
}

// A serialized message is the concatenation of its serialized fields (protobuf encoding guide,
// "Last One Wins"), so the commands are appended as they were serialized by Submit.
std::string& Session::BuildBatch(uint64_t count) {
  using google::protobuf::io::CodedOutputStream;
  const uint64_t first = pending_.next_unsent();
  v1::CommandBatch header;
  header.set_shard(identity_.shard);
  header.set_session(identity_.id);
  header.set_first_sequence(first);
  header.set_acknowledged(pending_.first_unanswered() - 1);
  batch_.clear();
  header.AppendToString(&batch_);
  for (uint64_t sequence = first; sequence < first + count; ++sequence) {
    const std::string& command = pending_[sequence].bytes;
    uint8_t size[5];
    const uint8_t* end =
        CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(command.size()), size);
    batch_ += kCommandTag;
    batch_.append(reinterpret_cast<const char*>(size), static_cast<size_t>(end - size));
    batch_ += command;
  }
  if (count == 0) return batch_;
  CountResent(first, count);
  pending_.MarkSent(count);
  batch_ends_[next_batch_end_] = first + count - 1;
  next_batch_end_ = (next_batch_end_ + 1) % kMaxPartialBatches;
  return batch_;
}

void Session::CountResent(uint64_t first, uint64_t count) {
  const uint64_t last = first + count - 1;
  const uint64_t again_from = std::max(first, highest_resent_ + 1);
  const uint64_t again_to = std::min(last, highest_sent_);
  if (again_from <= again_to) {
    stats_.resent += again_to - again_from + 1;
    highest_resent_ = again_to;
  }
  highest_sent_ = std::max(highest_sent_, last);
}

absl::Status Session::CheckResults(const v1::CommandBatchResult& results) const {
  const uint64_t first = pending_.first_unanswered();
  const auto count = static_cast<uint64_t>(results.results_size());
  bool expected = count <= pending_.next_unsent() - first;
  for (uint64_t i = 0; i < count && expected; ++i) {
    expected = results.results(static_cast<int>(i)).sequence() == first + i;
  }
  if (expected) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "session ", identity_.id, ": a node answered ", count, " commands from number ",
      count == 0 ? results.first_sequence() : results.results(0).sequence(), ", expected were ",
      first, " to ", pending_.next_unsent() - 1, "; do all nodes run the same version?"));
}

bool Session::OnResults(v1::CommandBatchResult* results) {
  const auto count = static_cast<uint64_t>(results->results_size());
  if (count == 0) {
    Lock lock(mutex_);
    stream_answered_ = true;
    SendNext(lock);
    return true;
  }
  uint64_t first;
  {
    Lock lock(mutex_);
    absl::Status expected = CheckResults(*results);
    if (!expected.ok()) {
      protocol_error_ = std::move(expected);
      return false;
    }
    first = pending_.first_unanswered();
    const SteadyClock::time_point now = SteadyClock::now();
    stats_.longest_outage =
        std::max<std::chrono::nanoseconds>(stats_.longest_outage, now - waiting_since_);
    waiting_since_ = now;
    answer_time_ += (now - pending_.front().submitted - answer_time_) / 8;
    answering_ = true;
  }
  uint64_t repeated = 0;
  answered_session = this;
  for (uint64_t i = 0; i < count; ++i) {
    v1::CommandResult* result = results->mutable_results(static_cast<int>(i));
    if (result->repeated()) ++repeated;
    Callback callback = std::exchange(pending_[first + i].callback, nullptr);
    // Lent, not given: what it holds is used again for the next message.
    answer_->Swap(result);
    callback(answer_);
    answer_->Swap(result);
  }
  answered_session = nullptr;
  Lock lock(mutex_);
  answering_ = false;
  pending_.MarkAnswered(count);
  stats_.answered += count;
  stats_.repeated += repeated;
  stream_answered_ = true;
  if (waiting_for_room_ > 0) room_.notify_all();
  if (pending_.empty()) drained_.notify_all();
  SendNext(lock);
  return true;
}

void Session::OnWritable() {
  Lock lock(mutex_);
  SendNext(lock);
}

void Session::OnClosed(const RpcError& error) {
  Lock lock(mutex_);
  stream_ = nullptr;
  stream_error_ = error;
  wake_.notify_all();
}

}  // namespace quorumbook::client
