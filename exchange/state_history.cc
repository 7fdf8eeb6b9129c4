#include "exchange/state_history.h"

#include <absl/strings/str_cat.h>

#include <utility>

namespace quorumbook::exchange {

absl::StatusOr<std::string> StateHistory::Recipe::MakeSnapshot(
    const std::function<bool()>& give_up) const {
  const auto given_up = [] { return absl::CancelledError("the snapshot is not wanted any more"); };
  if (give_up()) return given_up();
  Exchange state;
  if (base_ != nullptr) {
    absl::StatusOr<Exchange> restored = Exchange::Restore(*base_);
    if (!restored.ok()) {
      return absl::DataLossError(
          absl::StrCat("the last snapshot can not be read again: ", restored.status().message()));
    }
    state = *std::move(restored);
  }
  ApplyResult result;
  for (const Batches& batches : batches_) {
    for (const Bytes& batch : *batches) {
      if (give_up()) return given_up();
      if (absl::Status status = state.Apply(*batch, &result); !status.ok()) {
        return absl::DataLossError(
            absl::StrCat("a batch can not be executed again: ", status.message()));
      }
    }
  }
  if (state.RunningDigest() != digest_) {
    return absl::DataLossError(
        "the state is not what its log leads to: the memory of this machine may be faulty");
  }
  if (give_up()) return given_up();
  return state.Snapshot();
}

void StateHistory::Restart(Bytes snapshot) {
  base_ = std::move(snapshot);
  old_.clear();
  recent_.clear();
  cut_ = false;
}

StateHistory::Recipe StateHistory::Cut(const Digest& digest) {
  old_.push_back(std::make_shared<const std::vector<Bytes>>(std::exchange(recent_, {})));
  cut_ = true;
  Recipe recipe;
  recipe.base_ = base_;
  recipe.batches_ = old_;
  recipe.digest_ = digest;
  return recipe;
}

std::shared_ptr<const void> StateHistory::Replace(Bytes snapshot) {
  if (!cut_) return nullptr;
  cut_ = false;
  auto spent = std::make_shared<std::pair<Bytes, std::vector<Recipe::Batches>>>();
  spent->first = std::exchange(base_, std::move(snapshot));
  spent->second = std::exchange(old_, {});
  return spent;
}

}  // namespace quorumbook::exchange
