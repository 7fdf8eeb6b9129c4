#include <array>
#include <cstdint>

#include "common/digest.h"
#include "consensus/types.h"

namespace quorumbook::consensus {

// Hashes the payload first and then the fixed-width head together with that digest, so that the
// payload is never copied and all 128 bits of the previous chain value take part.
Digest Chain(const Digest& previous, Term term, Index index, EntryType type,
             std::string_view payload) {
  const Digest contents = Digest128(payload);
  const std::array<uint64_t, 7> head = {
      previous.high, previous.low, term.value(), index.value(), static_cast<uint64_t>(type),
      contents.high, contents.low};
  return Digest128({reinterpret_cast<const char*>(head.data()), sizeof(head)});
}

}  // namespace quorumbook::consensus
