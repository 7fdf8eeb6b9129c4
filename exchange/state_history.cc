#include "exchange/state_history.h"

#include <absl/strings/str_cat.h>

#include <utility>

namespace quorumbook::exchange {

absl::StatusOr<Exchange> StateHistory::Recipe::Begin() const {
  if (base_ == nullptr) return Exchange();
  absl::StatusOr<Exchange> restored = Exchange::Restore(*base_);
  if (!restored.ok()) {
    return absl::DataLossError(
        absl::StrCat("the last snapshot can not be read again: ", restored.status().message()));
  }
  return restored;
}

size_t StateHistory::Recipe::CountMarks() const {
  size_t marks = 0;
  for (const Steps& steps : steps_) {
    for (const Step& step : *steps) marks += std::holds_alternative<Mark>(step) ? 1 : 0;
  }
  return marks;
}

absl::StatusOr<StateHistory::Made> StateHistory::Recipe::Make(
    const std::function<bool()>& give_up) const {
  const auto given_up = [] { return absl::CancelledError("the snapshot is not wanted any more"); };
  if (give_up()) return given_up();
  absl::StatusOr<Exchange> state = Begin();
  if (!state.ok()) return state.status();
  Made made;
  size_t marks = CountMarks();
  ApplyResult result;
  for (const Steps& steps : steps_) {
    for (const Step& step : *steps) {
      if (give_up()) return given_up();
      if (const auto* mark = std::get_if<Mark>(&step)) {
        if (marks-- <= kMarksMax) made.marked[mark->name] = state->StateDigest();
        continue;
      }
      if (absl::Status status = state->Apply(*std::get<Bytes>(step), &result); !status.ok()) {
        return absl::DataLossError(
            absl::StrCat("a batch can not be executed again: ", status.message()));
      }
    }
  }
  if (state->RunningDigest() != digest_) {
    return absl::DataLossError(
        "the state is not what its log leads to: the memory of this machine may be faulty");
  }
  if (give_up()) return given_up();
  made.snapshot = state->Snapshot();
  return made;
}

void StateHistory::Restart(Bytes snapshot) {
  base_ = std::move(snapshot);
  old_.clear();
  recent_.clear();
  cut_ = false;
}

StateHistory::Recipe StateHistory::Cut(const Digest& digest) {
  old_.push_back(std::make_shared<const std::vector<Recipe::Step>>(std::exchange(recent_, {})));
  cut_ = true;
  Recipe recipe;
  recipe.base_ = base_;
  recipe.steps_ = old_;
  recipe.digest_ = digest;
  return recipe;
}

std::shared_ptr<const void> StateHistory::Replace(Bytes snapshot) {
  if (!cut_) return nullptr;
  cut_ = false;
  auto spent = std::make_shared<std::pair<Bytes, std::vector<Recipe::Steps>>>();
  spent->first = std::exchange(base_, std::move(snapshot));
  spent->second = std::exchange(old_, {});
  return spent;
}

}  // namespace quorumbook::exchange
