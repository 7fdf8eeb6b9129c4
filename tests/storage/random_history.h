// Random writes of a correct replica, for the crash and damage tests.
#pragma once

#include <optional>
#include <random>

#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {

// One write for `model`, or a snapshot to be saved.
struct RandomStep {
  std::optional<ShardWrite> write;
  std::optional<consensus::Snapshot> save;
};

// Brings `model` to the state after the step.
RandomStep TakeRandomStep(ShardModel* model, std::mt19937_64* random);

}  // namespace quorumbook::storage
