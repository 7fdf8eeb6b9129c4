// The rules of a store's identity and of its founders.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <vector>

#include "storage/store.h"

namespace quorumbook::storage {

// kInvalidArgument unless the identity is within its stated bounds.
absl::Status CheckIdentityIsValid(const StoreIdentity& identity);

// Whether a store that was created as `found` may be opened as `wanted`: the same node of the same
// cluster, whatever the incarnation.
bool IsSameNode(const StoreIdentity& found, const StoreIdentity& wanted);

// kFailedPrecondition: names both, and says what to do. `place` is where `found` was.
absl::Status OtherIdentityError(const std::string& place, const StoreIdentity& found,
                                const StoreIdentity& wanted);

// kInvalidArgument unless they are within the bounds of Store::SetFounders.
absl::Status CheckFoundersAreValid(const std::vector<NodeId>& founders);

// Whether `founders` may be kept where `kept` (empty: none) are kept. Errors: as
// Store::SetFounders.
absl::Status CheckFounders(const std::vector<NodeId>& kept, const std::vector<NodeId>& founders);

}  // namespace quorumbook::storage
