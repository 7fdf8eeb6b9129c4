// Says when what the page shows is not live, why, and where else to look.

import { Fragment } from 'preact';

import { nodes } from '../state/live';
import { staleness } from '../state/staleness';
import { pageOfNode } from './elsewhere';
import { State } from './state';

function wholeSeconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}

export function StaleBanner() {
  const known = staleness.value;
  // The region is there from the start, so that screen readers hear what appears in it.
  return (
    <div class="stale" role="status">
      {known && (
        <div class="banner">
          <State level="warn">
            <b>{known.title}</b>
          </State>
          <p>
            {known.why} {known.ageMs !== null && `This is ${wholeSeconds(known.ageMs)} old.`}{' '}
            {known.triesAgain && 'Trying again.'} <Others />
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
