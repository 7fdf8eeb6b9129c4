// What the WebSocket /api/ws says and hears: docs/http.md, WebSocket. A test holds these shapes to
// the examples there.

import type { Candle, Level, Trade } from '../../generated/schema';

export type Interval = '1m' | '5m' | '1h' | '1d';

export type Subscription =
  | { channel: 'book'; symbol: string; levels: number }
  | { channel: 'trades'; symbol: string; limit: number }
  | { channel: 'candles'; symbol: string; interval: Interval; limit: number };

interface UpdateHead {
  type: 'update';
  symbol: string;
  sequence: number; // 1, 2, 3, ... of the subscription; anything else is a gap
  snapshot: boolean; // takes the place of everything before
  event_sequence: number;
  time_ms: number;
  conflated: boolean;
}

export type BookUpdate = UpdateHead & {
  channel: 'book';
  bids: readonly Level[];
  asks: readonly Level[];
};
export type TradesUpdate = UpdateHead & { channel: 'trades'; trades: readonly Trade[] };
export type CandlesUpdate = UpdateHead & {
  channel: 'candles';
  interval: Interval;
  candles: readonly Candle[];
};
export type Update = BookUpdate | TradesUpdate | CandlesUpdate;

export type Message =
  | Update
  | { type: 'unsubscribed'; channel: Update['channel']; symbol: string; reason: string }
  | {
      type: 'error';
      code: string;
      detail: string;
      hint: string;
      channel?: Update['channel'];
      symbol?: string;
    }
  | { type: 'pong' };
