// One life of a store with every kind of step, cut at every single operation on the disk.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/storage/store_contract.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;

// What is on the disk, as it should be.
struct World {
  std::vector<ShardModel> shards = {ShardModel(ShardId(1)), ShardModel(ShardId(2))};
  std::vector<NodeId> founders;
};

struct Step {
  std::string name;
  // Does it, and changes the world as it should change.
  std::function<absl::Status(Store& store, World* world)> act;
};

std::string TwoChunks(char fill) { return std::string((1 << 20) + 1000, fill); }

std::vector<Step> History() {
  const auto write = [](auto make) {
    return [make](Store& store, World* world) { return store.Write(make(*world)); };
  };
  using Writes = std::vector<ShardWrite>;
  return {
      {"founders",
       [](Store& store, World* world) {
         world->founders = {NodeId(1), NodeId(2)};
         return store.SetFounders(world->founders);
       }},
      {"append", write([](World& world) {
         return Writes{world.shards[0].Append(Term(1), {"a", "b", "c", "d"}),
                       world.shards[1].Append(Term(1), {std::string(40'000, 'x')})};
       })},
      {"truncate", write([](World& world) {
         return Writes{world.shards[0].Replace(Index(3), Term(2), {"C"})};
       })},
      {"save",
       [](Store& store, World* world) {
         return store.SaveSnapshot(ShardId(1), world->shards[0].Save(Index(2), TwoChunks('s')));
       }},
      {"compact", write([](World& world) {
         return Writes{world.shards[0].Compact(Index(2)), world.shards[1].Vote(Term(3), NodeId(2))};
       })},
      {"save again",
       [](Store& store, World* world) {
         return store.SaveSnapshot(ShardId(1), world->shards[0].Save(Index(3), TwoChunks('t')));
       }},
      {"reopen", nullptr},
      {"install", write([](World& world) {
         return Writes{world.shards[1].Append(Term(3), {"with the install"}),
                       world.shards[0].Install(Index(9), TwoChunks('u'))};
       })},
      {"append after the install",
       write([](World& world) { return Writes{world.shards[0].Append(Term(4), {"j", "k"})}; })},
      {"install over it", write([](World& world) {
         return Writes{world.shards[0].Install(Index(20), TwoChunks('v')),
                       world.shards[0].Append(Term(5), {"in the same write"})};
       })},
  };
}

class StoreKillPointTest : public StoreContractTest {
 protected:
  void SetUp() override {}

  absl::Status Open() {
    absl::StatusOr<std::unique_ptr<Store>> opened = medium_->Open(kTestIdentity);
    if (opened.ok()) store_ = *std::move(opened);
    return opened.status();
  }
  void Crash(std::mt19937_64* torn) {
    store_.reset();
    medium_->LosePower(torn);
  }
  // Lives until the power fails; returns the name of the step in which it does, or nothing.
  std::string Live() {
    before_ = after_ = World();
    if (!Open().ok()) return "create";
    for (const Step& step : History()) {
      before_ = after_;
      absl::Status status;
      if (step.act == nullptr) {
        store_.reset();
        status = Open();
      } else {
        status = step.act(*store_, &after_);
      }
      if (!status.ok()) return step.name;
    }
    before_ = after_;
    return "";
  }
  testing::AssertionResult HoldsWorld(const World& world) {
    for (const ShardModel& shard : world.shards) {
      if (testing::AssertionResult holds = Holds(*store_, shard); !holds) return holds;
    }
    if (store_->founders() == world.founders) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "other founders";
  }
  // The state before or after the step that was under way, and a store that works.
  void ExpectWhole() {
    const absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
    EXPECT_EQ(store_->identity(), kTestIdentity);
    World* found = &after_;
    if (const testing::AssertionResult after = HoldsWorld(after_); !after) {
      found = &before_;
      ASSERT_TRUE(HoldsWorld(before_)) << "nor the state after it: " << after.message();
    }
    ASSERT_TRUE(store_->Write({found->shards[0].Append(Term(9), {"after the crash"})}).ok());
    ASSERT_TRUE(HoldsWorld(*found));
  }

  World before_;
  World after_;
};

// What was not synced is lost, or torn; in half of the second case the power fails again during
// recovery.
TEST_P(StoreKillPointTest, EveryKillPointIsSurvived) {
  std::map<std::string, int> kill_points;
  bool completed = false;
  for (uint64_t kill_point = 0; !completed; ++kill_point) {
    ASSERT_LT(kill_point, 2000U);
    for (const bool torn : {false, true}) {
      SCOPED_TRACE(testing::Message() << "kill point " << kill_point << " torn " << torn);
      std::mt19937_64 random(kill_point);
      store_ = nullptr;
      medium_ = GetParam().make();
      medium_->LosePowerAfter(kill_point);
      const std::string step = Live();
      SCOPED_TRACE("in step " + step);
      completed = step.empty();
      ++kill_points[step];
      Crash(torn ? &random : nullptr);
      if (torn && kill_point % 2 == 0) {
        medium_->LosePowerAfter(random() % 30);
        if (!Open().ok()) ++kill_points["recovery"];
        Crash(&random);
      }
      ASSERT_NO_FATAL_FAILURE(ExpectWhole());
    }
  }
  // Each step writes and syncs at least, each in two variants; with snapshots there is more where
  // their data are written apart.
  const bool opening_writes = GetParam().opening_writes;
  for (const Step& step : History()) {
    if (step.act == nullptr && !opening_writes) continue;
    EXPECT_GE(kill_points[step.name], 4) << step.name;
  }
  if (!opening_writes) return;
  EXPECT_GE(kill_points["create"], 40);
  EXPECT_GE(kill_points["reopen"], 20);
  EXPECT_GE(kill_points["recovery"], 20);
  for (const char* step : {"save", "save again"}) EXPECT_GE(kill_points[step], 12) << step;
  for (const char* step : {"install", "install over it"}) EXPECT_GE(kill_points[step], 8) << step;
}

INSTANTIATE_TEST_SUITE_P(All, StoreKillPointTest, testing::ValuesIn(Implementations()),
                         [](const auto& implementation) { return implementation.param.name; });

}  // namespace
}  // namespace quorumbook::storage
