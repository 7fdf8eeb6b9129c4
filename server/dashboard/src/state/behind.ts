// Whether the market that is shown is that of a node which does not keep up: one that is cut off
// from its peers, or catches up, goes on to send what it has, and it looks as if it were live.

import { computed, effect, signal } from '@preact/signals';

import type { Nodes } from '../../generated/schema';
import { now, STALE_AFTER_MS } from './freshness';
import { nodes } from './live';

// The shard whose market the page shows; null: none.
export const shownShard = signal<number | null>(null);

// What stands in the way of the shard's replica at the node that serves this page, in its words;
// null: nothing. The node names it among what keeps it from being ready: "shard 1: no leader ...".
export function behindOf(known: Nodes | null, shard: number | null): string | null {
  const self = known?.nodes.find(({ is_self }) => is_self);
  if (!self || shard === null) return null;
  const head = `shard ${shard}: `;
  return self.not_ready.find((reason) => reason.startsWith(head))?.slice(head.length) ?? null;
}

const behind = computed(() => behindOf(nodes.value, shownShard.value));
const since = signal<number | null>(null);
effect(() => {
  since.value = behind.value === null ? null : (since.peek() ?? Date.now());
});

// Since when, by this machine's clock: a new leader takes a second, and that is no news.
export const marketBehind = computed(() => {
  if (behind.value === null || since.value === null) return null;
  const ageMs = Math.max(0, now.value - since.value);
  return ageMs > STALE_AFTER_MS ? { reason: behind.value, ageMs } : null;
});
