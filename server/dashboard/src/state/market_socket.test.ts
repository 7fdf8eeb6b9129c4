import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { BookUpdate, CandlesUpdate, TradesUpdate, Update } from '../api/market_messages';
import {
  applyBook,
  applyCandles,
  applyTrades,
  EMPTY_BOOK,
  lastMove,
  spreadOf,
  totalled,
} from './book';
import { MarketSocket, type Socket } from './market_socket';

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: Record<string, unknown>[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close() {
    this.closed = true;
  }
  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function book(sequence: number, snapshot: boolean, bids: [string, string][]): BookUpdate {
  return {
    type: 'update',
    channel: 'book',
    symbol: 'DEMO',
    sequence,
    snapshot,
    event_sequence: sequence,
    time_ms: 0,
    conflated: false,
    bids: bids.map(([price, quantity]) => ({ price, quantity, orders: 1 })),
    asks: [],
  };
}

describe('the market socket', () => {
  const sockets: FakeSocket[] = [];
  let market: MarketSocket;
  let seen: Update[];
  const listener = (update: Update) => void seen.push(update);
  const wanted = { channel: 'book', symbol: 'DEMO', levels: 10 } as const;

  beforeEach(() => {
    vi.useFakeTimers();
    sockets.length = 0;
    seen = [];
    market = new MarketSocket(() => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    });
  });
  afterEach(() => void vi.useRealTimers());

  it('subscribes when the connection is open, and hands updates on in order', () => {
    market.subscribe(wanted, listener);
    expect(sockets[0]!.sent).toEqual([]);
    sockets[0]!.onopen!();
    expect(sockets[0]!.sent).toEqual([{ op: 'subscribe', ...wanted }]);
    sockets[0]!.say(book(1, true, [['9.99', '80']]));
    sockets[0]!.say(book(2, false, [['9.98', '5']]));
    expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('subscribes again on a gap, and says nothing until the snapshot', () => {
    market.subscribe(wanted, listener);
    const socket = sockets[0]!;
    socket.onopen!();
    socket.say(book(1, true, []));
    socket.say(book(3, false, [['1', '1']]));
    expect(market.gaps).toBe(1);
    expect(socket.sent).toHaveLength(2);
    socket.say(book(4, false, [['2', '2']])); // of the old subscription, still on the way
    expect(seen).toHaveLength(1);
    socket.say(book(1, true, [['3', '3']]));
    socket.say(book(2, false, []));
    expect(seen.map(({ sequence, snapshot }) => [sequence, snapshot])).toEqual([
      [1, true],
      [1, true],
      [2, false],
    ]);
    expect(market.gaps).toBe(1);
  });

  it('opens a lost connection again with all subscriptions', () => {
    market.subscribe(wanted, listener);
    market.subscribe({ channel: 'trades', symbol: 'DEMO', limit: 5 }, listener);
    sockets[0]!.onopen!();
    sockets[0]!.say(book(1, true, []));
    sockets[0]!.onclose!();
    vi.advanceTimersByTime(1000);
    expect(sockets).toHaveLength(2);
    sockets[1]!.onopen!();
    expect(sockets[1]!.sent.map(({ channel }) => channel)).toEqual(['book', 'trades']);
    sockets[1]!.say(book(2, false, [])); // no snapshot yet: not ours
    expect(seen).toHaveLength(1);
    sockets[1]!.say(book(1, true, []));
    expect(seen).toHaveLength(2);
  });

  it('says since when a book is without its snapshot', () => {
    vi.setSystemTime(10_000);
    expect(market.waitsSince.value).toBeNull();
    const end = market.subscribe(wanted, listener);
    expect(market.waitsSince.value).toBe(10_000);
    sockets[0]!.onopen!();
    sockets[0]!.say(book(1, true, []));
    expect(market.waitsSince.value).toBeNull();
    vi.setSystemTime(20_000);
    sockets[0]!.say(book(3, false, [])); // a gap
    expect(market.waitsSince.value).toBe(20_000);
    sockets[0]!.say(book(1, true, []));
    expect(market.waitsSince.value).toBeNull();
    // A connection that is refused again and again is one wait.
    vi.setSystemTime(30_000);
    sockets[0]!.onclose!();
    vi.advanceTimersByTime(1000);
    sockets[1]!.onclose!();
    vi.advanceTimersByTime(1000);
    expect(sockets).toHaveLength(3);
    expect(market.waitsSince.value).toBe(30_000);
    end();
    expect(market.waitsSince.value).toBeNull();
  });

  it('does not wait for what the node refused', () => {
    market.subscribe(wanted, listener);
    sockets[0]!.onopen!();
    const about = { channel: 'book', symbol: 'DEMO', detail: '', hint: '' };
    sockets[0]!.say({ type: 'error', code: 'unknown_symbol', ...about });
    expect(market.waitsSince.value).toBeNull();
  });

  it('asks again for what the node can not give yet, and for nothing else', () => {
    const end = market.subscribe(wanted, listener);
    const socket = sockets[0]!;
    socket.onopen!();
    const about = { type: 'error', channel: 'book', symbol: 'DEMO', detail: '', hint: '' };
    socket.say({ ...about, code: 'unknown_symbol' });
    vi.advanceTimersByTime(60_000);
    expect(socket.sent).toHaveLength(1);
    socket.say({ ...about, code: 'not_founded' });
    vi.advanceTimersByTime(4999);
    expect(socket.sent).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(socket.sent).toHaveLength(2);
    socket.say(book(1, true, []));
    expect(seen).toHaveLength(1);
    socket.say({ ...about, code: 'not_founded' });
    end();
    vi.advanceTimersByTime(60_000);
    expect(socket.sent.map(({ op }) => op)).toEqual(['subscribe', 'subscribe', 'unsubscribe']);
  });

  it('takes no candles of the interval before', () => {
    const candles = { channel: 'candles', symbol: 'DEMO', limit: 10 } as const;
    const say = (interval: '1m' | '1h', sequence: number) =>
      sockets[0]!.say({
        ...{ type: 'update', channel: 'candles', symbol: 'DEMO', sequence, interval },
        ...{ snapshot: sequence === 1, event_sequence: 1, time_ms: 0, conflated: false },
        candles: [],
      });
    market.subscribe({ ...candles, interval: '1m' }, listener);
    sockets[0]!.onopen!();
    market.subscribe({ ...candles, interval: '1h' }, listener);
    say('1m', 1);
    say('1m', 2);
    expect(seen).toEqual([]);
    expect(market.gaps).toBe(0);
    say('1h', 1);
    say('1h', 2);
    expect(seen.map((update) => (update as CandlesUpdate).interval)).toEqual(['1h', '1h']);
  });

  it('closes the connection with the last subscription, and stays closed', () => {
    const end = market.subscribe(wanted, listener);
    sockets[0]!.onopen!();
    end();
    expect(sockets[0]!.closed).toBe(true);
    sockets[0]!.onclose!();
    vi.advanceTimersByTime(5000);
    expect(sockets).toHaveLength(1);
  });

  it('tells what the node refuses, until an update of the same channel comes', () => {
    market.subscribe(wanted, listener);
    market.subscribe({ channel: 'trades', symbol: 'DEMO', limit: 5 }, listener);
    const socket = sockets[0]!;
    socket.onopen!();
    socket.say(book(1, true, []));
    const error = { type: 'error', symbol: 'DEMO', hint: 'look' };
    const ofTrades = { channel: 'trades', reason: 'not yet (look)' };
    socket.say({ ...error, channel: 'trades', code: 'not_founded', detail: 'not yet' });
    expect(market.refusals.value).toEqual([ofTrades]);
    socket.say(book(2, false, []));
    expect(market.refusals.value).toEqual([ofTrades]);
    const about = { type: 'unsubscribed', channel: 'book', symbol: 'DEMO' };
    socket.say({ ...about, reason: 'requested' });
    socket.say({ ...about, reason: 'the node stops' });
    expect(market.refusals.value).toEqual([
      { channel: 'book', reason: 'the node stops' },
      ofTrades,
    ]);
    vi.advanceTimersByTime(5000); // asked for again
    expect(market.refusals.value).toHaveLength(2);
    socket.say({ ...book(1, true, []), channel: 'trades', trades: [] });
    expect(market.refusals.value).toEqual([{ channel: 'book', reason: 'the node stops' }]);
    // Another subscription in its place, or a lost connection, has not been refused.
    const end = market.subscribe(wanted, listener);
    expect(market.refusals.value).toEqual([]);
    socket.say({ ...error, channel: 'book', code: 'unknown_symbol', detail: 'no' });
    expect(market.refusals.value).toHaveLength(1);
    end();
    expect(market.refusals.value).toEqual([]);
    socket.say({ ...error, channel: 'trades', code: 'unknown_symbol', detail: 'no' });
    socket.onclose!();
    expect(market.refusals.value).toEqual([]);
  });
});

describe('a book', () => {
  it('is its snapshot and the changes since', () => {
    let state = applyBook(
      EMPTY_BOOK,
      book(1, true, [
        ['9.99', '80'],
        ['10', '5'],
      ]),
    );
    state = applyBook(
      state,
      book(2, false, [
        ['9.990', '70'],
        ['9.9', '1'],
        ['10', '0'],
      ]),
    );
    expect(state.bids.map(({ price, quantity }) => [price, quantity])).toEqual([
      ['9.990', '70'],
      ['9.9', '1'],
    ]);
    state = applyBook(state, book(1, true, [['3', '3']]));
    expect(state.bids.map(({ price }) => price)).toEqual(['3']);
  });

  it('has a spread when both sides are there', () => {
    const level = (price: string) => [{ price, quantity: '1', orders: 1 }];
    expect(spreadOf({ ...EMPTY_BOOK, bids: level('9.99') })).toBeNull();
    const spread = spreadOf({ ...EMPTY_BOOK, bids: level('9.99'), asks: level('10.01') })!;
    expect(spread.absolute).toBe('0.02');
    expect(spread.basisPoints).toBeCloseTo(20, 6);
  });
});

describe('a side of a book', () => {
  it('adds up exactly from the best price on', () => {
    const level = (quantity: string) => ({ price: '1', quantity, orders: 1 });
    const totals = totalled([level('0.1'), level('0.2'), level('30')]).map(({ total }) => total);
    expect(totals).toEqual(['0.1', '0.3', '30.3']);
  });
});

describe('the last price', () => {
  const trades = (...prices: string[]) =>
    prices.map((price, trade_id) => ({
      trade_id,
      event_sequence: trade_id,
      time_ms: 0,
      taker_side: 'buy' as const,
      price,
      quantity: '1',
    }));

  it('moved against the latest one that differs', () => {
    expect(lastMove([])).toBeNull();
    expect(lastMove(trades('9.9', '9.90'))).toEqual({ price: '9.90', move: 'none' });
    expect(lastMove(trades('11', '9.9', '10', '10.0'))).toEqual({ price: '10.0', move: 'up' });
    expect(lastMove(trades('9', '10', '9.5'))).toEqual({ price: '9.5', move: 'down' });
  });
});

describe('the examples of docs/http.md', () => {
  // Objects at the start of a line, which may go on over several.
  const text = readFileSync(new URL('../../../../docs/http.md', import.meta.url), 'utf8');
  const updates = [...text.matchAll(/^\{"type": "update"[\s\S]*?\}$/gm)].map(
    ([example]) => JSON.parse(example) as Update,
  );
  const of = <T extends Update>(channel: T['channel']) =>
    updates.filter((update): update is T => update.channel === channel);

  it('are understood', () => {
    const bookState = of<BookUpdate>('book').reduce(applyBook, EMPTY_BOOK);
    expect(bookState.bids).toEqual([]);
    expect(bookState.asks).toEqual([{ price: '10.02', quantity: '80', orders: 1 }]);
    const trades = of<TradesUpdate>('trades').reduce(applyTrades, []);
    expect(trades.map(({ price, quantity }) => `${quantity} at ${price}`)).toEqual(['50 at 10.01']);
    const candles = of<CandlesUpdate>('candles').reduce(applyCandles, []);
    expect(candles.map(({ close, volume }) => [close, volume])).toEqual([['10.02', '70']]);
  });
});
