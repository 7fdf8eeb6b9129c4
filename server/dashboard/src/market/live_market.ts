// Book, trades and candles of the symbol that is shown, live.

import { effect, useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import type { BookUpdate, CandlesUpdate, Interval, TradesUpdate } from '../api/market_messages';
import type { Candle, Trade } from '../../generated/schema';
import { applyBook, applyCandles, applyTrades, EMPTY_BOOK, type Book } from '../state/book';
import { shownShard } from '../state/behind';
import { bookWaitsSince, marketRefusals } from '../state/freshness';
import { browserSocket, MarketSocket } from '../state/market_socket';

export const BOOK_LEVELS = 25;
const TRADES = 50;
const CANDLES = 240;

// One connection for all subscriptions, opened with the first and closed with the last.
const socket = new MarketSocket(browserSocket);
effect(() => {
  bookWaitsSince.value = socket.waitsSince.value;
});
effect(() => {
  marketRefusals.value = socket.refusals.value;
});

export interface LiveMarket {
  book: Signal<Book>;
  trades: Signal<readonly Trade[]>;
  candles: Signal<readonly Candle[]>;
}

export function useLiveMarket(
  symbol: string | undefined,
  shard: number | undefined,
  interval: Interval,
): LiveMarket {
  const book = useSignal(EMPTY_BOOK);
  const trades = useSignal<readonly Trade[]>([]);
  const candles = useSignal<readonly Candle[]>([]);

  useEffect(() => {
    shownShard.value = shard ?? null;
    return () => (shownShard.value = null);
  }, [shard]);

  useEffect(() => {
    if (!symbol) return undefined;
    book.value = EMPTY_BOOK;
    trades.value = [];
    const ends = [
      socket.subscribe({ channel: 'book', symbol, levels: BOOK_LEVELS }, (next) => {
        book.value = applyBook(book.value, next as BookUpdate);
      }),
      socket.subscribe({ channel: 'trades', symbol, limit: TRADES }, (next) => {
        trades.value = applyTrades(trades.value, next as TradesUpdate);
      }),
    ];
    return () => ends.forEach((end) => end());
  }, [symbol]);

  useEffect(() => {
    if (!symbol) return undefined;
    candles.value = [];
    return socket.subscribe({ channel: 'candles', symbol, interval, limit: CANDLES }, (next) => {
      candles.value = applyCandles(candles.value, next as CandlesUpdate);
    });
  }, [symbol, interval]);

  return { book, trades, candles };
}
