// Snapshots made apart from the state: the same bytes as in one go, whatever happens meanwhile.
#include "exchange/state_history.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "exchange/exchange.h"
#include "random_batches.h"

namespace quorumbook::exchange {
namespace {

constexpr FlowShape kEverything{.names = 60, .price_range = 14, .everything = true};

// A state and its history.
class Recorded {
 public:
  void Apply(const Batch& batch) {
    const auto bytes = std::make_shared<const std::string>(EncodeBatch(batch));
    ApplyResult result;
    ASSERT_TRUE(state_.Apply(*bytes, &result).ok());
    history_.Add(bytes);
  }
  // As if it were received.
  void Restore(const std::string& snapshot) {
    state_ = *Exchange::Restore(snapshot);
    history_.Restart(std::make_shared<const std::string>(snapshot));
  }
  StateHistory::Recipe Cut() { return history_.Cut(state_.RunningDigest()); }
  void Replace(const std::string& snapshot) {
    history_.Replace(std::make_shared<const std::string>(snapshot));
  }
  void Mark(uint64_t name) { history_.Mark(name); }
  Exchange& state() { return state_; }

 private:
  Exchange state_;
  StateHistory history_;
};

void ExpectMakes(const StateHistory::Recipe& recipe, const std::string& wanted) {
  const absl::StatusOr<StateHistory::Made> made = recipe.Make();
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE(made->snapshot == wanted) << made->snapshot.size() << " bytes, not " << wanted.size();
}

TEST(StateHistory, BatchesAfterTheCutDoNotChangeItsSnapshot) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Recorded recorded;
    std::optional<StateHistory::Recipe> recipe;
    std::string wanted;
    uint64_t made = 0, stored = 0, restored = 0;
    for (const Batch& batch : WithRetries(RandomBatches(seed, 400, kEverything), seed)) {
      recorded.Apply(batch);
      if (recipe && random.OneIn(8)) {
        ExpectMakes(*recipe, wanted);
        ++made;
        if (random.OneIn(4)) {  // a received one comes before it is stored
          recorded.Restore(recorded.state().Snapshot());
          ++restored;
        }
        if (!random.OneIn(4)) {  // else there was no space for it
          recorded.Replace(wanted);
          ++stored;
        }
        recipe.reset();
      } else if (!recipe && random.OneIn(8)) {
        recipe = recorded.Cut();
        wanted = recorded.state().Snapshot();
      }
      ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_GT(made, 20u);
    EXPECT_GT(stored, 10u);
    EXPECT_GT(restored, 2u);
    ExpectMakes(recorded.Cut(), recorded.state().Snapshot());
  }
}

TEST(StateHistory, OfNothing) {
  Recorded recorded;
  ExpectMakes(recorded.Cut(), Exchange().Snapshot());
}

// Two replicas make their snapshots at different times, and know of the same places.
TEST(StateHistory, TheStateIsDigestedWhereItIsMarkedWhereverTheSnapshotsAre) {
  const std::vector<Batch> batches = RandomBatches(3, 400, kEverything);
  for (const size_t snapshot_every : {37u, 90u, 400u}) {
    Recorded recorded;
    std::map<uint64_t, Digest> wanted;
    std::map<uint64_t, Digest> told;
    for (size_t i = 1; i <= batches.size(); ++i) {
      recorded.Apply(batches[i - 1]);
      if (i % 50 == 0) {
        recorded.Mark(i);
        wanted[i] = recorded.state().StateDigest();
      }
      if (i % snapshot_every != 0 && i != batches.size()) continue;
      const absl::StatusOr<StateHistory::Made> made = recorded.Cut().Make();
      ASSERT_TRUE(made.ok()) << made.status();
      for (const auto& [name, digest] : made->marked) {
        EXPECT_TRUE(told.emplace(name, digest).second) << "told twice";
      }
      recorded.Replace(made->snapshot);
    }
    EXPECT_EQ(told, wanted) << snapshot_every;
    EXPECT_EQ(told.size(), 8u);
  }
}

TEST(StateHistory, OfManyMarksTheLastAreHeeded) {
  Recorded recorded;
  for (uint64_t name = 1; name <= 20; ++name) recorded.Mark(name);
  const absl::StatusOr<StateHistory::Made> made = recorded.Cut().Make();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->marked.size(), StateHistory::kMarksMax);
  EXPECT_EQ(made->marked.begin()->first, 21 - StateHistory::kMarksMax);
}

TEST(StateHistory, ASnapshotThatCameTooLateDoesNotReplaceANewerBeginning) {
  Recorded recorded;
  const std::vector<Batch> batches = RandomBatches(1, 100);
  for (const Batch& batch : batches) recorded.Apply(batch);
  const std::string old = Exchange().Snapshot();
  recorded.Cut();
  recorded.Restore(recorded.state().Snapshot());
  recorded.Replace(old);
  ExpectMakes(recorded.Cut(), recorded.state().Snapshot());
}

TEST(StateHistory, AStateThatIsNotWhatItsBatchesLeadToIsFoundOut) {
  Recorded recorded;
  for (const Batch& batch : RandomBatches(1, 100)) recorded.Apply(batch);
  ApplyResult result;
  recorded.state().Apply({.time = 5'000, .groups = {OpenSession{AccountId(9)}}}, &result);
  EXPECT_EQ(recorded.Cut().Make().status().code(), absl::StatusCode::kDataLoss);
}

TEST(StateHistory, ADamagedBeginningIsFoundOut) {
  Recorded recorded;
  for (const Batch& batch : RandomBatches(1, 100)) recorded.Apply(batch);
  recorded.Cut();
  std::string damaged = recorded.state().Snapshot();
  damaged.back() ^= 1;
  recorded.Replace(damaged);
  EXPECT_EQ(recorded.Cut().Make().status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace quorumbook::exchange
