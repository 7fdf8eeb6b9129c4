// Refuses commands that no exchange could understand, before they spoil a batch of others.
#pragma once

#include <absl/status/status.h>

#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::client {

// kInvalidArgument names the field. What the exchange may refuse by its rules is left to it.
absl::Status CheckCommand(const v1::Command& command);

}  // namespace quorumbook::client
