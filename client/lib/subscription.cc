#include "client/lib/subscription.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace quorumbook::client {

using std::chrono::milliseconds;

Subscription::Subscription(std::shared_ptr<Connection> connection, v1::SubscribeRequest request,
                           std::string first_address)
    : connection_(std::move(connection)),
      request_(std::move(request)),
      preferred_(std::move(first_address)),
      backoff_(connection_->NextSeed()),
      served_(SteadyClock::now()) {}

Subscription::~Subscription() {
  Cancel();
  if (reader_ != nullptr) reader_->Finish();
}

bool Subscription::cancelled() const {
  const Lock lock(mutex_);
  return cancelled_;
}

absl::StatusOr<v1::MarketDataUpdate> Subscription::Next() {
  v1::MarketDataUpdate update;
  served_ = SteadyClock::now();
  while (!cancelled()) {
    if (reader_ == nullptr) {
      const std::string address = NextAddress();
      if (address.empty()) {
        absl::Status waited = WaitBefore(backoff_.Next());
        if (!waited.ok()) return waited;
        continue;
      }
      Open(address);
    }
    if (reader_->Read(&update)) {
      if (Accept(update)) return update;
      continue;
    }
    const grpc::Status status = reader_->Finish();
    reader_.reset();
    absl::Status over = Decide(ErrorOf(status, *context_));
    if (!over.ok()) return over;
  }
  return absl::CancelledError("the subscription was cancelled");
}

void Subscription::Open(const std::string& address) {
  Node& node = connection_->channels().Get(address);
  auto context = std::make_unique<grpc::ClientContext>();
  address_ = address;
  asked_.insert(address);
  refused_.clear();
  sequence_ = 0;
  Lock lock(mutex_);
  context_ = std::move(context);
  if (cancelled_) context_->TryCancel();
  if (streams_++ > 0) ++stats_.resubscribed;
  grpc::ClientContext* const open = context_.get();
  lock.unlock();
  reader_ = node.market_data->Subscribe(open, request_);
}

bool Subscription::Accept(const v1::MarketDataUpdate& update) {
  if (!refused_.empty()) return false;  // it was on its way when the stream was given up
  Lock lock(mutex_);
  const bool gap = update.sequence() != sequence_ + 1 || (sequence_ == 0 && !update.snapshot());
  if (gap) {
    ++stats_.gaps;
    refused_ = absl::StrCat("sent update ", update.sequence(), " after ", sequence_);
  } else if (update.event_sequence() < event_sequence_) {
    refused_ =
        absl::StrCat("is behind: at event ", update.event_sequence(), " of ", event_sequence_);
  }
  if (!refused_.empty()) {
    context_->TryCancel();
    return false;
  }
  ++stats_.updates;
  if (update.snapshot()) ++stats_.snapshots;
  sequence_ = update.sequence();
  event_sequence_ = update.event_sequence();
  // What serves now is asked first when the stream ends.
  preferred_ = address_;
  asked_.clear();
  unknown_.clear();
  rounds_ = 0;
  said_.clear();
  backoff_.Reset();
  return true;
}

absl::Status Subscription::Decide(const RpcError& error) {
  if (cancelled()) return absl::OkStatus();
  if (sequence_ > 0) served_ = SteadyClock::now();
  said_[address_] = refused_.empty() ? client::Describe(error) : refused_;
  if (error.detail.code() == v1::ErrorDetail::SLOW_CONSUMER) {
    const Lock lock(mutex_);
    ++stats_.cut;
    asked_.erase(address_);  // it serves well: once more there
    return absl::OkStatus();
  }
  if (!refused_.empty()) return absl::OkStatus();
  asked_.insert(address_);
  if (preferred_ == address_) preferred_.clear();
  if (error.status.error_code() == grpc::StatusCode::NOT_FOUND) {
    unknown_.insert(address_);  // it may be behind: the others are asked too
    return absl::OkStatus();
  }
  unknown_.erase(address_);
  return Judge(error) == NextStep::kGiveUp ? ToAbsl(error.status) : absl::OkStatus();
}

// What an update was received of is there: nodes that do not know it are behind.
bool Subscription::KnownNowhere() const {
  if (event_sequence_ > 0) return false;
  const std::vector<std::string> addresses = connection_->map().Addresses();
  return std::ranges::all_of(
      addresses, [this](const std::string& address) { return unknown_.contains(address); });
}

// "" when every node was asked in this round.
std::string Subscription::NextAddress() {
  if (!preferred_.empty() && !asked_.contains(preferred_)) return preferred_;
  std::vector<std::string> addresses = connection_->map().Addresses();
  // Not all clients on one node.
  std::rotate(
      addresses.begin(),
      addresses.begin() + static_cast<std::ptrdiff_t>(connection_->NextSeed() % addresses.size()),
      addresses.end());
  for (const std::string& address : addresses) {
    if (!asked_.contains(address)) return address;
  }
  return "";
}

// Between rounds.
absl::Status Subscription::WaitBefore(milliseconds wait) {
  asked_.clear();
  if (++rounds_ > 1 && KnownNowhere()) {
    return absl::NotFoundError(absl::StrCat("there is no symbol '", request_.symbol(),
                                            "'; list those there are with `qb symbol list`"));
  }
  Lock lock(mutex_);
  wake_.wait_for(lock, wait, [this] { return cancelled_; });
  if (SteadyClock::now() - served_ < connection_->options().timeout) return absl::OkStatus();
  return NobodyServes();
}

absl::Status Subscription::NobodyServes() const {
  std::string message =
      absl::StrCat("no node serves market data of ",
                   request_.symbol().empty() ? absl::StrCat("shard ", request_.shard())
                                             : absl::StrCat("'", request_.symbol(), "'"));
  for (const auto& [address, text] : said_) absl::StrAppend(&message, "; ", address, ": ", text);
  return absl::UnavailableError(message);
}

void Subscription::Cancel() {
  const Lock lock(mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
  wake_.notify_all();
}

SubscriptionStats Subscription::stats() const {
  const Lock lock(mutex_);
  return stats_;
}

}  // namespace quorumbook::client
