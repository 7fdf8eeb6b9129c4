#include "server/market_data_stream.h"

#include <absl/strings/str_cat.h>

#include <array>
#include <utility>

#include "server/replica_call.h"

namespace quorumbook::server {
namespace {

// The update itself, not copied, and its sequence behind it: a serialized message is the
// concatenation of its serialized fields (protobuf encoding guide, "Last One Wins").
grpc::ByteBuffer WithSequence(const SharedUpdate& update, uint64_t sequence) {
  v1::MarketDataUpdate tail;
  tail.set_sequence(sequence);
  auto* const keep = new SharedUpdate(update);
  const std::array<grpc::Slice, 2> slices = {
      grpc::Slice(
          const_cast<char*>(update->data()), update->size(),
          [](void* kept) { delete static_cast<SharedUpdate*>(kept); }, keep),
      grpc::Slice(tail.SerializeAsString())};
  return {slices.data(), slices.size()};
}

}  // namespace

MarketDataStream* MarketDataStream::Begin(const ShardSet* shards, RequestPlaces* places,
                                          GrpcMetrics* metrics,
                                          grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer& request) {
  v1::SubscribeRequest subscribe;
  grpc::ByteBuffer bytes = request;
  const grpc::Status parsed =
      grpc::SerializationTraits<v1::SubscribeRequest>::Deserialize(&bytes, &subscribe);
  auto stream = std::make_shared<MarketDataStream>(
      shards, metrics, context, MarketDataFeed::MayConflate(subscribe.channel()));
  stream->self_ = stream;
  stream->count_.Received();
  stream->place_ = places->Take();
  Refusal refusal = TooManyRequests();
  if (!parsed.ok()) {
    refusal = {RefusalCode::kMalformed, "the request is no SubscribeRequest", NodeId()};
  } else if (stream->place_ != nullptr) {
    stream->replica_ = shards->Find(subscribe.shard(), &refusal);
  }
  if (stream->replica_ == nullptr) {
    stream->OnEnd(refusal);
  } else {
    stream->replica_->Subscribe(std::move(subscribe), stream);
  }
  return stream.get();
}

size_t MarketDataStream::OnUpdate(const SharedUpdate& update, bool snapshot) {
  const std::lock_guard lock(mutex_);
  if (ending_ || finished_) return 0;
  if (queue_.Push(update, snapshot)) {
    WriteNext();
    return queue_.TakeDropped();
  }
  replica_->SubscriberCut();
  EndWith({RefusalCode::kSlowConsumer,
           absl::StrCat("more than ", kMaxPendingBytes,
                        " bytes waited to be read: subscribe again, and read faster or subscribe "
                        "to a channel that is conflated"),
           NodeId()});
  return queue_.TakeDropped();
}

size_t MarketDataStream::Behind() const {
  const std::lock_guard lock(mutex_);
  return queue_.behind();
}

void MarketDataStream::OnEnd(const Refusal& refusal) {
  const std::lock_guard lock(mutex_);
  EndWith(refusal);
}

void MarketDataStream::OnWriteDone(bool ok) {
  bool refresh = false;
  {
    const std::lock_guard lock(mutex_);
    is_writing_ = false;
    if (!ok) return FinishWhenIdle();
    count_.Sent();
    WriteNext();
    FinishWhenIdle();
    refresh = !is_writing_ && !ending_ && !finished_ && queue_.wants_snapshot();
  }
  if (refresh) replica_->Refresh(shared_from_this());
}

void MarketDataStream::OnCancel() {
  const std::lock_guard lock(mutex_);
  if (!finished_) FinishWith(grpc::Status::CANCELLED);
}

void MarketDataStream::OnDone() {
  if (replica_ != nullptr) replica_->Unsubscribe(shared_from_this());
  self_.reset();
}

void MarketDataStream::WriteNext() {
  if (is_writing_ || ending_ || finished_ || queue_.empty()) return;
  is_writing_ = true;
  writing_ = WithSequence(queue_.Pop(), ++sequence_);
  StartWrite(&writing_);
}

void MarketDataStream::EndWith(const Refusal& refusal) {
  if (ending_ || finished_) return;
  ending_ = true;
  queue_.Clear();
  final_status_ = shards_.ToStatus(refusal, context_);
  FinishWhenIdle();
}

void MarketDataStream::FinishWhenIdle() {
  if (finished_ || is_writing_ || !ending_) return;
  FinishWith(final_status_);
}

void MarketDataStream::FinishWith(const grpc::Status& status) {
  finished_ = true;
  count_.Finishing(status);
  Finish(status);
}

}  // namespace quorumbook::server
