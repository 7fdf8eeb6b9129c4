#include "consensus/configuration.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "common/bytes.h"

namespace quorumbook::consensus {
namespace {

constexpr uint8_t kVersion = 2;

bool Has(const std::vector<NodeId>& ids, NodeId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool IsOrderedSet(const std::vector<NodeId>& ids, size_t bound) {
  return ids.size() <= bound && !Has(ids, NodeId()) &&
         std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end();
}

}  // namespace

bool Configuration::IsVoter(NodeId id) const { return Has(voters, id) || Has(voters_outgoing, id); }

bool Configuration::IsLearner(NodeId id) const { return Has(learners, id) && !IsVoter(id); }

bool Configuration::IsRetired(NodeId id) const { return Has(retired, id); }

void Configuration::Retire(NodeId id) {
  if (IsRetired(id)) return;
  retired.push_back(id);
  if (retired.size() > kRetiredMax) retired.erase(retired.begin());
}

std::vector<NodeId> Configuration::Members() const {
  std::vector<NodeId> members = voters;
  for (const auto* list : {&voters_outgoing, &learners}) {
    for (NodeId id : *list) {
      if (!Has(members, id)) members.push_back(id);
    }
  }
  return members;
}

bool IsValid(const Configuration& configuration) {
  std::vector<NodeId> retired = configuration.retired;
  std::ranges::sort(retired);
  return IsOrderedSet(retired, kRetiredMax) &&
         std::ranges::none_of(retired,
                              [&](NodeId id) {
                                return Has(configuration.voters, id) ||
                                       Has(configuration.learners, id);
                              }) &&
         !configuration.voters.empty() && IsOrderedSet(configuration.voters, kVotersMax) &&
         IsOrderedSet(configuration.voters_outgoing, kVotersMax) &&
         IsOrderedSet(configuration.learners, kLearnersMax) &&
         std::none_of(configuration.learners.begin(), configuration.learners.end(),
                      [&](NodeId id) { return Has(configuration.voters, id); });
}

Configuration MakeConfiguration(std::vector<NodeId> voters, std::vector<NodeId> learners) {
  std::sort(voters.begin(), voters.end());
  std::sort(learners.begin(), learners.end());
  return {.voters = std::move(voters), .learners = std::move(learners)};
}

size_t VotersChanged(const Configuration& a, const Configuration& b) {
  std::vector<NodeId> changed;
  std::ranges::set_symmetric_difference(a.voters, b.voters, std::back_inserter(changed));
  return changed.size();
}

std::string EncodeConfiguration(const Configuration& configuration) {
  std::string bytes;
  ByteWriter writer(&bytes);
  const auto lists = {&configuration.voters, &configuration.voters_outgoing,
                      &configuration.learners, &configuration.retired};
  writer.Put(kVersion);
  for (const auto* list : lists) writer.Put(static_cast<uint8_t>(list->size()));
  for (const auto* list : lists) {
    for (NodeId id : *list) writer.Put(id.value());
  }
  return bytes;
}

std::optional<Configuration> DecodeConfiguration(std::string_view bytes) {
  ByteReader reader(bytes);
  Configuration configuration;
  if (reader.Get<uint8_t>() != kVersion) return std::nullopt;
  const auto lists = {&configuration.voters, &configuration.voters_outgoing,
                      &configuration.learners, &configuration.retired};
  for (auto* list : lists) list->resize(reader.Get<uint8_t>());
  for (auto* list : lists) {
    for (NodeId& id : *list) id = NodeId(reader.Get<uint64_t>());
  }
  if (!reader.ok() || !reader.AtEnd() || !IsValid(configuration)) return std::nullopt;
  return configuration;
}

}  // namespace quorumbook::consensus
