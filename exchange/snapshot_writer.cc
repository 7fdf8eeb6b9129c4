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
    out_.Put(static_cast<uint32_t>(market.symbols().size()));
    for (const auto& symbol : market.symbols()) {
      Put(symbol->info);
      Put(symbol->stats);
      Put(symbol->bids, market.orders());
      Put(symbol->asks, market.orders());
    }
  }

  void PutFinished(const OrderTable& orders) {
    out_.Put(static_cast<uint32_t>(orders.finished_orders()));
    for (OrderHandle at = orders.oldest_finished(); at != kNullHandle; at = orders[at].next) {
      const Order& order = orders[at];
      out_.Put(order.symbol.value());
      Put(order);
      out_.Put(order.price);
      out_.Put(order.side);
      out_.Put(order.type);
      out_.Put(order.time_in_force);
      out_.Put(order.status);
      out_.Put(order.reason);
    }
  }

  void Put(const SessionTable& sessions) {
    out_.Put(sessions.last_id());
    out_.Put(static_cast<uint32_t>(sessions.size()));
    sessions.ForEach([this](const Session& session) {
      out_.Put(session.id.value());
      out_.Put(session.account.value());
      out_.Put(session.next_sequence);
      out_.Put(static_cast<uint32_t>(session.results.size()));
      for (size_t i = 0; i < session.results.size(); ++i) out_.PutSized(session.results[i]);
    });
  }

  void PutTime(Time time) {
    if (with_times_) out_.Put(time);
  }

 private:
  void Put(Decimal decimal) {
    out_.Put(decimal.mantissa);
    out_.Put(decimal.exponent);
  }
  void Put(Uint128 value) {
    out_.Put(static_cast<uint64_t>(value));
    out_.Put(static_cast<uint64_t>(value >> 64));
  }
  void Put(const SymbolInfo& info) {
    out_.PutSized(info.name);
    Put(info.tick_size);
    Put(info.lot_size);
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
  }
  void Put(const BookSide& side, const OrderTable& orders) {
    out_.Put(side.levels());
    side.ForEachLevel([&](const Level& level) {
      out_.Put(side.PriceOf(level.key));
      out_.Put(level.orders);
      for (OrderHandle at = level.first; at != kNullHandle; at = orders[at].next) Put(orders[at]);
      return true;
    });
  }
  void Put(const Order& order) {
    out_.Put(order.id.value());
    out_.Put(order.client_order_id.value());
    out_.Put(order.account.value());
    out_.Put(order.quantity);
    out_.Put(order.executed);
    PutTime(order.entered);
    PutTime(order.changed);
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
