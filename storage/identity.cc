#include "storage/identity.h"

#include <absl/strings/str_cat.h>

#include <string>

namespace quorumbook::storage {
namespace {

std::string Describe(const StoreIdentity& identity) {
  return absl::StrCat("node ", identity.node_id.value(), " of cluster \"", identity.cluster_id,
                      "\"");
}

}  // namespace

absl::Status CheckIdentityIsValid(const StoreIdentity& identity) {
  const size_t length = identity.cluster_id.size();
  if (length >= 1 && length <= 64 && identity.node_id != NodeId()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a store needs a cluster id of 1 to 64 characters and a node id above 0; got ",
                   Describe(identity)));
}

absl::Status OtherIdentityError(const std::string& place, const StoreIdentity& found,
                                const StoreIdentity& wanted) {
  return absl::FailedPreconditionError(absl::StrCat(
      place, " belongs to ", Describe(found), ", but this is ", Describe(wanted),
      ": correct the node's id, its cluster id or its data directory in the configuration"));
}

}  // namespace quorumbook::storage
