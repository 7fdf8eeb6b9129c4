#include "tests/storage/random_history.h"

namespace quorumbook::storage {
namespace {

using consensus::Index;
using consensus::Term;

std::vector<std::string> RandomPayloads(std::mt19937_64* random) {
  std::vector<std::string> payloads;
  const uint64_t count = 1 + (*random)() % 4;
  for (uint64_t i = 0; i < count; ++i) {
    // Some span several 32 KiB blocks of the write-ahead log.
    const size_t bound = (*random)() % 16 == 0 ? 100'000 : 500;
    payloads.push_back(PseudoRandomBytes((*random)(), (*random)() % bound));
  }
  return payloads;
}

}  // namespace

RandomStep TakeRandomStep(ShardModel* model, std::mt19937_64* random) {
  RandomStep step;
  const Term term(std::max<uint64_t>(1, model->state().hard_state.term.value()) + (*random)() % 2);
  const std::vector<consensus::Entry>& entries = model->state().entries;
  switch ((*random)() % 8) {
    case 0:
      step.write = model->Vote(term, NodeId((*random)() % 3));
      return step;
    case 1:
      // What a snapshot covers is committed, and never in conflict.
      if (entries.empty() || model->state().snapshot) break;
      step.write =
          model->Replace(entries[(*random)() % entries.size()].index, term, RandomPayloads(random));
      return step;
    case 2:
      if (!model->state().snapshot || entries.empty()) break;
      if (entries.front().index > model->state().snapshot->meta.index) break;
      step.write = model->Compact(model->state().snapshot->meta.index);
      return step;
    case 3: {
      if (entries.empty()) break;
      const Index index = entries[(*random)() % entries.size()].index;
      if (model->state().snapshot && index < model->state().snapshot->meta.index) break;
      step.save = model->Save(index, PseudoRandomBytes((*random)(), (*random)() % 2'500'000));
      return step;
    }
    case 4: {
      if (model->last() == Index() || (*random)() % 2 == 0) break;
      const Index index(model->last().value() + (*random)() % 5);
      step.write = model->Install(index, PseudoRandomBytes((*random)(), (*random)() % 2'500'000));
      return step;
    }
    default:
      break;
  }
  step.write = model->Append(term, RandomPayloads(random));
  return step;
}

}  // namespace quorumbook::storage
