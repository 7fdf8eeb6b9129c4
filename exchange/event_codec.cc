#include "exchange/event_codec.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace quorumbook::exchange {

// An event in memory is laid out as its binary form is, so that encoding is one copy: this is on
// the path of every command.
static_assert(std::is_trivially_copyable_v<Event>);
static_assert(std::has_unique_object_representations_v<Event>, "no padding, which could differ");
static_assert(sizeof(Event) == kTradeEventBytes);
static_assert(offsetof(Event, trade_id) == kEventBytes);

namespace {

constexpr size_t kTypeOffset = offsetof(Event, type);

bool ValidEnums(const Event& event) {
  return event.type >= EventType::kSymbolAdded && event.type <= kLastEventType &&
         event.command <= kLastCommandKind && IsKnown(event.reason) && event.side <= Side::kSell;
}

// docs/market-model.md, Digests.
constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
constexpr size_t kWords = sizeof(Event) / sizeof(uint64_t);

constexpr std::array<uint64_t, kWords> Powers() {
  std::array<uint64_t, kWords> powers{};
  uint64_t power = 1;
  for (uint64_t& entry : powers) entry = power *= kFactor;
  return powers;
}

uint64_t HashOf(const Event& event) {
  static constexpr std::array<uint64_t, kWords> kPowers = Powers();
  std::array<uint64_t, kWords> words;
  std::memcpy(words.data(), &event, sizeof(event));
  uint64_t sum = 0;
#pragma GCC unroll 17
  for (size_t i = 0; i < kWords; ++i) sum += words[i] * kPowers[i];
  return sum;
}

}  // namespace

std::string_view EncodedForm(const Event& event) {
  return {reinterpret_cast<const char*>(&event), EncodedSize(event.type)};
}

// On the path of every event, and so without a branch on what it is: an event without the fields of
// a trade has zeros there. Only the last step waits for the event before.
uint64_t HashEvents(std::span<const Event> events, uint64_t hash) {
  for (const Event& event : events) hash = (std::rotl(hash, 27) ^ HashOf(event)) * kFactor;
  return hash;
}

void EncodeEvent(const Event& event, std::string* out) { out->append(EncodedForm(event)); }

bool DecodeEvents(std::string_view bytes, std::vector<Event>* events) {
  while (!bytes.empty()) {
    if (bytes.size() < kEventBytes) return false;
    const size_t size = EncodedSize(static_cast<EventType>(bytes[kTypeOffset]));
    if (bytes.size() < size) return false;
    Event& event = events->emplace_back();
    std::memcpy(&event, bytes.data(), size);
    if (!ValidEnums(event)) {
      events->pop_back();
      return false;
    }
    bytes.remove_prefix(size);
  }
  return true;
}

void ApplyResult::Clear() {
  time = 0;
  groups.clear();
  commands.clear();
  events.clear();
}

}  // namespace quorumbook::exchange
