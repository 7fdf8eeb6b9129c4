// Any bytes are refused, or a state whose snapshot they are, in which balances add up and which
// goes on trading. The input is a snapshot without its checksum; it is run with a wrong one, too.
#include <cstring>
#include <string>
#include <string_view>

#include "common/check.h"
#include "common/digest.h"
#include "exchange/exchange.h"
#include "exchange/snapshot.h"
#include "fuzz_target.h"
#include "random_batches.h"

namespace quorumbook::fuzz {
namespace {

constexpr size_t kBeforeChecksum = sizeof(exchange::kSnapshotMagic);

std::string WithChecksum(std::string_view input) {
  if (input.size() < kBeforeChecksum) return std::string(input);
  const uint64_t checksum = Checksum64(input.substr(kBeforeChecksum));
  std::string bytes(input.substr(0, kBeforeChecksum));
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  return bytes.append(input.substr(kBeforeChecksum));
}

// As one that somebody sent, who may have made it up.
void Restore(const std::string& bytes) {
  absl::StatusOr<exchange::Exchange> restored = exchange::Exchange::RestoreReceived(bytes);
  if (!restored.ok()) return QB_CHECK(!restored.status().message().empty());
  QB_CHECK(restored->Snapshot() == bytes);
  QB_CHECK(restored->CheckConservation().ok());
  static const std::vector<exchange::Batch> kMore =
      exchange::RandomBatches(7, 30, {.everything = true});
  exchange::ApplyResult result;
  for (const exchange::Batch& batch : kMore) restored->Apply(batch, &result);
  QB_CHECK(restored->CheckConservation().ok());
  const std::string after = restored->Snapshot();
  const absl::StatusOr<exchange::Exchange> again = exchange::Exchange::Restore(after);
  QB_CHECK(again.ok() && again->Snapshot() == after);
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  exchange::ApplyResult result;
  for (const bool everything : {false, true}) {
    for (const uint64_t batches : {0, 10, 30, 60}) {
      exchange::Exchange market;
      const exchange::FlowShape shape{.names = 12, .everything = everything};
      for (const exchange::Batch& batch : exchange::RandomBatches(batches + 1, batches, shape)) {
        market.Apply(batch, &result);
      }
      std::string bytes = market.Snapshot();
      seeds.push_back(bytes.erase(kBeforeChecksum, sizeof(uint64_t)));
    }
  }
  return seeds;
}

}  // namespace quorumbook::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  quorumbook::fuzz::Restore(quorumbook::fuzz::WithChecksum(input));
  quorumbook::fuzz::Restore(std::string(input));
  return 0;
}
