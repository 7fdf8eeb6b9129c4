// That nothing is created or lost: what Exchange::CheckConservation checks.
#pragma once

#include <absl/status/status.h>

#include "exchange/market.h"

namespace quorumbook::exchange {

absl::Status CheckConservation(const Market& market);

}  // namespace quorumbook::exchange
