// Terms of the open orders that have any, beside the orders: most have none.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>

#include "common/check.h"
#include "exchange/command.h"
#include "exchange/order.h"
#include "exchange/slab.h"

namespace quorumbook::exchange {

struct SpecialTerms {
  OrderTerms terms;        // `stop_price` as it stands now
  Quantity displayed = 0;  // iceberg in the book: what is left of what it shows
  Price best = 0;          // trailing stop: the best trade price since it came, for its account
  uint64_t triggered = 0;  // place among the triggered orders that have not had their turn; or 0
};

class TermsTable {
 public:
  // REQUIRES: the order has an entry.
  SpecialTerms& operator[](OrderHandle order) { return records_[SlotOf(order)]; }
  const SpecialTerms& operator[](OrderHandle order) const { return records_[SlotOf(order)]; }

  // REQUIRES: the order has none.
  SpecialTerms& Add(OrderHandle order, const OrderTerms& terms) {
    const uint32_t slot = records_.Allocate();
    QB_CHECK(slots_.emplace(order, slot).second);
    return records_[slot] = SpecialTerms{.terms = terms};
  }
  void Erase(OrderHandle order) {
    const auto it = slots_.find(order);
    QB_CHECK(it != slots_.end());
    records_.Free(it->second);
    slots_.erase(it);
  }
  size_t size() const { return slots_.size(); }

 private:
  uint32_t SlotOf(OrderHandle order) const {
    const auto it = slots_.find(order);
    QB_CHECK(it != slots_.end());
    return it->second;
  }

  Slab<SpecialTerms, 8> records_;
  absl::flat_hash_map<OrderHandle, uint32_t> slots_;
};

}  // namespace quorumbook::exchange
