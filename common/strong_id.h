// A number with a meaning: a Term is not an Index, and the compiler knows.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <utility>

namespace quorumbook {

// Wraps an unsigned number in a type of its own. Explicit in, explicit out (`value()`), ordered,
// hashable by std and absl. The default is 0, which each alias documents.
template <typename Tag, typename Rep = uint64_t>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  constexpr StrongId Next() const { return StrongId(static_cast<Rep>(value_ + 1)); }
  // REQUIRES: value() > 0.
  constexpr StrongId Previous() const { return StrongId(static_cast<Rep>(value_ - 1)); }

  constexpr auto operator<=>(const StrongId&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const StrongId& id) {
    return H::combine(std::move(h), id.value_);
  }
  friend std::ostream& operator<<(std::ostream& out, const StrongId& id) {
    return out << id.value_;
  }

 private:
  Rep value_ = 0;
};

}  // namespace quorumbook

template <typename Tag, typename Rep>
struct std::hash<quorumbook::StrongId<Tag, Rep>> {
  size_t operator()(const quorumbook::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
