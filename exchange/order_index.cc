#include "exchange/order_index.h"

#include <random>

namespace quorumbook::exchange {

uint64_t OrderIndex::DrawSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace quorumbook::exchange
