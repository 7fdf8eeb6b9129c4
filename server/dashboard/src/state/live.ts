// What the node's event stream says of the cluster, as signals that pages read.

import { signal } from '@preact/signals';

import { get } from '../api/client';
import type {
  Alerts,
  Event as ClusterEvent,
  Events,
  Nodes,
  Raft,
  Shards,
  Storage,
  Summary,
  Timeseries,
} from '../../generated/schema';
import { arrived, connected } from './freshness';
import { append, EMPTY, hasGap, type History } from './history';

export const summary = signal<Summary | null>(null);
export const nodes = signal<Nodes | null>(null);
export const shards = signal<Shards | null>(null);
export const raft = signal<Raft | null>(null);
export const storage = signal<Storage | null>(null);
export const alerts = signal<Alerts | null>(null);
export const history = signal<History>(EMPTY);
export const events = signal<readonly ClusterEvent[]>([]); // latest first
// What the node said when it stopped.
export const ended = signal<string | null>(null);

const EVENTS_KEPT = 500;
const RECONNECT_MS = 2000;

// Latest first, each once. A node numbers its events from 1 without gaps, so that the next ones
// either follow the newest that is known or hold it, as it was. Otherwise the node has started
// again (its numbers may have passed the old ones meanwhile), or some were missed: then what is
// known would be wrong or have a hole, and the list starts anew.
export function addEvents(known: readonly ClusterEvent[], next: Events): readonly ClusterEvent[] {
  const newest = known[0];
  if (next.events.length === 0) return known;
  if (!newest) return next.events;
  const same = next.events.find(({ id }) => id === newest.id);
  const follows = same
    ? same.time_ms === newest.time_ms && same.message === newest.message
    : next.events.at(-1)!.id === newest.id + 1;
  if (!follows) return next.events;
  return [...next.events.filter(({ id }) => id > newest.id), ...known].slice(0, EVENTS_KEPT);
}

async function appendWhole(next: Timeseries): Promise<void> {
  if (hasGap(history.value, next)) {
    const since_ms = history.value.times_ms.at(-1);
    // Without an answer the gap stays a gap, and a chart's line crosses it.
    const missed = await get('/api/timeseries', { since_ms }).catch(() => null);
    if (missed) history.value = append(history.value, missed);
  }
  history.value = append(history.value, next);
}

let adding = Promise.resolve();

// One after the other: points that came while missed ones are asked for wait for those, as older
// points can not be put in later.
export function addPoints(next: Timeseries): Promise<void> {
  adding = adding.then(() => appendWhole(next));
  return adding;
}

const TOPICS: Record<string, (data: never) => void> = {
  summary: (data: Summary) => (summary.value = data),
  nodes: (data: Nodes) => (nodes.value = data),
  shards: (data: Shards) => (shards.value = data),
  raft: (data: Raft) => (raft.value = data),
  storage: (data: Storage) => (storage.value = data),
  alerts: (data: Alerts) => (alerts.value = data),
  timeseries: (data: Timeseries) => void addPoints(data),
  events: (data: Events) => (events.value = addEvents(events.value, data)),
};

function connect(): void {
  const source = new EventSource('/api/stream');
  source.onopen = () => {
    connected.value = true;
    ended.value = null;
  };
  for (const [topic, take] of Object.entries(TOPICS)) {
    source.addEventListener(topic, (event) => {
      take(JSON.parse(event.data as string) as never);
      arrived.value = Date.now();
    });
  }
  source.addEventListener('end', (event) => {
    ended.value = (JSON.parse(event.data as string) as { reason: string }).reason;
  });
  source.onerror = () => {
    connected.value = false;
    // The browser connects again by itself after a lost connection, but not after an error answer.
    if (source.readyState === EventSource.CLOSED) {
      source.close();
      setTimeout(connect, RECONNECT_MS);
    }
  };
}

export function startLive(): void {
  connect();
}
