// The symbols, to choose one.

import type { Symbol } from '../../generated/schema';
import { count, percent, UNKNOWN } from '../format/numbers';
import { padded, decimals } from '../format/decimal';
import { useFetched } from '../parts/fetched';
import { Empty, Panel } from '../parts/panel';
import { Term } from '../parts/term';
import { choose, linkTo, route } from '../router';
import { justBefore, matching } from './symbol_names';

interface SymbolListProps {
  listed: readonly Symbol[];
  more: boolean; // the node has more than are listed
  chosen: string | undefined;
}

const FOUND = 100;
const EVERY_MS = 2000;

export function SymbolList({ listed, more, chosen }: SymbolListProps) {
  const find = route.value.query.find ?? '';
  const asked = more && find ? { after: justBefore(find), limit: FOUND } : null;
  const { data } = useFetched('/api/symbols', asked, EVERY_MS);
  const shown = matching(listed, data?.symbols ?? [], find);
  return (
    <Panel
      title="Symbols"
      class="symbols"
      aside={
        <input
          type="search"
          class="find"
          aria-label="Find a symbol"
          placeholder="Find"
          value={find}
          onInput={(event) => choose({ find: event.currentTarget.value })}
        />
      }
    >
      {listed.length === 0 && !more ? (
        <Empty>
          No symbol yet. An operator adds one: <code>qb symbol add NAME</code>
        </Empty>
      ) : (
        <>
          {more && (
            <p class="muted small">
              The first {count(listed.length)} by name. Others are found by how their name begins.
            </p>
          )}
          {shown.length === 0 && <Empty>No symbol of that name.</Empty>}
          <Rows symbols={shown} chosen={chosen} />
        </>
      )}
    </Panel>
  );
}

function Rows({ symbols, chosen }: { symbols: readonly Symbol[]; chosen: string | undefined }) {
  if (symbols.length === 0) return null;
  return (
    <div class="symbol-rows">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="number">
              <Term of="last">Last</Term>
            </th>
            <th scope="col" class="number">
              <Term of="change">Change</Term>
            </th>
          </tr>
        </thead>
        <tbody>
          {symbols.map(({ symbol, last, change_ratio, tick_size }) => (
            <tr key={symbol} class={symbol === chosen ? 'chosen' : ''}>
              <th scope="row">
                <a
                  href={linkTo('market', { ...route.value.query, symbol })}
                  aria-current={symbol === chosen ? 'true' : undefined}
                >
                  {symbol}
                </a>
              </th>
              <td class="number">{last === null ? UNKNOWN : padded(last, decimals(tick_size))}</td>
              <td class={`number ${tint(change_ratio)}`}>{signed(change_ratio)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// The colour repeats the sign.
export function tint(ratio: number | null): string {
  if (ratio === null || ratio === 0) return '';
  return ratio > 0 ? 'buy-text' : 'sell-text';
}

export function signed(ratio: number | null): string {
  if (ratio === null) return UNKNOWN;
  return `${ratio > 0 ? '+' : ''}${percent(ratio)}`;
}
