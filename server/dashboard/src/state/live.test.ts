import { afterEach, describe, expect, it, vi } from 'vitest';

import { get, remove } from '../api/client';
import type { Events, Timeseries } from '../../generated/schema';
import { age, arrived, bookStale, bookWaitsSince, now, stale } from './freshness';
import { addEvents, addPoints, history } from './live';

// Events of a node that started at `started`.
function eventsOf(started: number, ...ids: number[]): Events {
  return {
    cluster_id: 'test',
    node: 1,
    time_ms: 0,
    unreachable: [],
    oldest_id: 1,
    events: ids.map((id) => ({
      id,
      time_ms: started + id,
      kind: 'node_up',
      severity: 'info',
      node: 1,
      shard: null,
      message: String(id),
    })),
  };
}

const events = (...ids: number[]) => eventsOf(0, ...ids);

describe('events', () => {
  const ids = (list: readonly { id: number }[]) => list.map(({ id }) => id);

  it('are added once, latest first', () => {
    const first = addEvents([], events(2, 1));
    expect(ids(addEvents(first, events(4, 3, 2)))).toEqual([4, 3, 2, 1]);
    expect(ids(addEvents(first, events(2, 1)))).toEqual([2, 1]);
    expect(ids(addEvents(first, events()))).toEqual([2, 1]);
  });

  it('start again when the node did', () => {
    expect(ids(addEvents(addEvents([], events(9, 8)), events(1)))).toEqual([1]);
  });

  it('start again when the node did, though its numbers have passed the old ones', () => {
    const old = addEvents([], events(3, 2, 1));
    const all = addEvents(old, eventsOf(5000, 4, 3, 2, 1));
    expect(all.map(({ time_ms }) => time_ms)).toEqual([5004, 5003, 5002, 5001]);
  });

  it('have no hole after more was missed than the node tells of', () => {
    expect(ids(addEvents(addEvents([], events(3, 2, 1)), events(9, 8)))).toEqual([9, 8]);
  });
});

describe('points of series', () => {
  afterEach(() => vi.unstubAllGlobals());

  const points = (...times_ms: number[]): Timeseries => ({
    cluster_id: 'test',
    node: 1,
    time_ms: 0,
    unreachable: [],
    interval_ms: 1000,
    capacity: 300,
    series: [{ name: 'a', unit: 'count', help: '' }],
    times_ms,
    nodes: [{ node: 1, values: { a: times_ms } }],
  });

  it('that were missed are asked for, and those that come meanwhile wait', async () => {
    let answer: (response: Response) => void = () => undefined;
    vi.stubGlobal('fetch', () => new Promise<Response>((done) => (answer = done)));
    await addPoints(points(1000, 2000));
    const late = addPoints(points(5000));
    const next = addPoints(points(6000));
    await Promise.resolve();
    answer(new Response(JSON.stringify(points(3000, 4000))));
    await Promise.all([late, next]);
    expect(history.value.times_ms).toEqual([1000, 2000, 3000, 4000, 5000, 6000]);
  });
});

describe('a request', () => {
  afterEach(() => vi.unstubAllGlobals());

  // Points wait for those that were missed: a fetch without an end would stop the charts.
  it('for what the node knows has an end, and one for what it does waits for it', async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    vi.stubGlobal('fetch', (_: string, { signal }: RequestInit) => {
      signals.push(signal);
      return Promise.resolve(new Response('{}'));
    });
    await get('/api/timeseries', {});
    await remove('/api/orders', {});
    expect(signals[0]).toBeInstanceOf(AbortSignal);
    expect(signals[1]).toBeNull();
  });
});

describe('freshness', () => {
  it('is lost when nothing came for more than three seconds', () => {
    arrived.value = 10_000;
    now.value = 13_000;
    expect([age.value, stale.value]).toEqual([3000, false]);
    now.value = 13_250;
    expect(stale.value).toBe(true);
    arrived.value = 13_250;
    expect([age.value, stale.value]).toEqual([0, false]);
  });

  it('is lost by a book alone when that waits for more than three seconds', () => {
    now.value = arrived.value = 23_000;
    bookWaitsSince.value = 20_000;
    expect(bookStale.value).toBe(false);
    now.value = 23_250;
    expect([bookStale.value, stale.value]).toEqual([true, false]);
    bookWaitsSince.value = null;
    expect(bookStale.value).toBe(false);
  });
});
