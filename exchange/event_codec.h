// Binary form of events: docs/formats/snapshot.md. EncodeEvent and DecodeEvents are in event.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "exchange/event.h"

namespace quorumbook::exchange {

// Bytes of one encoded event. Only trades and parked orders carry the fields of a trade.
inline constexpr size_t kEventBytes = 72;
inline constexpr size_t kTradeEventBytes = 136;

// The binary form of an event, which is how it begins in memory: valid as long as the event.
std::string_view EncodedForm(const Event& event);
inline bool HasTradeFields(EventType type) {
  return type == EventType::kTrade || type == EventType::kOrderParked;
}
inline size_t EncodedSize(EventType type) {
  return HasTradeFields(type) ? kTradeEventBytes : kEventBytes;
}
// The running hash of all events (docs/market-model.md, Digests) after `events`; before it was
// `hash`.
uint64_t HashEvents(std::span<const Event> events, uint64_t hash);

}  // namespace quorumbook::exchange
