#include "client/lib/route.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "common/check.h"

namespace quorumbook::client {

Route::Route(ClusterMap* map, uint32_t shard, uint64_t seed)
    : map_(map), shard_(shard), backoff_(seed) {}

std::string Route::Candidate() const {
  if (!named_.empty() && !asked_.contains(named_)) return named_;
  std::string leader = map_->LeaderOf(shard_);
  if (!leader.empty() && !asked_.contains(leader)) return leader;
  for (std::string& address : map_->Addresses()) {
    if (!asked_.contains(address)) return std::move(address);
  }
  return "";
}

Route::Hop Route::Next() {
  Hop hop{.address = Candidate(), .wait = wait_};
  if (hop.address.empty()) {
    asked_.clear();
    hop.address = Candidate();
    hop.wait = std::max(hop.wait, backoff_.Next());
  }
  QB_CHECK(!hop.address.empty());
  asked_.insert(hop.address);
  wait_ = {};
  return hop;
}

void Route::Failed(const std::string& address, const RpcError& error) {
  const NextStep step = Judge(error);
  QB_CHECK(step != NextStep::kGiveUp);
  if (step == NextStep::kSameNodeLater) {
    Later(address, std::chrono::milliseconds(error.detail.retry_after_ms()), Describe(error));
    return;
  }
  said_[address] = Describe(error);
  asked_.insert(address);
  named_ = step == NextStep::kFollowLeader ? error.detail.leader_address() : "";
  if (named_.empty()) {
    map_->ForgetLeader(shard_, address);
  } else {
    map_->SetLeader(shard_, named_);
  }
}

void Route::Later(const std::string& address, std::chrono::milliseconds wait, std::string said) {
  said_[address] = std::move(said);
  named_ = address;
  asked_.erase(address);
  wait_ = std::max(wait, backoff_.Next());
}

void Route::Succeeded(const std::string& address) {
  map_->SetLeader(shard_, address);
  backoff_.Reset();
  asked_.clear();
  named_.clear();
  said_.clear();
}

absl::Status Route::DeadlineError(std::string_view what, std::chrono::milliseconds timeout) const {
  std::string message = absl::StrCat(std::string(what), ": no answer from the leader of shard ",
                                     shard_, " within ", timeout.count(), " ms");
  const char* separator = " (";
  for (const auto& [address, said] : said_) {
    absl::StrAppend(&message, separator, address, ": ", said);
    separator = "; ";
  }
  if (!said_.empty()) message += ')';
  return absl::DeadlineExceededError(message);
}

}  // namespace quorumbook::client
