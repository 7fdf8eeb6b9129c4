import { describe, expect, it } from 'vitest';

import type { Events } from '../../generated/schema';
import { age, arrived, now, stale } from './freshness';
import { addEvents } from './live';

function events(...ids: number[]): Events {
  return {
    cluster_id: 'test',
    node: 1,
    time_ms: 0,
    unreachable: [],
    oldest_id: 1,
    events: ids.map((id) => ({
      id,
      time_ms: id,
      kind: 'node_up',
      severity: 'info',
      node: 1,
      shard: null,
      message: String(id),
    })),
  };
}

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
});
