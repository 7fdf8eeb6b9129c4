// Reading symbols and orders from a snapshot.
#include <algorithm>
#include <utility>

#include "exchange/market_restorer.h"
#include "exchange/order_checks.h"

namespace quorumbook::exchange {
namespace {

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

Candle GetCandle(ByteReader* in) {
  Candle candle;
  candle.start = in->Get<Time>();
  candle.open = in->Get<Price>();
  candle.high = in->Get<Price>();
  candle.low = in->Get<Price>();
  candle.close = in->Get<Price>();
  candle.trades = in->Get<uint64_t>();
  candle.volume = GetUint128(in);
  candle.notional = GetUint128(in);
  return candle;
}

}  // namespace

bool MarketRestorer::ReadInfo(AddSymbol* symbol, SymbolInfo* info) {
  symbol->name = in_.GetSized();
  symbol->tick_size = GetDecimal(&in_);
  symbol->lot_size = GetDecimal(&in_);
  symbol->base = AssetId(in_.Get<uint32_t>());
  symbol->quote = AssetId(in_.Get<uint32_t>());
  SymbolRules& rules = symbol->rules;
  rules.min_quantity = in_.Get<Quantity>();
  rules.max_quantity = in_.Get<Quantity>();
  rules.static_band_bp = in_.Get<uint32_t>();
  rules.dynamic_band_bp = in_.Get<uint32_t>();
  rules.protection = in_.Get<Price>();
  rules.maker_fee_bp = in_.Get<uint32_t>();
  rules.taker_fee_bp = in_.Get<uint32_t>();
  symbol->phase = in_.Get<Phase>();
  const bool flags = ReadFlag(&info->delisted) && ReadFlag(&info->busy);
  info->reference_price = in_.Get<Price>();
  return flags && symbol->phase >= Phase::kPreOpen && symbol->phase <= Phase::kClosed &&
         info->reference_price >= 0 && info->reference_price <= kMaxPrice;
}

bool MarketRestorer::ReadSymbol() {
  AddSymbol symbol;
  SymbolInfo info;
  AssetScale scale;
  if (!ReadInfo(&symbol, &info) || !in_.ok() || CheckSymbol(symbol) != Reason::kNone) return false;
  if (market_.symbols_.Find(symbol.name) != nullptr) return false;
  if (market_.FindAssets(symbol, &scale) != Reason::kNone) return false;
  Symbol& added = market_.symbols_.Add(symbol, scale, &market_.memory_);
  added.info.delisted = info.delisted;
  added.info.busy = info.busy;
  added.info.reference_price = info.reference_price;
  if (!ReadStats(&added.stats) || !ReadSide(added, Side::kBuy) || !ReadSide(added, Side::kSell) ||
      !ReadParked(added)) {
    return false;
  }
  added.Refresh();
  if ((added.attention & kNotTrading) != 0 || added.bids().empty()) return true;
  const Price best_bid = added.bids().PriceOf(added.bids().best_key());
  return added.asks().best_key() > added.asks().KeyOf(best_bid);
}

bool MarketRestorer::ReadStats(MarketStats* stats) {
  MarketStats read;
  read.last = in_.Get<Price>();
  read.open = in_.Get<Price>();
  read.high = in_.Get<Price>();
  read.low = in_.Get<Price>();
  read.trades = in_.Get<uint64_t>();
  if (read.trades > max_count_) return false;
  read.volume = GetUint128(&in_);
  read.notional = GetUint128(&in_);
  for (const Price price : {read.last, read.open, read.high, read.low}) {
    if (!(read.trades == 0 ? price == 0 : IsValidPrice(price))) return false;
  }
  const uint64_t recent = std::min<uint64_t>(read.trades, kMaxRecentTrades);
  for (uint64_t i = 0; i < recent; ++i) {
    TradeInfo trade{.id = read.trades - recent + i + 1};
    trade.sequence = in_.Get<uint64_t>();
    trade.time = in_.Get<Time>();
    trade.taker_side = in_.Get<Side>();
    trade.price = in_.Get<Price>();
    trade.quantity = in_.Get<Quantity>();
    if (!ValidSide(trade.taker_side) || !IsValidPrice(trade.price) ||
        !IsValidQuantity(trade.quantity)) {
      return false;
    }
    read.recent.Add(trade);
  }
  if (read.trades > 0 && !ReadCandles(read.trades, &read.candles)) return false;
  *stats = std::move(read);
  return in_.ok();
}

// No trade is in two candles of an interval, so that all together have no more than there were.
bool MarketRestorer::ReadCandles(uint64_t trades, CandleChart* chart) {
  const Candle minute = GetCandle(&in_);
  if (minute.trades > trades) return false;
  for (size_t interval = 0; interval < kCandleIntervals; ++interval) {
    const auto count = in_.Get<uint32_t>();
    uint64_t left = trades - minute.trades;
    for (uint32_t i = 0; in_.ok() && i < count; ++i) {
      const Candle candle = GetCandle(&in_);
      if (candle.trades > left || !chart->Restore(interval, candle)) return false;
      left -= candle.trades;
    }
  }
  return chart->RestoreMinute(minute);
}

bool MarketRestorer::ReadSide(Symbol& symbol, Side which) {
  const BookSide& side = symbol.side(which);
  const auto levels = in_.Get<uint32_t>();
  PriceKey last_key = 0;
  for (uint32_t i = 0; i < levels; ++i) {
    const auto price = in_.Get<Price>();
    const auto orders = in_.Get<uint32_t>();
    if (!IsValidPrice(price) || orders == 0) return false;
    const PriceKey key = side.KeyOf(price);
    if (i > 0 && key <= last_key) return false;
    last_key = key;
    for (uint32_t j = 0; j < orders; ++j) {
      if (!ReadResting(symbol, which, price)) return false;
    }
  }
  return in_.ok();
}

bool MarketRestorer::ReadResting(Symbol& symbol, Side side, Price price) {
  SnapshotOrderBits bits;
  const OrderHandle handle = ReadOpenOrder(symbol.info.id, &bits);
  if (handle == kNullHandle) return false;
  Order& order = market_.memory_.orders[handle];
  if (order.executed >= order.quantity) return false;
  order.side = side;
  order.price = price;
  order.status = order.executed > 0 ? OrderStatus::kPartiallyFilled : OrderStatus::kNew;
  // Stops that were market orders never rest; what is to trade at once only waits for an auction.
  const bool collects = (symbol.info.phase != Phase::kContinuous) || symbol.info.busy;
  const bool waits = order.type == OrderType::kMarket || !Rests(order.time_in_force);
  if (IsMarketLike(order.type) && order.type != OrderType::kMarket) return false;
  if (waits && (!collects || Rests(order.time_in_force))) return false;
  if (bits.has_terms && !ReadTerms(symbol, handle)) return false;
  if (!Register(symbol, handle)) return false;
  symbol.side(side).Append(handle);
  if (!market_.IsIceberg(order, handle)) return true;
  const SpecialTerms& special = market_.terms_[handle];
  const bool shows = special.displayed > 0 && special.displayed <= order.leaves() &&
                     special.displayed <= special.terms.display;
  if (shows) market_.CountHidden(symbol, handle);
  return shows;
}

bool MarketRestorer::ReadTerms(Symbol& symbol, OrderHandle handle) {
  OrderTerms terms;
  terms.stop_price = in_.Get<Price>();
  terms.trail = in_.Get<Price>();
  terms.display = in_.Get<Quantity>();
  terms.minimum = in_.Get<Quantity>();
  terms.protection = in_.Get<Price>();
  terms.expires = in_.Get<Time>();
  if (!ReadFlag(&terms.all_or_none)) return false;
  Order& order = market_.memory_.orders[handle];
  SpecialTerms& special = market_.terms_.Add(handle, terms);
  order.flags |= kTermsFlag;
  special.displayed = in_.Get<Quantity>();
  special.best = in_.Get<Price>();
  const auto in_range = [](int64_t number, int64_t most) { return number >= 0 && number <= most; };
  const bool timed = order.time_in_force == TimeInForce::kGoodTillTime;
  const bool stop = IsStop(order.type);
  return terms != OrderTerms() && in_range(terms.stop_price, kMaxPrice) &&
         in_range(terms.trail, kMaxPrice) && in_range(terms.display, kMaxQuantity) &&
         in_range(terms.minimum, kMaxQuantity) && in_range(terms.protection, kMaxPrice) &&
         (timed ? terms.expires > 0 : terms.expires == 0) && (terms.stop_price != 0) == stop &&
         (terms.trail != 0) == (order.type == OrderType::kTrailingStop) &&
         in_range(special.displayed, terms.display) && in_range(special.best, kMaxPrice) &&
         !TooManyDisplays(order.quantity, terms.display) &&
         !(terms.all_or_none && (terms.display != 0 || stop)) && symbol.info.id == order.symbol;
}

bool MarketRestorer::Register(Symbol& symbol, OrderHandle handle) {
  Order& order = market_.memory_.orders[handle];
  if (order.time_in_force == TimeInForce::kGoodTillTime && (order.flags & kTermsFlag) == 0) {
    return false;
  }
  if (symbol.funded()) {
    if (market_.accounts_.Find(order.account) == nullptr) return false;
    order.flags |= kFundedFlag;
    market_.accounts_.Own(handle, order.account);
  }
  open_.emplace_back(order.id, handle);
  switch (order.time_in_force) {
    case TimeInForce::kGoodTillCancel:
      return true;
    case TimeInForce::kDay:
      symbol.day_orders.emplace(order.id, handle);
      break;
    case TimeInForce::kGoodTillTime:
      market_.by_expiry_.emplace(std::pair(market_.terms_[handle].terms.expires, order.id), handle);
      break;
    case TimeInForce::kImmediateOrCancel:
    case TimeInForce::kFillOrKill:
      symbol.auction_orders.emplace(order.id, handle);
      break;
  }
  order.flags |= kEndsFlag;
  return true;
}

bool MarketRestorer::ReadParked(Symbol& symbol) {
  const auto count = in_.Get<uint32_t>();
  std::vector<OrderHandle> read;
  for (uint32_t i = 0; i < count; ++i) {
    const OrderHandle handle = ReadParkedOrder(symbol);
    if (handle == kNullHandle) return false;
    read.push_back(handle);
  }
  // They must come in the order in which they are written, or a copy would not be the same.
  size_t next = 0;
  symbol.parked.ForEach([&](OrderHandle handle) { return read[next++] == handle || (next = 0); });
  const ParkedOrders& parked = symbol.parked;
  const bool bounded = parked.stops() <= kMaxStops && parked.trailing() <= kMaxTrailingStops &&
                       parked.all_or_none(Side::kBuy) <= kMaxAllOrNone &&
                       parked.all_or_none(Side::kSell) <= kMaxAllOrNone;
  return in_.ok() && next == read.size() && bounded;
}

OrderHandle MarketRestorer::ReadParkedOrder(Symbol& symbol) {
  const auto side = in_.Get<Side>();
  const auto price = in_.Get<Price>();
  bool triggered = false;
  if (!ValidSide(side) || !ReadFlag(&triggered)) return kNullHandle;
  SnapshotOrderBits bits;
  const OrderHandle handle = ReadOpenOrder(symbol.info.id, &bits);
  if (handle == kNullHandle || !bits.has_terms || !ReadTerms(symbol, handle)) return kNullHandle;
  Order& order = market_.memory_.orders[handle];
  SpecialTerms& special = market_.terms_[handle];
  order.side = side;
  order.price = price;
  order.flags |= kParkedFlag;
  const OrderTerms& terms = special.terms;
  const bool priced =
      IsValidPrice(price) || (price == 0 && IsMarketLike(order.type) && !symbol.funded());
  const bool valid =
      priced && order.executed == 0 && Rests(order.time_in_force) &&
      IsStop(order.type) != terms.all_or_none && special.displayed == 0 &&
      !(triggered && terms.all_or_none) &&
      (terms.trail == 0
           ? special.best == 0
           : IsValidPrice(special.best) &&
                 terms.stop_price == TrailingStopPrice(side, special.best, terms.trail));
  if (!valid || !Register(symbol, handle)) return kNullHandle;
  if (triggered) {
    symbol.parked.RestoreTriggered(handle, &special);
  } else {
    symbol.parked.Add(handle, order, special);
  }
  return handle;
}

bool MarketRestorer::ReadFinished() {
  const auto count = in_.Get<uint32_t>();
  if (count > kMaxFinishedOrders) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!ReadFinishedOrder()) return false;
  }
  return in_.ok();
}

bool MarketRestorer::ReadFinishedOrder() {
  const SymbolId symbol(in_.Get<uint32_t>());
  if (market_.symbols_.Find(symbol) == nullptr) return false;
  SnapshotOrderBits bits;
  const OrderHandle handle = ReadOrder(symbol, &bits);
  if (handle == kNullHandle || bits.has_terms) return false;
  Order& order = market_.memory_.orders[handle];
  order.price = in_.Get<Price>();
  order.side = in_.Get<Side>();
  const auto status = in_.Get<OrderStatus>();
  order.reason = in_.Get<Reason>();
  const bool valid = ValidSide(order.side) &&
                     (IsValidPrice(order.price) || (order.price == 0 && IsMarketLike(order.type)));
  const bool filled = status == OrderStatus::kFilled && order.executed == order.quantity &&
                      order.reason == Reason::kNone;
  const bool canceled =
      status == OrderStatus::kCanceled && order.executed < order.quantity && Cancels(order.reason);
  if (!valid || (!filled && !canceled)) return false;
  order.status = status;
  market_.memory_.orders.Finish(handle);
  return true;
}

OrderHandle MarketRestorer::ReadOpenOrder(SymbolId symbol, SnapshotOrderBits* bits) {
  if (market_.memory_.orders.open_orders() >= market_.max_open_orders_) return kNullHandle;
  return ReadOrder(symbol, bits);
}

OrderHandle MarketRestorer::ReadOrder(SymbolId symbol, SnapshotOrderBits* bits) {
  if (!bits->Unpack(in_.Get<uint16_t>())) return kNullHandle;
  const OrderId id(in_.Get<uint64_t>());
  const ClientOrderId client_order_id(in_.Get<uint64_t>());
  const AccountId account(in_.Get<uint64_t>());
  const auto quantity = in_.Get<Quantity>();
  const auto entered = in_.Get<Time>();
  const Quantity executed = bits->has_executed ? in_.Get<Quantity>() : 0;
  const Time changed = bits->has_changed ? in_.Get<Time>() : entered;
  const bool valid = in_.ok() && id.value() > 0 && id.value() <= market_.counters_.last_order_id &&
                     client_order_id.value() > 0 && account.value() > 0 &&
                     IsValidQuantity(quantity) && executed >= 0 && executed <= quantity &&
                     bits->has_executed == (executed != 0) &&
                     bits->has_changed == (changed != entered);
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
  order.type = bits->type;
  order.time_in_force = bits->time_in_force;
  order.self_trade = bits->self_trade;
  if (bits->post_only) order.flags |= kPostOnlyFlag;
  return handle;
}

}  // namespace quorumbook::exchange
