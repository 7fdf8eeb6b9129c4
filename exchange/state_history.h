// How a state came about: a snapshot, and the batches since. It makes snapshots apart from the
// state: the same batches on the same snapshot give the same state, so that another thread can
// bring it about again and write it down, while the first goes on trading. What is held up is
// Cut(), which shares and copies nothing that grows with the state.
//
// The price is memory for a second state, and a second execution of the batches, while a snapshot
// is made. That execution is a check as well: a state that memory errors have changed in what it
// does is found out before the batches that could tell are dropped. On its way it can digest the
// whole state at places that were marked, so that replicas which make their snapshots at different
// times can compare what they write down.
//
//   history.Add(batch);                                  // beside exchange.Apply(*batch, ...)
//   StateHistory::Recipe recipe = history.Cut(exchange.RunningDigest());
//   ...                                                  // trading goes on
//   absl::StatusOr<StateHistory::Made> made = recipe.Make();           // on another thread
//   spent = history.Replace(made->snapshot);             // once it is stored
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/digest.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {

// Not thread-safe; the recipes are independent of it and of each other.
class StateHistory {
 public:
  // Encoded batches, and snapshots; shared with whoever else keeps them.
  using Bytes = std::shared_ptr<const std::string>;
  // The last so many marks before a cut are heeded: each costs as much as to write the state down.
  static constexpr size_t kMarksMax = 8;

  struct Made {
    // The same bytes as Exchange::Snapshot() at the time of the cut.
    std::string snapshot;
    // Exchange::StateDigest() as it was at each mark since the last Restart or Replace.
    std::map<uint64_t, Digest> marked;
  };

  class Recipe {
   public:
    // Takes time proportional to the state, once and for each mark, and to the batches; `give_up`
    // is asked between two batches. Errors: kCancelled when it said yes, kDataLoss when the
    // snapshot that it begins with can not be read, or when it leads to another running digest.
    absl::StatusOr<Made> Make(const std::function<bool()>& give_up = [] { return false; }) const;

   private:
    friend class StateHistory;
    // The digest of the state is wanted, by this name.
    struct Mark {
      uint64_t name = 0;
    };
    using Step = std::variant<Bytes, Mark>;
    using Steps = std::shared_ptr<const std::vector<Step>>;

    absl::StatusOr<Exchange> Begin() const;
    size_t CountMarks() const;

    Bytes base_;  // null: begins empty
    std::vector<Steps> steps_;
    Digest digest_;
  };

  // The state is now that of `snapshot`; null: an empty one.
  void Restart(Bytes snapshot);
  // The state has executed a batch. REQUIRES: Exchange::Apply took it.
  void Add(Bytes batch) { recent_.emplace_back(std::move(batch)); }
  // Recipes that go past here are to tell the digest of the state as it is now.
  void Mark(uint64_t name) { recent_.emplace_back(Recipe::Mark{name}); }
  // How to make the state as it is now, whose running digest this is.
  Recipe Cut(const Digest& digest);
  // `snapshot` is what the last recipe made: what led to it is forgotten, and returned, for to
  // destroy it takes long and can be done on another thread. Does nothing, and returns null, when
  // there was a Restart since that Cut.
  std::shared_ptr<const void> Replace(Bytes snapshot);

 private:
  Bytes base_;
  std::vector<Recipe::Steps> old_;    // up to the last cut
  std::vector<Recipe::Step> recent_;  // since then
  bool cut_ = false;                  // since the last Restart or Replace
};

}  // namespace quorumbook::exchange
