// The rules of a store's identity.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "storage/store.h"

namespace quorumbook::storage {

// kInvalidArgument unless the identity is within its stated bounds.
absl::Status CheckIdentityIsValid(const StoreIdentity& identity);

// kFailedPrecondition: names both, and says what to do. `place` is where `found` was.
absl::Status OtherIdentityError(const std::string& place, const StoreIdentity& found,
                                const StoreIdentity& wanted);

}  // namespace quorumbook::storage
