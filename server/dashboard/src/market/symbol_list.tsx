// All symbols, to choose one.

import type { Symbol } from '../../generated/schema';
import { percent, UNKNOWN } from '../format/numbers';
import { padded, decimals } from '../format/decimal';
import { Empty, Panel } from '../parts/panel';
import { Term } from '../parts/term';
import { linkTo, route } from '../router';

interface SymbolListProps {
  symbols: readonly Symbol[];
  chosen: string | undefined;
}

export function SymbolList({ symbols, chosen }: SymbolListProps) {
  const find = (route.value.query.find ?? '').toUpperCase();
  const shown = symbols.filter(({ symbol }) => symbol.toUpperCase().includes(find));
  return (
    <Panel title="Symbols" class="symbols">
      {symbols.length === 0 ? (
        <Empty>
          No symbol yet. An operator adds one: <code>qb symbol add NAME</code>
        </Empty>
      ) : (
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
              {shown.map(({ symbol, last, change_ratio, tick_size }) => (
                <tr key={symbol} class={symbol === chosen ? 'chosen' : ''}>
                  <th scope="row">
                    <a
                      href={linkTo('market', { ...route.value.query, symbol })}
                      aria-current={symbol === chosen ? 'true' : undefined}
                    >
                      {symbol}
                    </a>
                  </th>
                  <td class="number">
                    {last === null ? UNKNOWN : padded(last, decimals(tick_size))}
                  </td>
                  <td class="number">{signed(change_ratio)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

export function signed(ratio: number | null): string {
  if (ratio === null) return UNKNOWN;
  return `${ratio > 0 ? '+' : ''}${percent(ratio)}`;
}
