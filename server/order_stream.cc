#include "server/order_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/batch_request.h"
#include "server/report_codec.h"

namespace quorumbook::server {
namespace {

// What a result, or a report, takes on the wire, roughly.
constexpr uint64_t kReportBytes = 96;

}  // namespace

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

uint64_t WireBytes(const v1::CommandBatchResult& message) {
  int reports = 0;
  for (const v1::CommandResult& result : message.results()) reports += 1 + result.reports_size();
  return kReportBytes * (1 + static_cast<uint64_t>(reports));
}

OrderStream* OrderStream::Begin(const ShardSet* shards, SessionGuard* guard,
                                std::atomic<uint64_t>* unsent_of_node, GrpcMetrics* metrics,
                                grpc::CallbackServerContext* context) {
  auto stream = std::make_shared<OrderStream>(shards, guard, unsent_of_node, metrics, context);
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

// Whether this stream may carry the batch.
Refusal OrderStream::Check(const ShardReplica& replica, uint64_t term) {
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
  // The usual answer is one report for each command.
  const uint64_t expected = 2 * kReportBytes * static_cast<uint64_t>(in_.commands_size());
  std::string group;
  if (refusal.code == RefusalCode::kNone && !empty) {
    refusal = ReadBatch(shards_.config(), replica->names(), in_, &group);
  }
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || finished_) return;
    if (refusal.code != RefusalCode::kNone) return EndWith(refusal);
    if (empty) {  // answered at once: there is nothing to wait for
      results_.emplace_back().set_first_sequence(in_.first_sequence());
      AddUnsent(WireBytes(results_.back()));
      return WriteNext();
    }
    BeginBatch(replica, expected);
  }
  replica->Submit(std::move(group), term,
                  [self = shared_from_this(), replica, expected](const GroupReply& reply) {
                    self->OnReply(reply, replica, expected);
                  });
}

void OrderStream::BeginBatch(const ShardReplica* replica, uint64_t expected_bytes) {
  ++batches_;
  AddUnsent(expected_bytes);
  for (Busy& busy : busy_) {
    if (busy.replica != replica) continue;
    ++busy.batches;
    return;
  }
  busy_.push_back({replica, 1});
}

void OrderStream::EndBatch(const ShardReplica* replica, uint64_t expected_bytes) {
  --batches_;
  RemoveUnsent(expected_bytes);
  const auto busy = std::ranges::find(busy_, replica, &Busy::replica);
  if (--busy->batches == 0) busy_.erase(busy);
}

void OrderStream::AddUnsent(uint64_t bytes) {
  unsent_bytes_ += bytes;
  unsent_of_node_.fetch_add(bytes, std::memory_order_relaxed);
}

void OrderStream::RemoveUnsent(uint64_t bytes) {
  unsent_bytes_ -= bytes;
  unsent_of_node_.fetch_sub(bytes, std::memory_order_relaxed);
}

void OrderStream::OnReply(const GroupReply& reply, const ShardReplica* replica,
                          uint64_t expected_bytes) {
  std::deque<v1::CommandBatchResult> messages;
  if (reply.group != nullptr) {
    messages = MakeResults(*reply.result, *reply.group, kMaxResultBytes, &spare_);
  }
  const std::lock_guard lock(mutex_);
  EndBatch(replica, expected_bytes);
  if (finished_ || broken_) return FinishWhenIdle();
  for (v1::CommandBatchResult& message : messages) {
    AddUnsent(WireBytes(message));
    results_.push_back(std::move(message));
  }
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
  RemoveUnsent(WireBytes(results_.front()));
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
  {
    const std::lock_guard lock(mutex_);
    while (!results_.empty()) {
      RemoveUnsent(WireBytes(results_.front()));
      results_.pop_front();
    }
  }
  self_.reset();
}

void OrderStream::LoseShard(const Refusal& refusal) {
  const std::lock_guard lock(mutex_);
  EndWith(refusal);
}

void OrderStream::ReadNext() {
  if (reading_ || half_closed_ || ending_ || finished_ || IsHeldBack()) return;
  reading_ = true;
  StartRead(&in_);
}

// Each of these ends with an answer or with one that was written, and both ask again, so a stream
// that is held back goes on in time.
bool OrderStream::IsHeldBack() const {
  if (batches_ + results_.size() >= kMaxStreamBatches) return true;
  const bool node_is_full =
      unsent_of_node_.load(std::memory_order_relaxed) >= kMaxUnsentBytesOfNode;
  if (unsent_bytes_ >= (node_is_full ? 1 : kMaxUnsentBytes)) return true;
  return std::ranges::any_of(busy_, [](const Busy& busy) { return busy.replica->crowded(); });
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
