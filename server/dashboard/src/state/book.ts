// One symbol's book by price level, and its trades and candles, kept up to date by updates.

import type { BookUpdate, CandlesUpdate, TradesUpdate } from '../api/market_messages';
import type { Candle, Level, Trade } from '../../generated/schema';
import { add, approximate, canonical, compare, isZero, subtract } from '../format/decimal';

export interface Book {
  bids: readonly Level[]; // best first
  asks: readonly Level[];
  event_sequence: number;
  time_ms: number;
}

export const EMPTY_BOOK: Book = { bids: [], asks: [], event_sequence: 0, time_ms: 0 };

function changed(
  side: readonly Level[],
  changes: readonly Level[],
  order: (a: Level, b: Level) => number,
): readonly Level[] {
  if (changes.length === 0) return side;
  const levels = new Map(side.map((level) => [canonical(level.price), level]));
  for (const level of changes) {
    if (isZero(level.quantity)) levels.delete(canonical(level.price));
    else levels.set(canonical(level.price), level);
  }
  return [...levels.values()].sort(order);
}

const highestFirst = (a: Level, b: Level) => compare(b.price, a.price);
const lowestFirst = (a: Level, b: Level) => compare(a.price, b.price);

export function applyBook(book: Book, update: BookUpdate): Book {
  const from = update.snapshot ? EMPTY_BOOK : book;
  return {
    bids: changed(from.bids, update.bids, highestFirst),
    asks: changed(from.asks, update.asks, lowestFirst),
    event_sequence: update.event_sequence,
    time_ms: update.time_ms,
  };
}

export interface Spread {
  absolute: string;
  basisPoints: number; // 1/10,000 of the middle between best bid and best ask
}

// null while a side is empty. Negative while an auction collects orders that cross.
export function spreadOf({ bids, asks }: Book): Spread | null {
  const bid = bids[0]?.price;
  const ask = asks[0]?.price;
  if (bid === undefined || ask === undefined) return null;
  const absolute = subtract(ask, bid);
  const middle = (approximate(bid) + approximate(ask)) / 2;
  return { absolute, basisPoints: middle === 0 ? 0 : (approximate(absolute) / middle) * 10_000 };
}

const TRADES_KEPT = 200;

// Oldest first, each once.
export function applyTrades(trades: readonly Trade[], update: TradesUpdate): readonly Trade[] {
  const from = update.snapshot ? [] : trades;
  const last = from.at(-1)?.trade_id ?? -Infinity;
  const fresh = update.trades.filter(({ trade_id }) => trade_id > last);
  return [...from, ...fresh].slice(-TRADES_KEPT);
}

export interface LastMove {
  price: string; // of the last trade
  move: 'up' | 'down' | 'none'; // against the latest other price; none: all have the same
}

// null when there is no trade. `trades` are oldest first.
export function lastMove(trades: readonly Trade[]): LastMove | null {
  const price = trades.at(-1)?.price;
  if (price === undefined) return null;
  for (let at = trades.length - 2; at >= 0; at--) {
    const order = compare(price, trades[at]!.price);
    if (order !== 0) return { price, move: order > 0 ? 'up' : 'down' };
  }
  return { price, move: 'none' };
}

export interface TotalledLevel extends Level {
  total: string; // of the quantities up to this price, from the best on
}

export function totalled(side: readonly Level[]): readonly TotalledLevel[] {
  let total = '0';
  return side.map((level) => {
    total = add(total, level.quantity);
    return { ...level, total };
  });
}

const CANDLES_KEPT = 400;

// Oldest first; one takes the place of the one with the same start.
export function applyCandles(candles: readonly Candle[], update: CandlesUpdate): readonly Candle[] {
  const byStart = new Map(update.snapshot ? [] : candles.map((one) => [one.start_ms, one]));
  for (const candle of update.candles) byStart.set(candle.start_ms, candle);
  return [...byStart.values()].sort((a, b) => a.start_ms - b.start_ms).slice(-CANDLES_KEPT);
}
