#include "server/order_stream.h"

#include <fmt/format.h>

#include <utility>

#include "server/order_codec.h"
#include "server/report_codec.h"

namespace quorumbook::server {

v1::CommandBatchResult SpareResults::Take() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return {};
  v1::CommandBatchResult result = std::move(spare_.back());
  spare_.pop_back();
  return result;
}

void SpareResults::Give(v1::CommandBatchResult&& written) {
  constexpr size_t kMaxSpare = 4;
  constexpr int kMaxSpareResults = 256;
  if (written.results_size() > kMaxSpareResults) return;
  written.Clear();
  const std::lock_guard lock(mutex_);
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(written));
}

std::deque<v1::CommandBatchResult> MakeResults(const exchange::ApplyResult& result,
                                               const exchange::GroupResult& group,
                                               uint64_t max_bytes, SpareResults* spare) {
  // What a report takes on the wire, roughly: enough to keep messages near their bound.
  constexpr uint64_t kReportBytes = 96;
  std::deque<v1::CommandBatchResult> messages;
  uint64_t bytes = max_bytes;
  for (uint32_t i = 0; i < group.command_count; ++i) {
    const exchange::CommandResult& command = result.commands[group.first_command + i];
    if (bytes >= max_bytes) {
      messages.push_back(spare->Take());
      messages.back().set_first_sequence(command.sequence);
      bytes = 0;
    }
    v1::CommandResult* out = messages.back().add_results();
    out->set_sequence(command.sequence);
    out->set_repeated(command.repeated);
    out->mutable_reports()->Reserve(static_cast<int>(command.event_count));
    for (uint32_t j = 0; j < command.event_count; ++j) {
      ToProto(result.events[command.first_event + j], out->add_reports());
    }
    bytes += kReportBytes * (command.event_count + 1);
  }
  return messages;
}

OrderStream* OrderStream::Begin(const ShardSet* shards, SessionGuard* guard, GrpcMetrics* metrics,
                                grpc::CallbackServerContext* context) {
  auto stream = std::make_shared<OrderStream>(shards, guard, metrics, context);
  stream->self_ = stream;
  const std::lock_guard lock(stream->mutex_);
  stream->ReadNext();
  return stream.get();
}

void OrderStream::OnReadDone(bool ok) {
  if (ok) {
    count_.Received();
    Submit();
  }
  const std::lock_guard lock(mutex_);
  reading_ = false;
  if (!ok) half_closed_ = true;
  ReadNext();
  FinishWhenIdle();
}

// Whether the batch may go on to the exchange.
Refusal OrderStream::Check(const ShardReplica& replica, uint64_t term) {
  if (in_.commands_size() > kMaxBatchCommands) {
    return {RefusalCode::kBatchTooLarge,
            fmt::format("the batch has {} commands; at most {} go into one", in_.commands_size(),
                        kMaxBatchCommands),
            NodeId()};
  }
  if (in_.commands_size() == 0 && term == 0) {
    const bool leads = replica.leader() == shards_.config().node_id;
    return {RefusalCode::kNotLeader, "this node does not lead, or not yet",
            leads ? NodeId() : replica.leader(), kRetryAfterMs};
  }
  const SessionKey session{replica.shard(), exchange::SessionId(in_.session())};
  if (session == session_ || term == 0) return {};
  session_ = session;
  if (guard_.Attach(shared_from_this(), session, term)) return {};
  return {RefusalCode::kMalformed,
          fmt::format("a stream carries at most {} sessions", kMaxStreamSessions), NodeId()};
}

void OrderStream::Submit() {
  Refusal refusal;
  ShardReplica* const replica = shards_.Find(in_.shard(), &refusal);
  const uint64_t term = replica == nullptr ? 0 : replica->serving_term();
  if (replica != nullptr) refusal = Check(*replica, term);
  const bool empty = in_.commands_size() == 0;
  std::string group;
  if (refusal.code == RefusalCode::kNone && !empty) {
    absl::StatusOr<exchange::SessionCommands> commands = FromProto(in_, replica->names());
    if (commands.ok()) {
      group = exchange::EncodeGroup(*std::move(commands));
    } else {
      refusal = {RefusalCode::kMalformed, std::string(commands.status().message()), NodeId()};
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || finished_) return;
    if (refusal.code != RefusalCode::kNone) return EndWith(refusal);
    if (empty) {  // answered at once: there is nothing to wait for
      results_.emplace_back().set_first_sequence(in_.first_sequence());
      return WriteNext();
    }
    ++batches_;
  }
  replica->Submit(std::move(group), term,
                  [self = shared_from_this()](const GroupReply& reply) { self->OnReply(reply); });
}

void OrderStream::OnReply(const GroupReply& reply) {
  std::deque<v1::CommandBatchResult> messages;
  if (reply.group != nullptr) {
    messages = MakeResults(*reply.result, *reply.group, kMaxResultBytes, &spare_);
  }
  const std::lock_guard lock(mutex_);
  --batches_;
  if (finished_ || broken_) return FinishWhenIdle();
  for (v1::CommandBatchResult& message : messages) results_.push_back(std::move(message));
  if (reply.refusal != nullptr) {
    broken_ = true;
    EndWith(*reply.refusal);
  } else if (reply.group->status != exchange::SessionStatus::kOk) {
    broken_ = true;
    EndWith(SessionRefusal(*reply.group));
  }
  WriteNext();
  ReadNext();
  FinishWhenIdle();
}

void OrderStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  spare_.Give(std::move(results_.front()));
  results_.pop_front();
  if (!ok) return;  // cancelled: OnCancel finishes
  count_.Sent();
  WriteNext();
  ReadNext();
  FinishWhenIdle();
}

void OrderStream::OnCancel() {
  const std::lock_guard lock(mutex_);
  if (!finished_) FinishWith(grpc::Status::CANCELLED);
}

void OrderStream::OnDone() {
  guard_.Detach(this);
  self_.reset();
}

void OrderStream::LoseShard(const Refusal& refusal) {
  const std::lock_guard lock(mutex_);
  EndWith(refusal);
}

void OrderStream::ReadNext() {
  if (reading_ || half_closed_ || ending_ || finished_) return;
  if (batches_ + results_.size() >= kMaxStreamBatches) return;
  reading_ = true;
  StartRead(&in_);
}

void OrderStream::WriteNext() {
  if (writing_ || finished_ || results_.empty()) return;
  writing_ = true;
  StartWrite(&results_.front());
}

void OrderStream::EndWith(const Refusal& refusal) {
  if (ending_ || finished_) return;
  ending_ = true;
  final_status_ = shards_.ToStatus(refusal, context_);
  FinishWhenIdle();
}

void OrderStream::FinishWhenIdle() {
  if (finished_ || !results_.empty()) return;
  const bool answered = broken_ || batches_ == 0;
  if (!answered || !(ending_ || half_closed_)) return;
  FinishWith(final_status_);
}

void OrderStream::FinishWith(const grpc::Status& status) {
  finished_ = true;
  count_.Finishing(status);
  Finish(status);
}

}  // namespace quorumbook::server
