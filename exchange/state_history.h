// How a state came about: a snapshot, and the batches since. It makes snapshots apart from the
// state: the same batches on the same snapshot give the same state, so that another thread can
// bring it about again and write it down, while the first goes on trading. What is held up is
// Cut(), which shares and copies nothing that grows with the state.
//
// The price is memory for a second state, and a second execution of the batches, while a snapshot
// is made. That execution is a check as well: a state that memory errors have changed in what it
// does is found out before the batches that could tell are dropped.
//
//   history.Add(batch);                                  // beside exchange.Apply(*batch, ...)
//   StateHistory::Recipe recipe = history.Cut(exchange.RunningDigest());
//   ...                                                  // trading goes on
//   absl::StatusOr<std::string> snapshot = recipe.MakeSnapshot();      // on another thread
//   spent = history.Replace(snapshot);                   // once it is stored
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/digest.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {

// Not thread-safe; the recipes are independent of it and of each other.
class StateHistory {
 public:
  // Encoded batches, and snapshots; shared with whoever else keeps them.
  using Bytes = std::shared_ptr<const std::string>;

  class Recipe {
   public:
    // The state's snapshot: the same bytes as Exchange::Snapshot() at the time of the cut. Takes
    // time proportional to the state and the batches; `give_up` is asked between two batches.
    // Errors: kCancelled when it said yes, kDataLoss when the snapshot that it begins with can not
    // be read, or when it leads to another running digest.
    absl::StatusOr<std::string> MakeSnapshot(const std::function<bool()>& give_up = [] {
      return false;
    }) const;

   private:
    friend class StateHistory;
    using Batches = std::shared_ptr<const std::vector<Bytes>>;

    Bytes base_;  // null: begins empty
    std::vector<Batches> batches_;
    Digest digest_;
  };

  // The state is now that of `snapshot`; null: an empty one.
  void Restart(Bytes snapshot);
  // The state has executed a batch. REQUIRES: Exchange::Apply took it.
  void Add(Bytes batch) { recent_.push_back(std::move(batch)); }
  // How to make the state as it is now, whose running digest this is.
  Recipe Cut(const Digest& digest);
  // `snapshot` is what the last recipe made: what led to it is forgotten, and returned, for to
  // destroy it takes long and can be done on another thread. Does nothing, and returns null, when
  // there was a Restart since that Cut.
  std::shared_ptr<const void> Replace(Bytes snapshot);

 private:
  Bytes base_;
  std::vector<Recipe::Batches> old_;  // up to the last cut
  std::vector<Bytes> recent_;         // since then
  bool cut_ = false;                  // since the last Restart or Replace
};

}  // namespace quorumbook::exchange
