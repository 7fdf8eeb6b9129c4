// Any bytes are an error or a batch whose encoding they are. The input is a batch without its
// checksum, which no fuzzer would guess; it is run with a wrong one, too.
#include <cstring>
#include <string>
#include <string_view>

#include "common/check.h"
#include "common/digest.h"
#include "exchange/command_codec.h"
#include "fuzz_target.h"
#include "random_batches.h"

namespace quorumbook::fuzz {
namespace {

using exchange::kBatchHeaderBytes;
constexpr size_t kBeforeChecksum = kBatchHeaderBytes - sizeof(uint64_t);

std::string WithChecksum(std::string_view input) {
  if (input.size() < kBeforeChecksum) return std::string(input);
  const std::string_view head = input.substr(0, kBeforeChecksum);
  const std::string_view body = input.substr(kBeforeChecksum);
  const uint64_t checksum = Checksum64(body, Checksum64(head));
  std::string bytes(head);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  return bytes.append(body);
}

void Decode(const std::string& bytes) {
  const absl::StatusOr<exchange::Batch> batch = exchange::DecodeBatch(bytes);
  exchange::BatchView view;
  QB_CHECK(exchange::ReadBatch(bytes, &view).ok() == batch.ok());
  if (batch.ok()) {
    QB_CHECK(exchange::EncodeBatch(*batch) == bytes);
  } else {
    QB_CHECK(absl::IsInvalidArgument(batch.status()) && !batch.status().message().empty());
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const exchange::Batch& batch : exchange::RandomBatches(1, 200, {.everything = true})) {
    std::string bytes = exchange::EncodeBatch(batch);
    seeds.push_back(bytes.erase(kBeforeChecksum, sizeof(uint64_t)));
  }
  return seeds;
}

}  // namespace quorumbook::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  quorumbook::fuzz::Decode(quorumbook::fuzz::WithChecksum(input));
  quorumbook::fuzz::Decode(std::string(input));
  return 0;
}
