#include <absl/strings/str_cat.h>

#include <algorithm>
#include <vector>

#include "common/bytes.h"
#include "common/digest.h"
#include "exchange/snapshot.h"

namespace quorumbook::exchange {
namespace {

bool ValidQuantity(Quantity quantity) { return quantity > 0 && quantity <= kMaxQuantity; }
bool ValidPrice(Price price) { return price > 0 && price <= kMaxPrice; }
bool ValidSide(Side side) { return side == Side::kBuy || side == Side::kSell; }

Uint128 GetUint128(ByteReader* in) {
  const auto low = in->Get<uint64_t>();
  const auto high = in->Get<uint64_t>();
  return Uint128{high} << 64 | low;
}

Decimal GetDecimal(ByteReader* in) {
  Decimal decimal;
  decimal.mantissa = in->Get<int64_t>();
  decimal.exponent = in->Get<int8_t>();
  return decimal;
}

}  // namespace

// Each method reads one part and says whether it keeps the rules. Every count is followed by
// something for each of what it counts, so that a wrong one ends at the end of the bytes.
class MarketRestorer {
 public:
  MarketRestorer(ByteReader* in, Market* market) : in_(*in), market_(*market) {}

  bool ReadMarket() {
    market_.counters_.last_sequence = in_.Get<uint64_t>();
    market_.counters_.last_order_id = in_.Get<uint64_t>();
    market_.counters_.event_hash = in_.Get<uint64_t>();
    const auto count = in_.Get<uint32_t>();
    if (count > kMaxSymbols) return false;
    for (uint32_t i = 0; i < count; ++i) {
      if (!ReadSymbol()) return false;
    }
    return in_.ok();
  }

  bool ReadFinished() {
    const auto count = in_.Get<uint32_t>();
    if (count > kMaxFinishedOrders) return false;
    for (uint32_t i = 0; i < count; ++i) {
      if (!ReadFinishedOrder()) return false;
    }
    return in_.ok();
  }

 private:
  bool ReadSymbol() {
    AddSymbol symbol;
    symbol.name = in_.GetSized();
    symbol.tick_size = GetDecimal(&in_);
    symbol.lot_size = GetDecimal(&in_);
    if (!in_.ok() || CheckSymbol(symbol) != Reason::kNone) return false;
    if (market_.symbols_.Find(symbol.name) != nullptr) return false;
    Symbol& added = market_.symbols_.Add(symbol, &market_.memory_);
    if (!ReadStats(&added.stats) || !ReadSide(added, &added.bids) ||
        !ReadSide(added, &added.asks)) {
      return false;
    }
    return added.bids.empty() || added.asks.best_key() > added.asks.KeyOf(BestBid(added));
  }

  static Price BestBid(const Symbol& symbol) { return symbol.bids.PriceOf(symbol.bids.best_key()); }

  bool ReadStats(MarketStats* stats) {
    MarketStats read;
    read.last = in_.Get<Price>();
    read.open = in_.Get<Price>();
    read.high = in_.Get<Price>();
    read.low = in_.Get<Price>();
    read.trades = in_.Get<uint64_t>();
    read.volume = GetUint128(&in_);
    read.notional = GetUint128(&in_);
    for (const Price price : {read.last, read.open, read.high, read.low}) {
      if (!(read.trades == 0 ? price == 0 : ValidPrice(price))) return false;
    }
    const uint64_t recent = std::min<uint64_t>(read.trades, kMaxRecentTrades);
    for (uint64_t i = 0; i < recent; ++i) {
      TradeInfo trade{.id = read.trades - recent + i + 1};
      trade.sequence = in_.Get<uint64_t>();
      trade.time = in_.Get<Time>();
      trade.taker_side = in_.Get<Side>();
      trade.price = in_.Get<Price>();
      trade.quantity = in_.Get<Quantity>();
      if (!ValidSide(trade.taker_side) || !ValidPrice(trade.price) ||
          !ValidQuantity(trade.quantity)) {
        return false;
      }
      read.recent.Add(trade);
    }
    *stats = std::move(read);
    return in_.ok();
  }

  bool ReadSide(const Symbol& symbol, BookSide* side) {
    const auto levels = in_.Get<uint32_t>();
    PriceKey last_key = 0;
    for (uint32_t i = 0; i < levels; ++i) {
      const auto price = in_.Get<Price>();
      const auto orders = in_.Get<uint32_t>();
      if (!ValidPrice(price) || orders == 0) return false;
      const PriceKey key = side->KeyOf(price);
      if (i > 0 && key <= last_key) return false;
      last_key = key;
      for (uint32_t j = 0; j < orders; ++j) {
        if (!ReadRestingOrder(symbol, price, side)) return false;
      }
    }
    return in_.ok();
  }

  bool ReadRestingOrder(const Symbol& symbol, Price price, BookSide* side) {
    const OrderHandle handle = ReadOrder(symbol.info.id);
    if (handle == kNullHandle) return false;
    if (market_.memory_.orders.open_orders() > kMaxOpenOrders) return false;
    Order& order = market_.memory_.orders[handle];
    if (order.executed >= order.quantity) return false;
    order.side = side == &symbol.bids ? Side::kBuy : Side::kSell;
    order.price = price;
    order.status = order.executed > 0 ? OrderStatus::kPartiallyFilled : OrderStatus::kNew;
    side->Append(handle);
    return true;
  }

  bool ReadFinishedOrder() {
    const SymbolId symbol(in_.Get<uint32_t>());
    if (market_.symbols_.Find(symbol) == nullptr) return false;
    const OrderHandle handle = ReadOrder(symbol);
    if (handle == kNullHandle) return false;
    Order& order = market_.memory_.orders[handle];
    order.price = in_.Get<Price>();
    order.side = in_.Get<Side>();
    order.type = in_.Get<OrderType>();
    order.time_in_force = in_.Get<TimeInForce>();
    const auto status = in_.Get<OrderStatus>();
    order.reason = in_.Get<Reason>();
    const bool market = order.type == OrderType::kMarket;
    const bool valid =
        ValidSide(order.side) &&
        (market ? order.price == 0 : order.type == OrderType::kLimit && ValidPrice(order.price)) &&
        order.time_in_force >= TimeInForce::kGoodTillCancel &&
        order.time_in_force <= TimeInForce::kFillOrKill;
    const bool filled = status == OrderStatus::kFilled && order.executed == order.quantity &&
                        order.reason == Reason::kNone;
    const bool canceled = status == OrderStatus::kCanceled && order.executed < order.quantity &&
                          Cancels(order.reason);
    if (!valid || (!filled && !canceled)) return false;
    order.status = status;
    market_.memory_.orders.Finish(handle);
    return true;
  }

  // What open and finished orders have in common; kNullHandle when it is against the rules.
  OrderHandle ReadOrder(SymbolId symbol) {
    const OrderId id(in_.Get<uint64_t>());
    const ClientOrderId client_order_id(in_.Get<uint64_t>());
    const AccountId account(in_.Get<uint64_t>());
    const auto quantity = in_.Get<Quantity>();
    const auto executed = in_.Get<Quantity>();
    const auto entered = in_.Get<Time>();
    const auto changed = in_.Get<Time>();
    const bool valid = in_.ok() && id.value() > 0 &&
                       id.value() <= market_.counters_.last_order_id &&
                       client_order_id.value() > 0 && account.value() > 0 &&
                       ValidQuantity(quantity) && executed >= 0 && executed <= quantity;
    OrderTable& orders = market_.memory_.orders;
    const OrderName name{account, symbol, client_order_id};
    if (!valid || orders.Find(name) != kNullHandle) return kNullHandle;
    const OrderHandle handle = orders.Open(name);
    Order& order = orders[handle];
    order.id = id;
    order.quantity = quantity;
    order.executed = executed;
    order.entered = entered;
    order.changed = changed;
    return handle;
  }

  ByteReader& in_;
  Market& market_;
};

namespace {

bool ReadSession(ByteReader* in, SessionTable* sessions, std::vector<Event>* scratch) {
  const SessionId id(in->Get<uint64_t>());
  const AccountId account(in->Get<uint64_t>());
  const auto next_sequence = in->Get<uint64_t>();
  const auto results = in->Get<uint32_t>();
  if (!in->ok() || account == AccountId() || next_sequence == 0) return false;
  if (results > kMaxSessionResults || results > next_sequence - 1) return false;
  Session* session = sessions->Restore(id, account, next_sequence);
  if (session == nullptr) return false;
  for (uint32_t i = 0; i < results; ++i) {
    const std::string_view events = in->GetSized();
    scratch->clear();
    if (events.empty() || !DecodeEvents(events, scratch)) return false;
    if (!sessions->RestoreResult(session, events)) return false;
  }
  return in->ok();
}

bool ReadSessions(ByteReader* in, SessionTable* sessions) {
  sessions->set_last_id(in->Get<uint64_t>());
  const auto count = in->Get<uint32_t>();
  if (count > kMaxSessions) return false;
  std::vector<Event> scratch;
  for (uint32_t i = 0; i < count; ++i) {
    if (!ReadSession(in, sessions, &scratch)) return false;
  }
  return in->ok();
}

}  // namespace

absl::Status ReadSnapshot(std::string_view bytes, ReplicatedState* state) {
  ByteReader in(bytes);
  const auto magic = in.Get<uint32_t>();
  const auto checksum = in.Get<uint64_t>();
  if (!in.ok()) {
    return absl::DataLossError(
        absl::StrCat("snapshot of ", bytes.size(), " bytes: shorter than its header"));
  }
  if (magic != kSnapshotMagic) {
    return absl::DataLossError(
        absl::StrCat("snapshot: unknown format or version 0x", absl::Hex(magic)));
  }
  if (checksum != Checksum64(bytes.substr(kSnapshotHeaderBytes))) {
    return absl::DataLossError("snapshot: wrong checksum");
  }
  state->time = in.Get<Time>();
  MarketRestorer restorer(&in, &state->market);
  const char* part = nullptr;
  if (!restorer.ReadMarket()) {
    part = "market";
  } else if (!restorer.ReadFinished()) {
    part = "finished orders";
  } else if (!ReadSessions(&in, &state->sessions)) {
    part = "sessions";
  } else if (!in.AtEnd()) {
    part = "end";
  }
  if (part == nullptr) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("snapshot: malformed ", part, ", ", in.remaining(), " bytes before the end"));
}

}  // namespace quorumbook::exchange
