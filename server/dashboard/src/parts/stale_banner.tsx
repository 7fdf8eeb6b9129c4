// Says when what the page shows is not live, why, and where else to look.

import { age, connected, stale } from '../state/freshness';
import { ended, nodes, summary } from '../state/live';
import { State } from './state';

function why(): string {
  if (ended.value) return `The node stops: ${ended.value}.`;
  if (!connected.value) return 'The node that serves this page does not answer.';
  return 'The connection is open, and the node sends nothing.';
}

export function StaleBanner() {
  // The region is there from the start, so that screen readers hear what appears in it.
  return (
    <div class="stale" role="status">
      {stale.value && (
        <div class="banner">
          <State level="warn">
            <b>{summary.value ? 'Not live' : 'No data yet'}</b>
          </State>
          <p>
            {why()} {summary.value && `This is ${Math.floor(age.value / 1000)} s old.`} Trying
            again. <Others />
          </p>
        </div>
      )}
    </div>
  );
}

// The same page from other nodes.
function Others() {
  const others = nodes.value?.nodes.filter(({ is_self, http_address }) => !is_self && http_address);
  if (!others || others.length === 0) return null;
  return (
    <>
      Other nodes show the same:{' '}
      {others.map(({ node, http_address }, at) => (
        <>
          {at > 0 && ', '}
          <a key={node} href={`${location.protocol}//${http_address}/${location.hash}`}>
            node {node}
          </a>
        </>
      ))}
    </>
  );
}
