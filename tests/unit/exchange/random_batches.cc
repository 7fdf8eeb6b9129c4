#include "random_batches.h"

#include <algorithm>
#include <variant>

namespace quorumbook::exchange {

std::vector<Batch> RandomBatches(uint64_t seed, uint64_t count, const FlowShape& shape) {
  Random random(seed);
  RandomFlow flow(seed + 1, shape);
  std::vector<Batch> batches(1);
  for (uint64_t i = 1; i <= kSessions; ++i) {
    batches[0].groups.push_back(OpenSession{AccountId(i)});
  }
  std::vector<uint64_t> next(kSessions, 1);
  if (shape.everything) {
    // The last session's orders go when its client does.
    std::get<OpenSession>(batches[0].groups.back()).cancel_on_disconnect = true;
    batches[0].groups.emplace_back(SessionCommands{SessionId(1), 1, 0, RandomFlow::Setup()});
    next[0] += RandomFlow::Setup().size();
  }
  for (uint64_t i = 0; i < count; ++i) {
    Batch& batch = batches.emplace_back();
    batch.time = static_cast<Time>(1000 + i);
    for (uint64_t messages = random.Below(4); messages > 0; --messages) {
      const uint64_t who = random.Below(kSessions);
      SessionCommands message{SessionId(who + 1), next[who], 0, {}};
      if (message.first_sequence > 20) message.acknowledged = message.first_sequence - 20;
      for (uint64_t commands = 1 + random.Below(5); commands > 0; --commands) {
        const bool adds = i < 3 && !shape.everything;
        message.commands.push_back(adds ? flow.NewSymbol() : flow.Next(batch.time));
        ++next[who];
      }
      batch.groups.push_back(message);
    }
    if (shape.everything && random.OneIn(50)) {
      batch.groups.emplace_back(SessionLost{SessionId(1 + random.Below(kSessions))});
    }
  }
  return batches;
}

std::vector<Batch> Unpacked(const std::vector<Batch>& batches) {
  std::vector<Batch> single;
  for (const Batch& batch : batches) {
    for (const Group& group : batch.groups) single.push_back({batch.time * 3, {group}});
  }
  return single;
}

std::vector<Batch> WithRetries(const std::vector<Batch>& batches, uint64_t seed) {
  Random random(seed);
  std::vector<Batch> retried;
  std::vector<Group> sent;
  for (const Batch& batch : batches) {
    for (const Group& group : batch.groups) {
      if (std::holds_alternative<SessionCommands>(group)) {
        if (random.OneIn(4)) {
          SessionCommands early = std::get<SessionCommands>(group);
          early.first_sequence += 1 + random.Below(3);
          early.acknowledged = 0;
          retried.push_back({batch.time, {early}});
        }
        sent.push_back(group);
      }
      retried.push_back({batch.time, {group}});
      while (!sent.empty() && random.OneIn(3)) {
        const size_t back = random.Below(std::min<size_t>(10, sent.size()));
        retried.push_back({batch.time, {sent[sent.size() - 1 - back]}});
      }
    }
  }
  return retried;
}

}  // namespace quorumbook::exchange
