// Terms of the open orders that have any, beside the orders: most have none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/check.h"
#include "exchange/command.h"
#include "exchange/order.h"
#include "exchange/order_index.h"
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
  SpecialTerms& operator[](OrderHandle order) { return records_[SlotOf(order)].terms; }
  const SpecialTerms& operator[](OrderHandle order) const { return records_[SlotOf(order)].terms; }

  // REQUIRES: the order has none.
  SpecialTerms& Add(OrderHandle order, const OrderTerms& terms) {
    QB_CHECK(Find(order) == kNullHandle);
    const uint32_t slot = records_.Allocate();
    Record& record = records_[slot];
    record = {.order = order, .terms = {.terms = terms}};
    slots_.Insert(OrderIndex::HashOf(order), slot);
    return record.terms;
  }
  void Erase(OrderHandle order) {
    const uint32_t slot = SlotOf(order);
    slots_.Erase(OrderIndex::HashOf(order), slot);
    records_.Free(slot);
  }
  size_t size() const { return slots_.size(); }

 private:
  struct Record {
    OrderHandle order = kNullHandle;
    SpecialTerms terms;
  };

  uint32_t Find(OrderHandle order) const {
    return slots_.Find(OrderIndex::HashOf(order),
                       [&](uint32_t slot) { return records_[slot].order == order; });
  }
  uint32_t SlotOf(OrderHandle order) const {
    const uint32_t slot = Find(order);
    QB_CHECK(slot != kNullHandle);
    return slot;
  }

  Slab<Record, 8> records_;
  OrderIndex slots_;
};

}  // namespace quorumbook::exchange
