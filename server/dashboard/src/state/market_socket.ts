// Subscriptions to books, trades and candles over one WebSocket. Every update is numbered; when one
// is missing the subscription is made again, and what it was is wrong until the next snapshot, so
// nothing is handed on before that. A lost connection is opened again with all subscriptions. While
// something that is subscribed to has no snapshot, because of the connection or the node, what is
// shown of it is old: `waitsSince` says so. What the node refused is among `refusals` until an
// update of the same channel comes.

import { signal } from '@preact/signals';

import type { Message, Subscription, Update } from '../api/market_messages';
import type { Refusal } from './freshness';

// What this needs of a WebSocket; tests bring their own.
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

interface Held {
  subscription: Subscription;
  onUpdate: (update: Update) => void;
  expected: number | null; // sequence of the next update; null: waits for a snapshot
  refused: boolean; // nothing will come
  reason: string | null; // of the last refusal; null: none since an update
}

const RECONNECT_MS = 1000;
// What is refused for a reason that passes by itself is asked for again after so long.
const ASK_AGAIN_MS = 5000;
const PASSING = new Set(['not_founded', 'too_many']);

export class MarketSocket {
  private socket: Socket | null = null;
  private open = false;
  private readonly held = new Map<string, Held>();
  // How often updates were missing.
  gaps = 0;
  // Since when, by this machine's clock, a subscription has had no snapshot; null: none lacks one.
  readonly waitsSince = signal<number | null>(null);
  // What the node refused or ended.
  readonly refusals = signal<readonly Refusal[]>([]);

  constructor(private readonly connect: () => Socket) {}

  // A second subscription to the same channel and symbol takes the place of the first. Returns what
  // ends it.
  subscribe(subscription: Subscription, onUpdate: (update: Update) => void): () => void {
    const key = keyOf(subscription);
    const held: Held = { subscription, onUpdate, expected: null, refused: false, reason: null };
    this.held.set(key, held);
    this.noteRefusals();
    if (this.open) this.ask(held);
    else if (!this.socket) this.start();
    this.noteWaiting();
    return () => {
      if (this.held.get(key) !== held) return;
      this.held.delete(key);
      const { channel, symbol } = subscription;
      if (this.open) this.send({ op: 'unsubscribe', channel, symbol });
      if (this.held.size === 0) this.stop();
      this.noteWaiting();
      this.noteRefusals();
    };
  }

  private start(): void {
    const socket = this.connect();
    this.socket = socket;
    socket.onopen = () => {
      this.open = true;
      for (const held of this.held.values()) this.ask(held);
    };
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data) as Message);
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.open = false;
      for (const held of this.held.values()) {
        held.expected = null;
        held.refused = false;
        held.reason = null;
      }
      this.noteWaiting();
      this.noteRefusals();
      setTimeout(() => {
        if (!this.socket && this.held.size > 0) this.start();
      }, RECONNECT_MS);
    };
  }

  private stop(): void {
    const { socket } = this;
    this.socket = null;
    this.open = false;
    socket?.close();
  }

  private send(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  private ask(held: Held): void {
    held.expected = null;
    held.refused = false;
    this.send({ op: 'subscribe', ...held.subscription });
    this.noteWaiting();
  }

  private noteWaiting(): void {
    const waits = [...this.held.values()].some(({ expected, refused }) => {
      return expected === null && !refused;
    });
    this.waitsSince.value = waits ? (this.waitsSince.value ?? Date.now()) : null;
  }

  private noteRefusals(): void {
    const found = [...this.held.values()].flatMap(({ subscription: { channel }, reason }) => {
      return reason === null ? [] : [{ channel, reason }];
    });
    if (found.length > 0 || this.refusals.value.length > 0) this.refusals.value = found;
  }

  private refuse(held: Held, reason: string): void {
    held.expected = null;
    held.refused = true;
    held.reason = reason;
    this.noteWaiting();
    this.noteRefusals();
  }

  private askAgain(held: Held): void {
    const current = this.held.get(keyOf(held.subscription)) === held;
    if (current && held.refused && this.open) this.ask(held);
  }

  private receive(message: Message): void {
    if (message.type === 'pong' || !message.channel || !message.symbol) return;
    const held = this.held.get(keyOf({ channel: message.channel, symbol: message.symbol }));
    if (!held) return;
    if (message.type === 'error') {
      this.refuse(held, `${message.detail} (${message.hint})`);
      if (PASSING.has(message.code)) setTimeout(() => this.askAgain(held), ASK_AGAIN_MS);
    } else if (message.type === 'unsubscribed') {
      // "requested" answers an unsubscription that a newer subscription has overtaken.
      if (message.reason !== 'requested') this.refuse(held, message.reason);
    } else {
      this.update(held, message);
    }
  }

  private update(held: Held, update: Update): void {
    // Candles of another interval are of a subscription that this one replaced.
    const { subscription } = held;
    if (subscription.channel === 'candles' && update.channel === 'candles') {
      if (subscription.interval !== update.interval) return;
    }
    // What is left on the way of a subscription that this one replaced.
    if (held.expected === null && !(update.snapshot && update.sequence === 1)) return;
    if (held.expected !== null && update.sequence !== held.expected) {
      // A replaced subscription's numbers start again with a snapshot.
      if (!(update.snapshot && update.sequence === 1)) {
        this.gaps += 1;
        this.ask(held);
        return;
      }
    }
    held.expected = update.sequence + 1;
    held.reason = null;
    if (update.sequence === 1) {
      this.noteWaiting();
      this.noteRefusals();
    }
    held.onUpdate(update);
  }
}

function keyOf({ channel, symbol }: Pick<Subscription, 'channel' | 'symbol'>): string {
  return `${channel} ${symbol}`;
}

export function browserSocket(): Socket {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return new WebSocket(`${scheme}://${location.host}/api/ws`) as unknown as Socket;
}
