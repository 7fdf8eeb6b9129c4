// Why a node did not do what it was asked, as its edge will say it.
#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::server {

struct Refusal {
  v1::ErrorDetail::Code code = v1::ErrorDetail::CODE_UNSPECIFIED;
  std::string message;
  NodeId leader;                   // whom to ask; none: not known
  uint32_t retry_after_ms = 0;     // when to repeat, of kBusy and the like
  uint64_t expected_sequence = 0;  // of SESSION_GAP
};

}  // namespace quorumbook::server
