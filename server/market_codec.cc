#include "server/market_codec.h"

#include <fmt/format.h>

#include <optional>

namespace quorumbook::server {
namespace {

void ToProto(const exchange::Decimal& decimal, v1::Decimal* out) {
  out->set_mantissa(decimal.mantissa);
  out->set_exponent(decimal.exponent);
}

void ToProto(const exchange::SymbolRules& rules, v1::SymbolRules* out) {
  out->set_min_quantity(rules.min_quantity);
  out->set_max_quantity(rules.max_quantity);
  out->set_static_band_bp(rules.static_band_bp);
  out->set_dynamic_band_bp(rules.dynamic_band_bp);
  out->set_protection(rules.protection);
  out->set_maker_fee_bp(rules.maker_fee_bp);
  out->set_taker_fee_bp(rules.taker_fee_bp);
}

}  // namespace

std::string ToDecimal(exchange::Uint128 value) { return fmt::format("{}", value); }

void ToProto(const exchange::SymbolInfo& symbol, const exchange::Exchange& exchange, ShardId shard,
             v1::Symbol* out) {
  out->set_id(symbol.id.value());
  out->set_name(symbol.name);
  ToProto(symbol.tick_size, out->mutable_tick_size());
  ToProto(symbol.lot_size, out->mutable_lot_size());
  out->set_shard(static_cast<uint32_t>(shard.value()));
  if (const exchange::AssetInfo* base = exchange.FindAsset(symbol.base)) {
    out->set_base(base->name);
    out->set_base_exponent(base->exponent);
  }
  if (const exchange::AssetInfo* quote = exchange.FindAsset(symbol.quote)) {
    out->set_quote(quote->name);
    out->set_quote_exponent(quote->exponent);
  }
  ToProto(symbol.rules, out->mutable_rules());
  out->set_phase(static_cast<v1::Phase>(symbol.phase));
  out->set_delisted(symbol.delisted);
  out->set_busy(symbol.busy);
  out->set_reference_price(symbol.reference_price);
  const std::optional<exchange::AuctionInfo> auction = exchange.Indicative(symbol.id);
  if (auction) ToProto(*auction, out->mutable_auction());
}

void ToProto(const exchange::AuctionInfo& auction, v1::Auction* out) {
  out->set_price(auction.price);
  out->set_volume(auction.volume);
  out->set_surplus(auction.surplus);
}

void ToProto(const exchange::LevelInfo& level, v1::Level* out) {
  out->set_price(level.price);
  out->set_quantity(level.quantity);
  out->set_orders(level.orders);
}

void ToProto(const exchange::TradeInfo& trade, v1::Trade* out) {
  out->set_trade_id(trade.id);
  out->set_event_sequence(trade.sequence);
  out->set_time_ns(trade.time);
  out->set_taker_side(static_cast<v1::Side>(trade.taker_side));
  out->set_price(trade.price);
  out->set_quantity(trade.quantity);
}

exchange::TradeInfo TradeOf(const exchange::Event& event, exchange::Time time) {
  return {event.trade_id, event.sequence, time, event.side, event.price, event.quantity};
}

void ToProto(const exchange::MarketSummary& summary, v1::Summary* out) {
  out->set_last(summary.last);
  out->set_open(summary.open);
  out->set_high(summary.high);
  out->set_low(summary.low);
  out->set_trades(summary.trades);
  out->set_volume(ToDecimal(summary.volume));
  out->set_notional(ToDecimal(summary.notional));
  out->set_best_bid(summary.best_bid);
  out->set_best_bid_quantity(summary.best_bid_quantity);
  out->set_best_ask(summary.best_ask);
  out->set_best_ask_quantity(summary.best_ask_quantity);
}

void ToProto(const exchange::Candle& candle, v1::Candle* out) {
  out->set_start_ns(candle.start);
  out->set_open(candle.open);
  out->set_high(candle.high);
  out->set_low(candle.low);
  out->set_close(candle.close);
  out->set_trades(candle.trades);
  out->set_volume(ToDecimal(candle.volume));
  out->set_notional(ToDecimal(candle.notional));
}

}  // namespace quorumbook::server
