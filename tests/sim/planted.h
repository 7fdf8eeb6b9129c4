// Bugs planted outside the consensus core: see consensus/mutant.h for those inside.
#pragma once

#include <cstdint>

namespace quorumbook::sim {

enum class Planted : uint8_t { kNone, kCount };

}  // namespace quorumbook::sim
