// Why a node did not do what it was asked. The edge says it in the words of the API (ErrorDetail
// of quorumbook/v1/exchange.proto, where each code's meaning for the client is stated).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/ids.h"

namespace quorumbook::server {

enum class RefusalCode : uint8_t {
  kNone = 0,
  kNotLeader,
  kLeadershipLost,
  kWrongShard,
  kBusy,
  kShuttingDown,
  kBatchTooLarge,
  kMalformed,
  kSessionUnknown,
  kSessionGap,
  kSessionForgotten,
  kSessionWindowFull,
  kDiskFull,
  kSlowConsumer,
  kTooManySubscriptions,
  kBookTooLarge,
  kNotFound,
  kNotFounded,
};
inline constexpr size_t kRefusalCodes = static_cast<size_t>(RefusalCode::kNotFounded) + 1;

struct Refusal {
  RefusalCode code = RefusalCode::kNone;
  std::string message;
  NodeId leader;                   // whom to ask; none: not known
  uint32_t retry_after_ms = 0;     // when to repeat, of kBusy and the like
  uint64_t expected_sequence = 0;  // of kSessionGap
};

// When a client that was refused for the moment may try again.
inline constexpr uint32_t kRetryAfterMs = 20;

}  // namespace quorumbook::server
