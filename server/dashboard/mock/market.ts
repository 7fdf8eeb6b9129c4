// The made-up cluster's market: two symbols whose books and trades move.

import type { Subscription, Update } from '../src/api/market_messages';
import type { Candle, Level, Symbol, Symbols, Trade } from '../generated/schema';
import { wander } from './cluster';

const MIDDLE = 100;
const TICK = 0.01;

const price = (value: number) => value.toFixed(2);

function symbol(name: string): Symbol {
  const last = wander(MIDDLE, 2, name.length, Date.now());
  return {
    symbol: name,
    shard: 1,
    tick_size: '0.01',
    lot_size: '1',
    base: null,
    quote: null,
    phase: 'continuous',
    delisted: false,
    last: price(last),
    open: price(MIDDLE),
    high: price(MIDDLE + 2),
    low: price(MIDDLE - 2),
    change_ratio: last / MIDDLE - 1,
    vwap: price(MIDDLE),
    volume: '812345',
    trades: 40_210,
    best_bid: { price: price(last - TICK), quantity: '80' },
    best_ask: { price: price(last + TICK), quantity: '70' },
    spread: '0.02',
    spread_basis_points: 2,
    reference_price: null,
  };
}

export const SYMBOLS = ['ALPHA', 'BETA'];

export function symbols(): Symbols {
  return {
    cluster_id: 'mock',
    node: 1,
    time_ms: Date.now(),
    unreachable: [],
    symbols: SYMBOLS.map(symbol),
    next: null,
  };
}

function side(from: number, step: number, levels: number, time: number): Level[] {
  return Array.from({ length: levels }, (_, at) => ({
    price: price(from + at * step),
    quantity: Math.round(wander(90 + at * 25, 60, at, time)).toString(),
    orders: 1 + (at % 5),
  }));
}

function trade(id: number, time: number): Trade {
  return {
    trade_id: id,
    event_sequence: id * 2,
    time_ms: time,
    taker_side: id % 3 === 0 ? 'sell' : 'buy',
    price: price(wander(MIDDLE, 2, 5, time)),
    quantity: String(1 + (id % 40)),
  };
}

function candle(start: number): Candle {
  const [open, close] = [wander(MIDDLE, 2, 5, start / 9), wander(MIDDLE, 2, 5, start / 9 + 4000)];
  return {
    start_ms: start,
    open: price(open),
    close: price(close),
    high: price(Math.max(open, close) + 0.3),
    low: price(Math.min(open, close) - 0.3),
    vwap: price((open + close) / 2),
    volume: String(Math.round(wander(2000, 900, 7, start / 30))),
    trades: 100,
  };
}

// The next update of a subscription; the first is a snapshot. A book's best prices stay around a
// fixed middle and its quantities move, so that deltas are simply its levels.
export function update(subscription: Subscription, sequence: number): Update {
  const now = Date.now();
  const head = {
    type: 'update' as const,
    symbol: subscription.symbol,
    sequence,
    snapshot: sequence === 1,
    event_sequence: sequence,
    time_ms: now,
    conflated: false,
  };
  if (subscription.channel === 'book') {
    const { levels } = subscription;
    return {
      ...head,
      channel: 'book',
      bids: side(MIDDLE - TICK, -TICK, levels, now),
      asks: side(MIDDLE + TICK, TICK, levels, now),
    };
  }
  if (subscription.channel === 'trades') {
    const past = sequence === 1 ? subscription.limit : 1;
    const last = Math.floor(now / 250);
    const trades = Array.from({ length: past }, (_, at) => last - past + 1 + at);
    return { ...head, channel: 'trades', trades: trades.map((id) => trade(id, id * 250)) };
  }
  const minute = 60_000;
  const past = sequence === 1 ? subscription.limit : 1;
  const last = Math.floor(now / minute) * minute;
  const starts = Array.from({ length: past }, (_, at) => last - (past - 1 - at) * minute);
  return {
    ...head,
    channel: 'candles',
    interval: subscription.interval,
    candles: starts.map(candle),
  };
}
