// Checksums and digests. XXH3 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
//
// XXH3 finds accidents (a flipped bit, a torn write, a diverged replica), not forgeries: see
// docs/decisions for what that means for Byzantine fault detection.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace quorumbook {

struct Digest {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const Digest&) const = default;
  // 32 lower-case hexadecimal digits.
  std::string ToHex() const;
  friend std::ostream& operator<<(std::ostream& out, const Digest& digest) {
    return out << digest.ToHex();
  }
};

uint64_t Checksum64(std::string_view bytes, uint64_t seed = 0);
Digest Digest128(std::string_view bytes, uint64_t seed = 0);

}  // namespace quorumbook
