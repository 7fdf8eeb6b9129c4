#include "exchange/event_codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

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

}  // namespace

std::string_view EncodedForm(const Event& event) {
  return {reinterpret_cast<const char*>(&event), EncodedSize(event.type)};
}

// On the path of every event: with the size known, nothing is asked of it.
uint64_t HashEvents(std::span<const Event> events, uint64_t seed) {
  for (const Event& event : events) {
    seed = HasTradeFields(event.type) ? XXH3_64bits_withSeed(&event, kTradeEventBytes, seed)
                                      : XXH3_64bits_withSeed(&event, kEventBytes, seed);
  }
  return seed;
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
