#include "storage/identity.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <functional>
#include <string>

#include "consensus/configuration.h"

namespace quorumbook::storage {
namespace {

std::string Describe(const StoreIdentity& identity) {
  return absl::StrCat("node ", identity.node_id.value(), " of cluster \"", identity.cluster_id,
                      "\"");
}

std::string List(const std::vector<NodeId>& members) {
  return absl::StrJoin(
      members, ", ", [](std::string* out, NodeId member) { absl::StrAppend(out, member.value()); });
}

}  // namespace

absl::Status CheckIdentityIsValid(const StoreIdentity& identity) {
  const size_t length = identity.cluster_id.size();
  if (length >= 1 && length <= 64 && identity.node_id != NodeId()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a store needs a cluster id of 1 to 64 characters and a node id above 0; got ",
                   Describe(identity)));
}

bool IsSameNode(const StoreIdentity& found, const StoreIdentity& wanted) {
  return found.node_id == wanted.node_id && found.cluster_id == wanted.cluster_id;
}

absl::Status OtherIdentityError(const std::string& place, const StoreIdentity& found,
                                const StoreIdentity& wanted) {
  return absl::FailedPreconditionError(absl::StrCat(
      place, " belongs to ", Describe(found), ", but this is ", Describe(wanted),
      ": correct the node's id, its cluster id or its data directory in the configuration"));
}

absl::Status CheckFoundersAreValid(const std::vector<NodeId>& founders) {
  const bool rising = std::adjacent_find(founders.begin(), founders.end(),
                                         std::greater_equal<>()) == founders.end();
  if (founders.empty() || founders.size() > consensus::kVotersMax || !rising ||
      founders.front() == NodeId()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a cluster is founded by 1 to ", consensus::kVotersMax,
                     " members, rising and above 0; got: ", List(founders)));
  }
  return absl::OkStatus();
}

absl::Status CheckFounders(const std::vector<NodeId>& kept, const std::vector<NodeId>& founders) {
  if (absl::Status status = CheckFoundersAreValid(founders); !status.ok()) return status;
  if (kept.empty() || kept == founders) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "this store belongs to a cluster that was founded by the members ", List(kept), ", not by ",
      List(founders),
      ": correct the peers in the configuration, or give the node an empty data directory"));
}

}  // namespace quorumbook::storage
