#include <cstring>

#include "common/bytes.h"
#include "common/digest.h"
#include "exchange/snapshot.h"

namespace quorumbook::exchange {
namespace {

// Writes from the tables in an order that they define themselves, never in that of a hash map or
// of handles, so that equal states give equal bytes.
class StateWriter {
 public:
  // Without times two runs of the same commands give the same bytes however they were timed.
  StateWriter(std::string* out, bool with_times) : out_(out), with_times_(with_times) {}

  void Put(const Market& market) {
    out_.Put(market.counters().last_sequence);
    out_.Put(market.counters().last_order_id);
    out_.Put(market.counters().event_hash);
    Put(market.accounts());
    PutCount(market.symbols().size());
    for (const auto& symbol : market.symbols()) {
      Put(symbol->info);
      Put(symbol->stats);
      Put(symbol->bids(), market);
      Put(symbol->asks(), market);
      PutParked(symbol->parked, market);
    }
    PutCount(market.jobs().size());
    for (const Job& job : market.jobs()) Put(job);
    PutCount(market.awake().size());
    for (const SymbolId symbol : market.awake()) out_.Put(symbol.value());
  }

  void PutFinished(const OrderTable& orders) {
    PutCount(orders.finished_orders());
    for (OrderHandle at = orders.oldest_finished(); at != kNullHandle; at = orders[at].next) {
      const Order& order = orders[at];
      out_.Put(order.symbol.value());
      PutCommon(order);
      out_.Put(order.price);
      out_.Put(order.side);
      out_.Put(order.status);
      out_.Put(order.reason);
    }
  }

  void Put(const SessionTable& sessions) {
    out_.Put(sessions.last_id());
    PutCount(sessions.size());
    sessions.ForEach([this](const Session& session) {
      out_.Put(session.id.value());
      out_.Put(session.account.value());
      PutFlag(session.cancel_on_disconnect);
      out_.Put(session.last_order.value());
      out_.Put(session.next_sequence);
      PutCount(session.results.size());
      for (size_t i = 0; i < session.results.size(); ++i) out_.PutSized(session.results[i]);
    });
  }

  void PutTime(Time time) {
    if (with_times_) out_.Put(time);
  }
  void Put(uint64_t number) { out_.Put(number); }

 private:
  void PutCount(size_t count) { out_.Put(static_cast<uint32_t>(count)); }
  void PutFlag(bool flag) { out_.Put(static_cast<uint8_t>(flag)); }
  void Put(Decimal decimal) {
    out_.Put(decimal.mantissa);
    out_.Put(decimal.exponent);
  }
  void Put(Uint128 value) {
    out_.Put(static_cast<uint64_t>(value));
    out_.Put(static_cast<uint64_t>(value >> 64));
  }
  void Put(const AccountTable& accounts) {
    PutCount(accounts.assets().size());
    for (const AssetInfo& asset : accounts.assets()) {
      out_.PutSized(asset.name);
      out_.Put(asset.exponent);
      out_.Put(asset.deposited);
      out_.Put(asset.fees);
    }
    PutCount(accounts.size());
    for (const Account& account : accounts) {
      out_.Put(account.id.value());
      out_.Put(account.limits.max_order_quantity);
      out_.Put(account.limits.max_notional);
      out_.Put(account.limits.max_open_orders);
      PutFlag(account.blocked);
      PutCount(account.balances.size());
      for (const Balance& balance : account.balances) {  // what is held follows from the orders
        out_.Put(balance.asset.value());
        out_.Put(balance.free);
        out_.Put(balance.position_limit);
      }
    }
  }
  void Put(const SymbolInfo& info) {
    out_.PutSized(info.name);
    Put(info.tick_size);
    Put(info.lot_size);
    out_.Put(info.base.value());
    out_.Put(info.quote.value());
    out_.Put(info.rules.min_quantity);
    out_.Put(info.rules.max_quantity);
    out_.Put(info.rules.static_band_bp);
    out_.Put(info.rules.dynamic_band_bp);
    out_.Put(info.rules.protection);
    out_.Put(info.rules.maker_fee_bp);
    out_.Put(info.rules.taker_fee_bp);
    out_.Put(info.phase);
    PutFlag(info.delisted);
    PutFlag(info.busy);
    out_.Put(info.reference_price);
  }
  void Put(const MarketStats& stats) {
    out_.Put(stats.last);
    out_.Put(stats.open);
    out_.Put(stats.high);
    out_.Put(stats.low);
    out_.Put(stats.trades);
    Put(stats.volume);
    Put(stats.notional);
    for (size_t i = 0; i < stats.recent.size(); ++i) {  // as many as `trades` says, up to the bound
      const TradeInfo& trade = stats.recent[i];
      out_.Put(trade.sequence);
      PutTime(trade.time);
      out_.Put(trade.taker_side);
      out_.Put(trade.price);
      out_.Put(trade.quantity);
    }
    if (with_times_ && stats.trades > 0) Put(stats.candles);
  }
  void Put(const CandleChart& chart) {
    Put(chart.minute());
    for (size_t i = 0; i < kCandleIntervals; ++i) {
      const CandleRing* const ring = chart.ring(i);
      PutCount(ring == nullptr ? 0 : ring->size());
      for (size_t j = 0; ring != nullptr && j < ring->size(); ++j) Put((*ring)[j]);
    }
  }
  void Put(const Candle& candle) {
    out_.Put(candle.start);
    out_.Put(candle.open);
    out_.Put(candle.high);
    out_.Put(candle.low);
    out_.Put(candle.close);
    out_.Put(candle.trades);
    Put(candle.volume);
    Put(candle.notional);
  }
  void Put(const BookSide& side, const Market& market) {
    out_.Put(side.levels());
    side.ForEachLevel([&](const Level& level) {
      out_.Put(side.PriceOf(level.key));
      out_.Put(level.orders);
      for (OrderHandle at = level.first; at != kNullHandle; at = market.orders()[at].next) {
        PutOpen(at, market);
      }
      return true;
    });
  }
  void PutParked(const ParkedOrders& parked, const Market& market) {
    PutCount(parked.size());
    parked.ForEach([&](OrderHandle at) {
      const Order& order = market.orders()[at];
      out_.Put(order.side);
      out_.Put(order.price);
      PutFlag(market.terms()[at].triggered != 0);
      PutOpen(at, market);
      return true;
    });
  }
  void PutOpen(OrderHandle handle, const Market& market) {
    const Order& order = market.orders()[handle];
    PutCommon(order);
    if ((order.flags & kTermsFlag) == 0) return;
    const SpecialTerms& special = market.terms()[handle];
    out_.Put(special.terms.stop_price);
    out_.Put(special.terms.trail);
    out_.Put(special.terms.display);
    out_.Put(special.terms.minimum);
    out_.Put(special.terms.protection);
    out_.Put(special.terms.expires);
    PutFlag(special.terms.all_or_none);
    out_.Put(special.displayed);
    out_.Put(special.best);
  }
  // Fields that most orders have at their defaults are left out.
  void PutCommon(const Order& order) {
    SnapshotOrderBits bits{.type = order.type,
                           .time_in_force = order.time_in_force,
                           .self_trade = order.self_trade,
                           .post_only = (order.flags & kPostOnlyFlag) != 0,
                           .has_terms = (order.flags & kTermsFlag) != 0,
                           .has_executed = order.executed != 0,
                           .has_changed = with_times_ && order.changed != order.entered};
    out_.Put(bits.Pack());
    out_.Put(order.id.value());
    out_.Put(order.client_order_id.value());
    out_.Put(order.account.value());
    out_.Put(order.quantity);
    PutTime(order.entered);
    if (bits.has_executed) out_.Put(order.executed);
    if (bits.has_changed) out_.Put(order.changed);
  }
  void Put(const Job& job) {
    out_.Put(job.kind);
    out_.Put(job.command);
    out_.Put(job.reason);
    out_.Put(job.side);
    out_.Put(job.symbol.value());
    out_.Put(job.account.value());
    out_.Put(job.up_to.value());
    out_.Put(job.from.value());
    PutFlag(job.keeps_reference);
    PutFlag(job.uncrosses);
    out_.Put(job.price);
    out_.Put(job.left);
    out_.Put(job.traded);
  }

  ByteWriter out_;
  const bool with_times_;
};

}  // namespace

std::string WriteSnapshot(const ReplicatedState& state) {
  std::string bytes;
  ByteWriter header(&bytes);
  header.Put(kSnapshotMagic);
  header.Put(uint64_t{0});
  StateWriter writer(&bytes, /*with_times=*/true);
  writer.PutTime(state.time);
  writer.Put(state.group_hash);
  writer.Put(state.market);
  writer.PutFinished(state.market.orders());
  writer.Put(state.sessions);
  const uint64_t checksum = Checksum64(std::string_view(bytes).substr(kSnapshotHeaderBytes));
  std::memcpy(bytes.data() + sizeof(kSnapshotMagic), &checksum, sizeof(checksum));
  return bytes;
}

Digest DigestOf(const Market& market) {
  std::string bytes;
  StateWriter(&bytes, /*with_times=*/false).Put(market);
  return Digest128(bytes);
}

}  // namespace quorumbook::exchange
