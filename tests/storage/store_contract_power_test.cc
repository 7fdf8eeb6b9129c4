// Whatever moment the power fails at: what was acknowledged is there, and what was not is there
// whole or not at all.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/storage/random_history.h"
#include "tests/storage/store_contract.h"

namespace quorumbook::storage {
namespace {

using consensus::Term;

class StorePowerLossTest : public StoreContractTest {
 protected:
  void SetUp() override {}

  void StartOver() {
    store_ = nullptr;
    medium_ = GetParam().make();
    models_ = {ShardModel(ShardId(1)), ShardModel(ShardId(2)), ShardModel(ShardId(700))};
  }
  // Closing syncs nothing, so what a loss of power takes is lost.
  void LosePower(std::mt19937_64* torn) {
    store_.reset();
    medium_->LosePower(torn);
  }

  // One step for a random shard, or a group of writes for all of them. True: acknowledged.
  // models_ is the state before and after_ the state after.
  bool TakeStep(std::mt19937_64* random) {
    after_ = models_;
    if ((*random)() % 3 == 0) {
      std::vector<ShardWrite> group;
      for (ShardModel& model : after_) {
        const Term term(model.state().hard_state.term.value() + 1);
        group.push_back(model.Append(term, {PseudoRandomBytes((*random)(), 200), ""}));
      }
      return store_->Write(group).ok();
    }
    ShardModel& model = after_[(*random)() % after_.size()];
    const RandomStep step = TakeRandomStep(&model, random);
    if (step.write) return store_->Write({*step.write}).ok();
    return store_->SaveSnapshot(model.shard(), *step.save).ok();
  }

  // All shards are at `models`.
  testing::AssertionResult AllHold(const std::vector<ShardModel>& models) {
    for (const ShardModel& model : models) {
      if (testing::AssertionResult holds = Holds(*store_, model); !holds) return holds;
    }
    return testing::AssertionSuccess();
  }
  void ExpectAllOrNothing(bool acknowledged) {
    const testing::AssertionResult holds_after = AllHold(after_);
    if (holds_after) {
      models_ = after_;
      return;
    }
    ASSERT_FALSE(acknowledged) << "an acknowledged write is lost: " << holds_after.message();
    ASSERT_TRUE(AllHold(models_)) << "nor the state after it: " << holds_after.message();
  }

  std::vector<ShardModel> models_;
  std::vector<ShardModel> after_;
};

TEST_P(StorePowerLossTest, AfterAnyWriteNothingIsLost) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    StartOver();
    for (int step = 0; step < 25; ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      ASSERT_NO_FATAL_FAILURE(Reopen());
      ASSERT_TRUE(AllHold(models_));
      ASSERT_TRUE(TakeStep(&random));
      models_ = after_;
      LosePower(random() % 2 == 0 ? &random : nullptr);
    }
    ASSERT_NO_FATAL_FAILURE(Reopen());
    ASSERT_TRUE(AllHold(models_));
  }
}

TEST_P(StorePowerLossTest, DuringAWriteItIsThereWholeOrNotAtAll) {
  int acknowledged = 0;
  int failed = 0;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    StartOver();
    for (int round = 0; round < 25; ++round) {
      SCOPED_TRACE(testing::Message() << "round " << round);
      ASSERT_NO_FATAL_FAILURE(Reopen());
      ASSERT_TRUE(AllHold(models_));
      const uint64_t steps = 1 + random() % 4;
      bool ok = true;
      for (uint64_t i = 0; i < steps && ok; ++i) {
        if (i + 1 == steps) medium_->LosePowerAfter(random() % 5);
        if (i > 0) models_ = after_;
        ok = TakeStep(&random);
      }
      ++(ok ? acknowledged : failed);
      LosePower(random() % 4 != 0 ? &random : nullptr);
      ASSERT_NO_FATAL_FAILURE(Reopen());
      ASSERT_NO_FATAL_FAILURE(ExpectAllOrNothing(ok));
      LosePower(nullptr);
    }
  }
  EXPECT_GT(acknowledged, 10);
  EXPECT_GT(failed, 10);
}

INSTANTIATE_TEST_SUITE_P(All, StorePowerLossTest, testing::ValuesIn(Implementations()),
                         [](const auto& implementation) { return implementation.param.name; });

}  // namespace
}  // namespace quorumbook::storage
