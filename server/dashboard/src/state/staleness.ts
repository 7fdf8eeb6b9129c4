// Whether what the page shows is live, and if not, why.

import { computed } from '@preact/signals';

import { marketBehind } from './behind';
import { age, bookAge, bookStale, connected, marketRefusals, stale } from './freshness';
import { ended, summary } from './live';

interface Staleness {
  title: string;
  why: string;
  ageMs: number | null; // null: nothing ever came, or it is not known since when nothing does
  triesAgain: boolean;
}

// null: it is live.
export const staleness = computed((): Staleness | null => {
  if (stale.value) {
    const title = summary.value ? 'Not live' : 'No data yet';
    const ageMs = summary.value ? age.value : null;
    return { title, why: why(), ageMs, triesAgain: true };
  }
  const title = 'Market not live';
  if (bookStale.value) {
    const because =
      'The node sends no market data, or a proxy between refuses WebSockets: book, trades and ' +
      'candles are not live.';
    return { title, why: because, ageMs: bookAge.value, triesAgain: true };
  }
  if (marketRefusals.value.length > 0) {
    const channels = marketRefusals.value.map(({ channel }) => channel).join(', ');
    const reasons = new Set(marketRefusals.value.map(({ reason }) => reason));
    const all = [...reasons].join('; ');
    const because = `The node does not send all of the market (${channels}): ${all}.`;
    return { title, why: because, ageMs: null, triesAgain: false };
  }
  if (marketBehind.value) {
    const { reason, ageMs } = marketBehind.value;
    const because =
      `What this node knows of the market stands still or is late: ${reason}. Others may trade ` +
      'meanwhile.';
    return { title, why: because, ageMs, triesAgain: true };
  }
  return null;
});

function why(): string {
  if (ended.value) return `The node stops: ${ended.value}.`;
  if (!connected.value) return 'The node that serves this page does not answer.';
  return 'The connection is open, and the node sends nothing.';
}
