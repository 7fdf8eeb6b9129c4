// Computing with a condition where a branch on it would be guessed wrong as often as not.
#pragma once

namespace quorumbook {

// `value`, of which the compiler knows nothing any more: what is computed from a condition it would
// otherwise turn back into a branch.
template <typename T>
T Opaque(T value) {
  asm("" : "+r"(value));
  return value;
}

}  // namespace quorumbook
