// Says when what the page shows is not live, why, and where else to look.

import { Fragment } from 'preact';

import { marketBehind } from '../state/behind';
import { age, bookAge, bookStale, connected, stale } from '../state/freshness';
import { ended, nodes, summary } from '../state/live';
import { pageOfNode } from './elsewhere';
import { State } from './state';

interface Staleness {
  title: string;
  why: string;
  ageMs: number | null; // null: nothing ever came
}

function staleness(): Staleness | null {
  if (stale.value) {
    const title = summary.value ? 'Not live' : 'No data yet';
    return { title, why: why(), ageMs: summary.value ? age.value : null };
  }
  if (bookStale.value) {
    const because =
      'The node sends no market data, or a proxy between refuses WebSockets: book, trades and ' +
      'candles are not live.';
    return { title: 'Market not live', why: because, ageMs: bookAge.value };
  }
  if (marketBehind.value) {
    const { reason, ageMs } = marketBehind.value;
    const because =
      `What this node knows of the market stands still or is late: ${reason}. Others may trade ` +
      'meanwhile.';
    return { title: 'Market not live', why: because, ageMs };
  }
  return null;
}

function wholeSeconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}

function why(): string {
  if (ended.value) return `The node stops: ${ended.value}.`;
  if (!connected.value) return 'The node that serves this page does not answer.';
  return 'The connection is open, and the node sends nothing.';
}

export function StaleBanner() {
  const known = staleness();
  // The region is there from the start, so that screen readers hear what appears in it.
  return (
    <div class="stale" role="status">
      {known && (
        <div class="banner">
          <State level="warn">
            <b>{known.title}</b>
          </State>
          <p>
            {known.why} {known.ageMs !== null && `This is ${wholeSeconds(known.ageMs)} old.`} Trying
            again. <Others />
          </p>
        </div>
      )}
    </div>
  );
}

// The same page from other nodes.
function Others() {
  const others = (nodes.value?.nodes ?? []).flatMap(({ node, is_self, http }) => {
    const page = is_self ? null : pageOfNode(http);
    return page ? [{ node, page }] : [];
  });
  if (others.length === 0) return null;
  return (
    <>
      Other nodes show the same:{' '}
      {others.map(({ node, page }, at) => (
        <Fragment key={node}>
          {at > 0 && ', '}
          <a href={page}>node {node}</a>
        </Fragment>
      ))}
    </>
  );
}
