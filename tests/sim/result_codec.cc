#include "tests/sim/result_codec.h"

#include <bit>

#include "common/bytes.h"
#include "common/check.h"

namespace quorumbook::sim {

std::string Encode(const SeedResult& result) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Put(result.seed);
  writer.Put(result.election_timeout);
  writer.Put(std::bit_cast<uint64_t>(result.cpu_seconds));
  writer.Put(result.runs);
  const SimulationResult& run = result.result;
  writer.Put(static_cast<uint8_t>(run.failure.has_value()));
  writer.PutSized(run.failure.value_or(""));
  for (const uint64_t number :
       {static_cast<uint64_t>(run.failed_at), run.trace, static_cast<uint64_t>(run.time),
        run.events, run.messages, run.committed, run.commands, run.requests}) {
    writer.Put(number);
  }
  for (size_t i = 0; i < kFaults; ++i) writer.Put(run.fired.of(static_cast<Fault>(i)));
  writer.Put(run.byzantine);
  for (const auto* times : {&run.elections, &run.silent_elections}) {
    writer.Put(static_cast<uint32_t>(times->size()));
    for (const SimTime time : *times) writer.Put(time);
  }
  return bytes;
}

SeedResult DecodeSeedResult(std::string_view bytes) {
  ByteReader reader(bytes);
  SeedResult result;
  result.seed = reader.Get<uint64_t>();
  result.election_timeout = reader.Get<SimTime>();
  result.cpu_seconds = std::bit_cast<double>(reader.Get<uint64_t>());
  result.runs = reader.Get<int>();
  SimulationResult& run = result.result;
  const bool failed = reader.Get<uint8_t>() != 0;
  const std::string failure(reader.GetSized());
  if (failed) run.failure = failure;
  run.failed_at = reader.Get<SimTime>();
  run.trace = reader.Get<uint64_t>();
  run.time = reader.Get<SimTime>();
  for (uint64_t* number :
       {&run.events, &run.messages, &run.committed, &run.commands, &run.requests}) {
    *number = reader.Get<uint64_t>();
  }
  for (size_t i = 0; i < kFaults; ++i) {
    run.fired.Add(static_cast<Fault>(i), reader.Get<uint64_t>());
  }
  run.byzantine = reader.Get<Byzantine>();
  for (auto* times : {&run.elections, &run.silent_elections}) {
    const auto count = reader.Get<uint32_t>();
    for (uint32_t i = 0; i < count; ++i) times->push_back(reader.Get<SimTime>());
  }
  QB_CHECK(reader.ok() && reader.AtEnd());
  return result;
}

}  // namespace quorumbook::sim
