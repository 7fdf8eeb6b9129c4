// Any bytes are refused, or the encoding of the events that they decode to.
#include <string>
#include <string_view>

#include "common/check.h"
#include "exchange/event.h"
#include "exchange/exchange.h"
#include "fuzz_target.h"
#include "random_batches.h"

namespace quorumbook::fuzz {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {""};
  exchange::Exchange market;
  exchange::ApplyResult result;
  for (const exchange::Batch& batch : exchange::RandomBatches(1, 300, {.everything = true})) {
    market.Apply(batch, &result);
    std::string& bytes = seeds.emplace_back();
    for (const exchange::Event& event : result.events) exchange::EncodeEvent(event, &bytes);
  }
  return seeds;
}

}  // namespace quorumbook::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<quorumbook::exchange::Event> events;
  if (!quorumbook::exchange::DecodeEvents(input, &events)) return 0;
  std::string bytes;
  for (const auto& event : events) quorumbook::exchange::EncodeEvent(event, &bytes);
  QB_CHECK(bytes == input);
  return 0;
}
