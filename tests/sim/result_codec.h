// Results on their way from one process of a batch to another.
#pragma once

#include <string>
#include <string_view>

#include "tests/sim/batch.h"

namespace quorumbook::sim {

std::string Encode(const SeedResult& result);
// REQUIRES: `bytes` is what Encode made.
SeedResult DecodeSeedResult(std::string_view bytes);

}  // namespace quorumbook::sim
