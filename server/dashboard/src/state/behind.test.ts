import { describe, expect, it } from 'vitest';

import type { Node, Nodes } from '../../generated/schema';
import { behindOf, marketBehind, shownShard } from './behind';
import { now } from './freshness';
import { nodes } from './live';

function known(not_ready: string[]): Nodes {
  const node = (id: number, is_self: boolean, reasons: string[]) =>
    ({ node: id, is_self, not_ready: reasons }) as unknown as Node;
  return {
    cluster_id: 'test',
    node: 3,
    time_ms: 0,
    unreachable: [],
    nodes: [node(1, false, ['shard 1: no leader is known']), node(3, true, not_ready)],
  };
}

describe('a market', () => {
  it('is behind when the replica of its shard at this node is', () => {
    const reasons = ['disk: the disk is full', 'shard 11: it is not started'];
    expect(behindOf(null, 1)).toBeNull();
    expect(behindOf(known([]), 1)).toBeNull(); // another node is
    expect(behindOf(known(reasons), 1)).toBeNull();
    expect(behindOf(known(reasons), 11)).toBe('it is not started');
    expect(behindOf(known(['shard 1: no leader is known']), 1)).toBe('no leader is known');
    expect(behindOf(known(['shard 1: no leader is known']), null)).toBeNull();
  });

  it('is called behind after more than three seconds, and no more when it is not', () => {
    shownShard.value = 1;
    nodes.value = known(['shard 1: no leader is known']);
    const begun = Date.now();
    now.value = begun + 2000;
    expect(marketBehind.value).toBeNull();
    nodes.value = known(['shard 1: it catches up: 5 entries to execute, 20000 to get']);
    now.value = begun + 5000;
    expect(marketBehind.value?.reason).toContain('catches up');
    nodes.value = known([]);
    expect(marketBehind.value).toBeNull();
    nodes.value = known(['shard 1: no leader is known']);
    now.value = Date.now();
    expect(marketBehind.value).toBeNull(); // counted anew
    shownShard.value = null;
    now.value = Date.now() + 60_000;
    expect(marketBehind.value).toBeNull();
  });
});
