// The results of a session that its client has not acknowledged, encoded, oldest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "exchange/event.h"
#include "exchange/event_codec.h"
#include "exchange/market.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

// The most bytes that the events of one command take: all fills but for the first and last event.
inline constexpr uint64_t kMaxCommandBytes =
    uint64_t{kMaxFillsPerCommand} * kTradeEventBytes +
    uint64_t{kMaxEventsPerCommand - kMaxFillsPerCommand} * kEventBytes;
static_assert(kMaxCommandBytes <= kMaxSessionBytes / 2, "a window must hold some commands");

// Bytes that are added at the end without being cleared first.
class ByteBuffer {
 public:
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  const char* data() const { return data_.get(); }
  // Room for `size` more bytes, of which the caller fills some and adds those.
  char* Reserve(size_t size) {
    if (capacity_ - size_ < size) [[unlikely]] {
      Grow(size_ + size);
    }
    return data_.get() + size_;
  }
  // REQUIRES: there is room for them.
  void Add(size_t size) { size_ += size; }
  // REQUIRES: size <= size().
  void EraseFirst(size_t size);
  void clear() { size_ = 0; }

 private:
  void Grow(size_t size);

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

class ResultWindow {
 public:
  size_t size() const { return ends_.size() - forgotten_; }
  size_t bytes() const { return bytes_.size() - begin(); }
  // Whether it may have no room for one more command's events, however many they are.
  bool full() const {
    return size() >= kMaxSessionResults || bytes() + kMaxCommandBytes > kMaxSessionBytes;
  }
  // It is not full while fewer commands than that, with fewer events than that, are added.
  size_t commands_left() const { return kMaxSessionResults - size(); }
  size_t events_left() const {
    const size_t most = kMaxSessionBytes - kMaxCommandBytes;
    return bytes() > most ? 0 : (most - bytes()) / kTradeEventBytes + 1;
  }

  // Adds the results of some commands, each with its range of `events`.
  // REQUIRES: !full() before the last of them, and at least one event each.
  void Append(std::span<const CommandResult> commands, std::span<const Event> events) {
    size_t count = 0;
    for (const CommandResult& command : commands) count += command.event_count;
    char* const begin = bytes_.Reserve(count * kTradeEventBytes);
    char* out = begin;
    for (const CommandResult& command : commands) {
      for (const Event& event : events.subspan(command.first_event, command.event_count)) {
        // Whole, and then only so far that the next one overwrites what is not of the form: no
        // branch on what an event is.
        std::memcpy(out, &event, sizeof(event));
        out += EncodedSize(event.type);
      }
      ends_.push_back(static_cast<uint32_t>(bytes_.size() + static_cast<size_t>(out - begin)));
    }
    bytes_.Add(static_cast<size_t>(out - begin));
  }
  // As Append, for events that are encoded already.
  void AppendEncoded(std::string_view events);
  // The i-th oldest. REQUIRES: i < size().
  std::string_view operator[](size_t i) const;
  // REQUIRES: count <= size().
  void ForgetOldest(size_t count);

 private:
  size_t begin() const { return forgotten_ == 0 ? 0 : ends_[forgotten_ - 1]; }

  // Both begin with what is forgotten and not yet worth moving the rest for.
  ByteBuffer bytes_;
  std::vector<uint32_t> ends_;  // where each result ends in bytes_
  size_t forgotten_ = 0;        // results
};

}  // namespace quorumbook::exchange
