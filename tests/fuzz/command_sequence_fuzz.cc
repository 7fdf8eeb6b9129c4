// Whatever is sent, events are numbered without a gap, nothing is negative, balances add up, no
// book that trades is crossed, and a state saved and restored on the way ends as the other does.
#include <optional>
#include <string>
#include <string_view>

#include "common/check.h"
#include "exchange/exchange.h"
#include "fuzz_target.h"
#include "random_flow.h"
#include "script_reader.h"

namespace quorumbook::fuzz {
namespace {

using exchange::ApplyResult;
using exchange::Exchange;

void CheckBooks(const Exchange& exchange) {
  for (const exchange::SymbolInfo& symbol : exchange.Symbols()) {
    const exchange::Depth depth = exchange.GetDepth(symbol.id, SIZE_MAX);
    for (const auto* levels : {&depth.bids, &depth.asks}) {
      for (const exchange::LevelInfo& level : *levels) {
        QB_CHECK(level.orders > 0 && level.quantity > 0);
      }
    }
    const bool trades = symbol.phase == exchange::Phase::kContinuous && !symbol.busy;
    if (!trades || depth.bids.empty() || depth.asks.empty()) continue;
    QB_CHECK(depth.bids[0].price < depth.asks[0].price);
  }
}

Exchange Copy(const Exchange& exchange) {
  const std::string bytes = exchange.Snapshot();
  absl::StatusOr<Exchange> copy = Exchange::Restore(bytes);
  QB_CHECK(copy.ok() && copy->Snapshot() == bytes);
  return *std::move(copy);
}

void Run(std::string_view script) {
  constexpr int kCopyEvery = 16;  // batches
  exchange::ScriptReader reader(script);
  Exchange market;
  ApplyResult result;
  market.Apply(reader.Setup(), &result);
  uint64_t sequence = market.last_sequence();
  Exchange twin = Copy(market);
  ApplyResult twin_result;
  for (int i = 1; !reader.AtEnd(); ++i) {
    const exchange::Batch batch = reader.Next();
    market.Apply(batch, &result);
    twin.Apply(batch, &twin_result);
    QB_CHECK(result.events == twin_result.events);
    for (const exchange::Event& event : result.events) {
      QB_CHECK(event.leaves >= 0 && event.executed >= 0 && event.maker_leaves >= 0);
      if (event.sequence > sequence) QB_CHECK(event.sequence == ++sequence);  // else a repeat
    }
    QB_CHECK(sequence == market.last_sequence());
    QB_CHECK(market.CheckConservation().ok());
    CheckBooks(market);
    if (i % kCopyEvery == 0) twin = Copy(market);
  }
  QB_CHECK(Copy(market).Snapshot() == twin.Snapshot());
}

}  // namespace

std::vector<std::string> Seeds() {
  exchange::Random random(1);
  std::vector<std::string> seeds;
  for (size_t size = 16; size <= 2'048; size *= 2) {
    std::string& seed = seeds.emplace_back(size, '\0');
    for (char& byte : seed) byte = static_cast<char>(random.Below(256));
  }
  return seeds;
}

}  // namespace quorumbook::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  quorumbook::fuzz::Run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
